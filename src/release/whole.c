/*
 * whole.c
 *		What a drain has left unread of protected tables is read after it.
 *
 * A join does not read one side if the other is empty, nor to its end once the other has
 * ended; EXISTS stops at the first row that it finds.  So how far a table is read would
 * depend on rows, and reading leaves traces: pages that are cleaned up and written to the
 * WAL, pages in the cache.  Therefore each scan of a whole protected table that has not
 * come to its end goes on to it, for nobody, before the plan is shut down: parallel scans
 * share their place until then.  A scan that was never begun reads all of its table.
 *
 * Most plans have read everything, and this costs them nothing.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/tableam.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/rel.h"

#include "policy/policy.h"
#include "release/release.h"

/*
 * Is there nothing left to read?  A scan of a heap that has come to its end is as one that
 * has not begun, but for its descriptor; a parallel one does not know what others have
 * read.
 */
static bool
has_ended(ScanState *scan)
{
	TableScanDesc desc = scan->ss_currentScanDesc;

	return desc != NULL && desc->rs_parallel == NULL &&
		scan->ss_currentRelation->rd_tableam == GetHeapamTableAmRoutine() &&
		!((HeapScanDesc) desc)->rs_inited;
}

static void
read_on(ScanState *scan)
{
	TupleTableSlot *slot = scan->ss_ScanTupleSlot;

	if (scan->ss_currentScanDesc == NULL)
		scan->ss_currentScanDesc = table_beginscan(scan->ss_currentRelation,
												   scan->ps.state->es_snapshot, 0, NULL);
	while (table_scan_getnextslot(scan->ss_currentScanDesc, ForwardScanDirection, slot))
		CHECK_FOR_INTERRUPTS();
	ExecClearTuple(slot);
}

static bool
whole_walker(PlanState *state, void *context)
{
	if (is_release_state(state))
		return false;			/* has done so itself */
	if (IsA(state, SeqScanState) || is_wide_state(state))
	{
		ScanState  *scan = (ScanState *) state;

		if (policy_lookup(RelationGetRelid(scan->ss_currentRelation)) == NULL ||
			has_ended(scan))
			return planstate_tree_walker(state, whole_walker, context);
		if (IsA(state, SeqScanState))
			read_on(scan);
		else
		{
			while (wide_read_on(state))
				CHECK_FOR_INTERRUPTS();
		}
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
