/*
 * whole.c
 *		What a drain has left unread of protected tables is read after it.
 *
 * A join does not read one side if the other is empty, nor to its end once the other has
 * ended; EXISTS stops at the first row that it finds.  So how far a table is read would
 * depend on rows, and reading leaves traces: pages that are cleaned up and written to the
 * WAL, pages in the cache.  Therefore each scan of a whole protected table that has not
 * come to its end is read to its end, and its rows are thrown away.  This is done before the
 * plan is shut down: parallel scans share their place until then.  A scan that was never begun
 * reads all of its table.
 *
 * The same holds for rows that are looked up by what the query says and nothing else
 * (planner/look_ups.c): how many there are may show, but not whether others are that they
 * would be joined with.
 *
 * Most plans have read everything, and this costs them nothing.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/nbtree.h"
#include "access/tableam.h"
#include "catalog/pg_am.h"
#include "executor/execParallel.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/rel.h"

#include "core/compat.h"
#include "nodes/depends.h"
#include "nodes/identity.h"
#include "nodes/release/whole.h"
#include "nodes/release/wide.h"
#include "policy/cache.h"

/*
 * Is there nothing left to read?  A scan of a heap that has come to its end is as one that
 * has not begun, but for its descriptor; a parallel one does not know what others have
 * read.
 */
static bool
scan_has_ended(ScanState *scan)
{
	TableScanDesc desc = scan->ss_currentScanDesc;

	return desc != NULL && desc->rs_parallel == NULL &&
		scan->ss_currentRelation->rd_tableam == GetHeapamTableAmRoutine() &&
		!((HeapScanDesc) desc)->rs_inited;
}

/* The same of a scan of a whole index. */
static bool
index_has_ended(IndexScanDesc desc)
{
	return desc != NULL && desc->parallel_scan == NULL &&
		desc->indexRelation->rd_rel->relam == BTREE_AM_OID &&
		!BTScanPosIsValid(((BTScanOpaque) desc->opaque)->currPos);
}

static void
read_table(ScanState *scan)
{
	TupleTableSlot *slot = scan->ss_ScanTupleSlot;

	if (scan->ss_currentScanDesc == NULL)
		scan->ss_currentScanDesc = DP_BEGIN_SCAN(scan->ss_currentRelation,
												 scan->ps.state->es_snapshot);
	while (table_scan_getnextslot(scan->ss_currentScanDesc, ForwardScanDirection, slot))
		CHECK_FOR_INTERRUPTS();
	ExecClearTuple(slot);
}

/*
 * Conditions and outputs are left out: they may ask for parameters of a row outside that has never been
 * there.
 */
static void
read_index(PlanState *state)
{
	state->qual = NULL;
	state->ps_ProjInfo = NULL;
	while (!TupIsNull(ExecProcNode(state)))
		CHECK_FOR_INTERRUPTS();
}

static bool
reads_protected(PlanState *state)
{
	return policy_lookup(RelationGetRelid(((ScanState *) state)->ss_currentRelation)) != NULL;
}

/*
 * Is the scan, by conditions on an index, one of a protected relation, of rows that do not depend on
 * others?  Those that do, which dp_agg.index_scans allows, leave unread what they leave.
 */
static bool
reads_steadily(PlanState *state, List *quals)
{
	return reads_protected(state) && !depends_on_others((Node *) quals, DP_ANY_RELATION);
}

static bool whole_walker(PlanState *state, void *context);

/*
 * Walks below a Gather.  A bitmap that its workers share lives in its memory, which is at hand while
 * nodeGather.c runs the plan.
 */
static bool
walk_below_workers(PlanState *state, const ParallelExecutorInfo *info)
{
	EState	   *estate = state->state;
	struct dsa_area *before = estate->es_query_dsa;

	estate->es_query_dsa = info != NULL ? info->area : NULL;
	(void) planstate_tree_walker(state, whole_walker, NULL);
	estate->es_query_dsa = before;
	return false;
}

static bool
whole_walker(PlanState *state, void *context)
{
	if (is_state_of(state, node_release))
		return false;			/* has done so itself */
	if (IsA(state, GatherState))
		return walk_below_workers(state, ((GatherState *) state)->pei);
	if (IsA(state, GatherMergeState))
		return walk_below_workers(state, ((GatherMergeState *) state)->pei);
	if (IsA(state, SeqScanState))
	{
		if (reads_protected(state) && !scan_has_ended((ScanState *) state))
			read_table((ScanState *) state);
	}
	else if (is_state_of(state, node_wide))
		wide_read_on(state);
	else if (IsA(state, IndexScanState))
	{
		IndexScanState *scan = (IndexScanState *) state;

		if (reads_steadily(state, ((IndexScan *) state->plan)->indexqual) &&
			!index_has_ended(scan->iss_ScanDesc))
			read_index(state);
	}
	else if (IsA(state, IndexOnlyScanState))
	{
		IndexOnlyScanState *scan = (IndexOnlyScanState *) state;

		if (reads_steadily(state, ((IndexOnlyScan *) state->plan)->indexqual) &&
			!index_has_ended(scan->ioss_ScanDesc))
			read_index(state);
	}
	else if (IsA(state, BitmapHeapScanState))
	{
		/* one that has come to its end says so once more */
		if (reads_steadily(state, ((BitmapHeapScan *) state->plan)->bitmapqualorig))
			read_index(state);
	}
	return planstate_tree_walker(state, whole_walker, context);
}

/* Reads protected tables below the plans, which have run, to their ends. */
void
read_wholly(List *plans)
{
	ListCell   *lc;

	foreach(lc, plans)
		(void) whole_walker(lfirst(lc), NULL);
}
