/*
 * node.c
 *		The sealed release node: where exact sums become released rows.
 *
 * Invariants:
 *
 * - It runs its child once per execution, at the first fetch (run.c), and only if the
 *   release was paid for (hooks/executor.c).  Rescans rewind.
 * - The child never appears among the node's children: EXPLAIN ANALYZE,
 *   auto_explain and counters see released rows at most.  Releases nested in it
 *   are found here and paid for with the others.
 * - What the rewriter proved about unique indexes is checked again, with the
 *   relations open and the snapshot known: code of the client's may have run
 *   since, at plan time, and changed its own tables.
 * - Of each group leaves what its gate and its noise allow (draw.c), and rows come out sorted
 *   by key (store.c).
 */
#include "postgres.h"

#include "executor/executor.h"
#include "nodes/extensible.h"

#include "core/errors.h"
#include "nodes/custom.h"
#include "nodes/identity.h"
#include "nodes/release/node.h"
#include "nodes/release/params.h"
#include "nodes/release/recheck.h"
#include "nodes/release/reuse_key.h"
#include "nodes/release/run.h"
#include "nodes/release/scans.h"
#include "nodes/release/state.h"
#include "nodes/release/store.h"
#include "nodes/release/wide.h"
#include "policy/enforced.h"
#include "policy/links.h"
#include "session/quiet.h"
#include "spec/needs.h"
#include "spec/serialise.h"
#include "spec/spec.h"

/* How many releases this process has begun. */
static uint64 begun = 0;

uint64
releases_begun(void)
{
	return begun;
}

/* Stops if an index or foreign key that the form, limits or links rest on proves nothing any more. */
static void
check_proofs(ReleaseState *state, Snapshot snapshot)
{
	for (int i = 0; i < state->spec->nproofs; i++)
	{
		if (!policy_still_unique(state->spec->proofs[i], snapshot))
			ereport(ERROR,
					(errcode(ERRCODE_DP_QUERY_REFUSED),
					 errmsg("a unique index has changed since the query was planned"),
					 errhint("Run the query again.")));
	}
	for (int i = 0; i < state->spec->nreferences; i++)
	{
		if (!policy_still_references(state->spec->references[i], snapshot))
			ereport(ERROR,
					(errcode(ERRCODE_DP_QUERY_REFUSED),
					 errmsg("a foreign key has changed since the query was planned"),
					 errhint("Run the query again.")));
	}
}

/*
 * The plans of sub-selects and CTEs of the release's own query, which the planner hangs on
 * its topmost node.
 */
static List *
own_init_plans(CustomScan *scan, EState *estate)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, scan->scan.plan.initPlan)
		result = lappend(result, list_nth(estate->es_subplanstates,
										  lfirst_node(SubPlan, lc)->plan_id - 1));
	return result;
}

static void
begin_release(CustomScanState *node, EState *estate, int eflags)
{
	ReleaseState *state = (ReleaseState *) node;
	CustomScan *scan = (CustomScan *) node->ss.ps.plan;
	int			instrument = estate->es_instrument;
	ListCell   *lc;

	begun++;
	state->needs = lsecond(scan->custom_private);
	state->spec = spec_read(node_description(scan), estate->es_query_cxt);
	read_params(state, estate, &state->params);
	spec_check_price(state->spec, &state->params);

	estate->es_instrument = 0;
	state->child = ExecInitNode(linitial(scan->custom_plans), estate, eflags);
	estate->es_instrument = instrument;
	check_proofs(state, estate->es_snapshot);
	state->plans = lcons(state->child, own_init_plans(scan, estate));
	foreach(lc, state->plans)
		recheck_plan(lfirst(lc), &state->grain_calls);
	recheck_relations(list_nth(state->needs, NEED_RELATIONS),
					  list_nth(state->needs, NEED_SHAPES));
	recheck_declarations(list_nth(state->needs, NEED_RELATIONS),
						 list_nth(state->needs, NEED_NOT_NULL), estate);
	wide_recheck(list_nth(state->needs, NEED_PLAIN));
	recheck_unique(list_nth(state->needs, NEED_UNIQUE), estate->es_snapshot);
	recheck_params(list_nth(state->needs, NEED_PARAMS), (PlanState *) state);
	find_releases(state->child, &state->nested, NULL);
}

static TupleTableSlot *
next_released(ScanState *node)
{
	ReleaseState *state = (ReleaseState *) node;

	if (!state->drained && state->reuse != NULL && state->reuse->answer != NULL)
		release_hand_out(state);
	else if (!state->drained)
		release_run(state);
	return released_next(&state->released, node->ss_ScanTupleSlot);
}

static TupleTableSlot *
exec_release(CustomScanState *node)
{
	return custom_exec(node, next_released);
}

static void
rescan_release(CustomScanState *node)
{
	ReleaseState *state = (ReleaseState *) node;

	ExecScanReScan(&node->ss);
	if (state->drained)
		released_rewind(&state->released);
}

static void
end_release(CustomScanState *node)
{
	ReleaseState *state = (ReleaseState *) node;

	if (state->child != NULL)
	{
		QuietState	quiet;

		quiet_begin(&quiet);
		ExecEndNode(state->child);
		quiet_end(&quiet);
		state->child = NULL;
	}
	released_end(&state->released);
}

static const CustomExecMethods release_exec_methods = {
	.CustomName = node_release,
	.BeginCustomScan = begin_release,
	.ExecCustomScan = exec_release,
	.EndCustomScan = end_release,
	.ReScanCustomScan = rescan_release,
};

/* CreateCustomScanState */
Node *
release_create_state(CustomScan *scan)
{
	return custom_create_state(sizeof(ReleaseState), &release_exec_methods);
}
