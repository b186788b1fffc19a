/*
 * wide.c
 *		Scans protected relations with values stored out of line (TOAST).
 *
 * DP Scan is a sequential scan that fetches all such values of the columns that the release
 * reads (query/wide.c), for each row of the table, before it asks any condition: which
 * pages are read does not depend on rows.  What it hands on are the values themselves,
 * compressed as they are stored, not pointers to them.  So nothing above it reads from
 * the TOAST table: neither a join or a sort, long after the page has left the cache,
 * nor an expression that asks for some bytes of a value, or the same value again.
 *
 * Invariants:
 *
 * - It replaces all scans of whole tables in the release; those by an index, where the
 *   administrator allows them (dp_agg.index_scans), read what conditions ask for.
 * - A relation whose TOAST table is empty keeps its plain scans.  That it is empty is looked
 *   at again when the release begins, with its snapshot known (wide_recheck): rows
 *   that come later are not in it.
 * - Where the scan runs again (a correlated sub-select), rows that it has met
 *   are handed on as they are stored: their pages have been read before, and to fetch
 *   everything for each row of another table would take too long.
 * - A value that is too wide for a row to be formed with it is fetched, too, but passed on as a
 *   pointer.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/table.h"
#include "access/tableam.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
#include "parser/parsetree.h"
#include "storage/bufmgr.h"
#include "utils/plancache.h"
#include "utils/rel.h"

#include "core/compat.h"
#include "nodes/custom.h"
#include "nodes/identity.h"
#include "nodes/release/wide.h"
#include "policy/allowed.h"
#include "spec/needs.h"
#include "spec/shapes.h"

typedef struct WideState
{
	CustomScanState css;		/* must be first */
	TupleTableSlot *stored;		/* the row as it is stored */
	int			last;			/* number of the last column that the plan reads */
	int			ncolumns;
	AttrNumber *columns;		/* those to be fetched */
	uint64		row;			/* number of the current row in this pass */
	uint64		nfetched;		/* rows of which they have been fetched, in any pass */
	bool		at_end;			/* this pass has come to its end: a heap would begin anew */
	bool		ended;			/* some pass has */
} WideState;

static Plan *plan_wide(PlannerInfo *root, RelOptInfo *rel, CustomPath *best_path, List *tlist,
					   List *clauses, List *custom_plans);
static Node *create_wide_state(CustomScan *scan);

static const CustomMethods wide_methods =
	CUSTOM_METHODS(node_wide, plan_wide, create_wide_state);

/* ----------
 * Planning
 * ----------
 */

/* Size of a relation's TOAST table in pages; 0 if it has none. */
BlockNumber
wide_pages(Oid relid)
{
	Relation	relation = table_open(relid, AccessShareLock);
	Oid			toastid = relation->rd_rel->reltoastrelid;
	BlockNumber result = 0;

	if (OidIsValid(toastid))
	{
		Relation	toast = table_open(toastid, AccessShareLock);

		result = RelationGetNumberOfBlocks(toast);
		table_close(toast, NoLock);
	}
	table_close(relation, NoLock);
	return result;
}

/*
 * The columns of a relation that are read for their values, as integers; those of a child by
 * its numbers.  wide: a list of WideRelation.
 */
List *
wide_columns_read(PlannerInfo *root, Index rti, List *wide)
{
	RangeTblEntry *rte = planner_rt_fetch(rti, root);
	AppendRelInfo *child = root->append_rel_array ? root->append_rel_array[rti] : NULL;
	List	   *result = NIL;

	if (child != NULL && planner_rt_fetch(child->parent_relid, root)->rtekind == RTE_RELATION)
	{
		ListCell   *lc;

		foreach(lc, wide_columns_read(root, child->parent_relid, wide))
		{
			Var		   *var = list_nth(child->translated_vars, lfirst_int(lc) - 1);

			result = lappend_int(result, var->varattno);
		}
	}
	else
	{
		const WideRelation *relation = find_wide_relation(wide, rte->relid);
		int			i = -1;

		while (relation != NULL && (i = bms_next_member(relation->columns, i)) >= 0)
			result = lappend_int(result, i);
	}
	return result;
}

/* A scan that fetches columns; workers = 0: one process alone. */
static Path *
wide_path(PlannerInfo *root, RelOptInfo *rel, List *columns, BlockNumber pages, int workers)
{
	CustomPath *path = makeNode(CustomPath);
	Path	   *plain = create_seqscan_path(root, rel, workers > 0 ? NULL : rel->lateral_relids,
											workers);

	path->path = *plain;
	path->path.type = T_CustomPath;
	path->path.pathtype = T_CustomScan;
	path->path.total_cost += seq_page_cost * pages / (workers + 1);
	path->flags = CUSTOMPATH_SUPPORT_PROJECTION;
	path->custom_private = list_make1(columns);
	path->methods = &wide_methods.path;
	return &path->path;
}

/* Adds scans of a whole table, in one process and in several, that fetch columns. */
void
wide_add_paths(PlannerInfo *root, RelOptInfo *rel, List *columns, BlockNumber pages)
{
	add_path(rel, wide_path(root, rel, columns, pages, 0));
	if (rel->consider_parallel && bms_is_empty(rel->lateral_relids))
	{
		int			workers = compute_parallel_worker(rel, (double) rel->pages + pages, -1,
													  max_parallel_workers_per_gather);

		if (workers > 0)
			add_partial_path(rel, wide_path(root, rel, columns, pages, workers));
	}
}

static Plan *
plan_wide(PlannerInfo *root, RelOptInfo *rel, CustomPath *best_path, List *tlist,
		  List *clauses, List *custom_plans)
{
	CustomScan *scan = makeNode(CustomScan);

	scan->scan.plan.targetlist = tlist;
	scan->scan.plan.qual = extract_actual_clauses(clauses, false);
	scan->scan.scanrelid = rel->relid;
	scan->flags = best_path->flags;
	scan->custom_private = best_path->custom_private;
	scan->methods = &wide_methods.scan;
	return &scan->scan.plan;
}

/* Makes the node known to workers, too; called once from _PG_init. */
void
wide_node_init(void)
{
	RegisterCustomScanMethods(&wide_methods.scan);
}

/*
 * Raises ERRCODE_DP_QUERY_REFUSED if one of the relations, which have been planned without,
 * has wide values by now.  Plans that are kept are made anew then.
 */
void
wide_recheck(List *relids)
{
	ListCell   *lc;

	foreach(lc, relids)
	{
		if (wide_pages(lfirst_oid(lc)) == 0)
			continue;
		ResetPlanCache();
		refuse_changed();
	}
}

/* ----------
 * Execution
 * ----------
 */

/* The last column that the node's own expressions read; nothing else sees the stored row. */
static int
last_column(CustomScan *scan)
{
	Bitmapset  *columns = NULL;
	int			result = 0;
	int			i = -1;

	pull_varattnos((Node *) scan->scan.plan.targetlist, scan->scan.scanrelid, &columns);
	pull_varattnos((Node *) scan->scan.plan.qual, scan->scan.scanrelid, &columns);
	while ((i = bms_next_member(columns, i)) >= 0)
		result = Max(result, i + FirstLowInvalidHeapAttributeNumber);
	return result;
}

static void
begin_wide(CustomScanState *node, EState *estate, int eflags)
{
	WideState  *state = (WideState *) node;
	CustomScan *scan = (CustomScan *) node->ss.ps.plan;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;
	List	   *columns = linitial(scan->custom_private);
	ListCell   *lc;

	state->last = last_column(scan);
	state->columns = palloc(list_length(columns) * sizeof(AttrNumber));
	foreach(lc, columns)
	{
		state->columns[state->ncolumns++] = lfirst_int(lc);
		state->last = Max(state->last, lfirst_int(lc));
	}

	/* the row that is handed on is the stored one, deformed, with values instead of pointers */
	state->stored = table_slot_create(node->ss.ss_currentRelation, &estate->es_tupleTable);
	Assert(TTS_IS_VIRTUAL(slot));
	slot->tts_values = state->stored->tts_values;
	slot->tts_isnull = state->stored->tts_isnull;
}

/* A value, read from its TOAST table if it is there. */
static Datum
fetched(Datum value)
{
	struct varlena *pointer = (struct varlena *) DatumGetPointer(value);
	struct varlena *result;

	if (!VARATT_IS_EXTERNAL_ONDISK(pointer))
		return value;
	result = detoast_external_attr(pointer);
	if (VARSIZE_ANY(result) <= GUARDED_WIDEST)
		return PointerGetDatum(result);
	pfree(result);
	return value;
}

static void
fetch_columns(WideState *state, TupleTableSlot *stored)
{
	for (int i = 0; i < state->ncolumns; i++)
	{
		int			column = state->columns[i] - 1;

		if (!stored->tts_isnull[column])
			stored->tts_values[column] = fetched(stored->tts_values[column]);
	}
}

static TupleTableSlot *
next_wide(ScanState *node)
{
	WideState  *state = (WideState *) node;
	TupleTableSlot *slot = node->ss_ScanTupleSlot;
	TupleTableSlot *stored = state->stored;
	MemoryContext old;

	ExecClearTuple(slot);
	if (state->at_end)
		return slot;
	if (node->ss_currentScanDesc == NULL)
		node->ss_currentScanDesc = DP_BEGIN_SCAN(node->ss_currentRelation,
												 node->ps.state->es_snapshot);
	if (!table_scan_getnextslot(node->ss_currentScanDesc, ForwardScanDirection, stored))
	{
		state->at_end = state->ended = true;
		return slot;
	}
	slot_getsomeattrs(stored, state->last);
	/* a parallel scan does not meet the same rows again */
	if (++state->row > state->nfetched || node->ss_currentScanDesc->rs_parallel != NULL)
	{
		old = MemoryContextSwitchTo(node->ps.ps_ExprContext->ecxt_per_tuple_memory);
		fetch_columns(state, stored);
		MemoryContextSwitchTo(old);
		state->nfetched = Max(state->nfetched, state->row);
	}
	return ExecStoreVirtualTuple(slot);
}

static TupleTableSlot *
exec_wide(CustomScanState *node)
{
	return custom_exec(node, next_wide);
}

/* Reads rows that a DP Scan has not read yet, for what reading leaves behind. */
void
wide_read_on(PlanState *planstate)
{
	WideState  *state = (WideState *) planstate;
	TableScanDesc desc = state->css.ss.ss_currentScanDesc;

	/* one process of several does not know what the others have read */
	if (state->ended && (desc == NULL || desc->rs_parallel == NULL))
		return;
	state->at_end = false;
	do
	{
		CHECK_FOR_INTERRUPTS();
		ResetExprContext(planstate->ps_ExprContext);
	} while (!TupIsNull(next_wide(&state->css.ss)));
}

static void
rescan_wide(CustomScanState *node)
{
	((WideState *) node)->row = 0;
	((WideState *) node)->at_end = false;
	if (node->ss.ss_currentScanDesc != NULL)
		table_rescan(node->ss.ss_currentScanDesc, NULL);
	ExecScanReScan(&node->ss);
}

static void
end_wide(CustomScanState *node)
{
	if (node->ss.ss_currentScanDesc != NULL)
		table_endscan(node->ss.ss_currentScanDesc);
}

/* ----------
 * Parallel scans, as those of nodeSeqscan.c
 * ----------
 */

static Size
estimate_wide(CustomScanState *node, ParallelContext *pcxt)
{
	return table_parallelscan_estimate(node->ss.ss_currentRelation,
									   node->ss.ps.state->es_snapshot);
}

static void
initialize_wide(CustomScanState *node, ParallelContext *pcxt, void *shared)
{
	table_parallelscan_initialize(node->ss.ss_currentRelation, shared,
								  node->ss.ps.state->es_snapshot);
	node->ss.ss_currentScanDesc = DP_BEGIN_PARALLEL_SCAN(node->ss.ss_currentRelation, shared);
}

static void
reinitialize_wide(CustomScanState *node, ParallelContext *pcxt, void *shared)
{
	table_parallelscan_reinitialize(node->ss.ss_currentRelation, shared);
}

static void
initialize_wide_worker(CustomScanState *node, shm_toc *toc, void *shared)
{
	node->ss.ss_currentScanDesc = DP_BEGIN_PARALLEL_SCAN(node->ss.ss_currentRelation, shared);
}

static const CustomExecMethods wide_exec_methods = {
	.CustomName = node_wide,
	.BeginCustomScan = begin_wide,
	.ExecCustomScan = exec_wide,
	.EndCustomScan = end_wide,
	.ReScanCustomScan = rescan_wide,
	.EstimateDSMCustomScan = estimate_wide,
	.InitializeDSMCustomScan = initialize_wide,
	.ReInitializeDSMCustomScan = reinitialize_wide,
	.InitializeWorkerCustomScan = initialize_wide_worker,
};

static Node *
create_wide_state(CustomScan *scan)
{
	return custom_create_state(sizeof(WideState), &wide_exec_methods);
}
