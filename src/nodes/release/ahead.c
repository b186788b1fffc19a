/*
 * ahead.c
 *		What is public below a release is read to its end before the first protected row.
 *
 * A scan reads only as many rows as it is asked for, and here it is protected rows that ask.
 * Public relations are scanned by DP Public (nodes/public).  CTEs here hold public rows: what
 * query/publics.c put into them, and CTEs of the client that hold a release.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/tuplestore.h"

#include "nodes/identity.h"
#include "nodes/public/node.h"
#include "nodes/release/ahead.h"
#include "nodes/shards/node.h"

/*
 * Reads the CTE of a scan to its end, as CteScanNext() does (nodeCtescan.c).  Nobody
 * has read from it below this release, so read pointers stay where they are.
 */
static void
read_cte(CteScanState *scan)
{
	CteScanState *leader = scan->leader;
	Plan	   *plan = leader->cteplanstate->plan;
	int			param = -1;

	/*
	 * Those that the rewriter leaves here depend on nothing but other CTEs, whose parameters
	 * are the scans that lead them.
	 */
	while ((param = bms_next_member(plan->extParam, param)) >= 0)
	{
		Datum		value = leader->ss.ps.state->es_param_exec_vals[param].value;

		if (DatumGetPointer(value) == NULL || !IsA(DatumGetPointer(value), CteScanState))
			elog(ERROR, "a CTE below a release depends on something else");
	}
	while (!leader->eof_cte)
	{
		TupleTableSlot *slot = ExecProcNode(leader->cteplanstate);

		CHECK_FOR_INTERRUPTS();
		if (TupIsNull(slot))
			leader->eof_cte = true;
		else
		{
			tuplestore_select_read_pointer(leader->cte_table, scan->readptr);
			tuplestore_puttupleslot(leader->cte_table, slot);
		}
	}
}

/* Will the node start workers, which run what stands below it? */
static bool
starts_workers(PlanState *state)
{
	if (!state->state->es_use_parallel_mode)
		return false;
	return (IsA(state, GatherState) && ((Gather *) state->plan)->num_workers > 0) ||
		(IsA(state, GatherMergeState) && ((GatherMerge *) state->plan)->num_workers > 0);
}

/* *context: a bool, workers may run the node */
static bool
shared_walker(PlanState *state, void *context)
{
	bool		shared = *(bool *) context || starts_workers(state);

	if (is_state_of(state, node_release))
		return false;
	if (shared && is_state_of(state, node_public))
		public_read_ahead(state, true);
	return planstate_tree_walker(state, shared_walker, &shared);
}

static bool
ahead_walker(PlanState *state, void *context)
{
	if (is_state_of(state, node_release))
		return false;
	if (IsA(state, CteScanState))
		read_cte((CteScanState *) state);
	if (is_state_of(state, node_public))
		public_read_ahead(state, false);
	if (is_state_of(state, node_shards))
		shards_read_ahead(state);
	return planstate_tree_walker(state, ahead_walker, context);
}

/*
 * Reads all public relations below the plans, and all CTEs that scans there read.  First those that
 * workers may ask for: a sub-plan can stand with several nodes, and workers run only some of them.
 */
void
read_ahead(List *plans)
{
	ListCell   *lc;
	bool		shared = false;

	foreach(lc, plans)
		(void) shared_walker(lfirst(lc), &shared);
	foreach(lc, plans)
		(void) ahead_walker(lfirst(lc), NULL);
}
