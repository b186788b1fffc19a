/*
 * node.c
 *		Bounds what each individual contributes: at most k groups, r rows in each.
 *
 * A custom scan between the rows of a release and the aggregation of its groups:
 *
 * 1. All rows become records, divided by a keyed hash of their unit (divide.c, partitions.c).
 * 2. Partition by partition, the rows of each individual are summed up in the k groups
 *    that count (sum.c, individuals.c), and the bounded contributions added to these groups
 *    (groups.c).
 * 3. The groups leave as partial states, which an Agg above combines.
 *
 * In a parallel plan all participants divide the rows that they scan among shared
 * partitions, wait for each other at a barrier, and then take partitions in turn.
 * Nobody waits after the first row that left, as in a parallel hash join
 * (nodeHashjoin.c).  A participant that comes after the barrier skips the first step
 * (shared.c, numbered.c).
 *
 * Memory: blocks of records beyond a share of hash memory go to temporary files.  Groups leave
 * when they exceed their share.  If individuals of a partition, or the groups that they may
 * count in, exceed it, the partition is read several times, each time for some of them.
 *
 * What is chosen of an individual's groups and values follows from its own rows and the
 * release's secret, which the leader hands to the workers in shared memory.  Nothing here
 * draws noise, and no row raises an error.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "nodes/extensible.h"
#include "utils/memutils.h"

#include "nodes/bound/divide.h"
#include "nodes/bound/feature_steps.h"
#include "nodes/bound/groups.h"
#include "nodes/bound/items.h"
#include "nodes/bound/keys.h"
#include "nodes/bound/layout.h"
#include "nodes/bound/node.h"
#include "nodes/bound/numbered.h"
#include "nodes/bound/partial.h"
#include "nodes/bound/partitions.h"
#include "nodes/bound/records.h"
#include "nodes/bound/shared.h"
#include "nodes/bound/state.h"
#include "nodes/bound/sum.h"
#include "nodes/custom.h"
#include "nodes/identity.h"

static void
begin_bound(CustomScanState *node, EState *estate, int eflags)
{
	BoundState *state = (BoundState *) node;
	PartialNode *partial = &state->partial;
	CustomScan *scan = (CustomScan *) node->ss.ps.plan;
	MemoryContext old;

	partial_begin(partial, estate, eflags);
	old = MemoryContextSwitchTo(partial->context);
	state->partition = -1;
	state->expected_rows = list_nth_int(lsecond(scan->custom_private), BOUND_ROWS);
	key_columns_open(&state->units, ExecGetResultType(partial_child(partial)),
					 partial->columns.units, partial->columns.nunits, false);
	record_layout(&state->layout, partial->spec, &state->units, &partial->keys);
	feature_steps_compile(&state->features, partial->spec);
	items_weights(state->weights, partial->contributions->params.rows);
	MemoryContextSwitchTo(old);
}

/* Puts the next group into the node's slot; false if there is none. */
static bool
next_state(BoundState *state)
{
	PartialNode *partial = &state->partial;

	for (;;)
	{
		PassEnd		end;

		if (partial->emitting && partial_emit(partial, partial->groups.n))
			return true;
		if (partial->emitting)
			bound_forget_groups(state);
		partial->emitting = false;
		/* what a pass would be left for is better done before it */
		do
			end = bound_do_pass(state);
		while (end == PASS_WIDE ||
			   (end == PASS_DONE && groups_memory(&partial->groups) <= state->groups_memory / 2));
		if (end == PASS_NONE && partial->groups.n == 0)
			return false;
		partial->emitting = true;
	}
}

static TupleTableSlot *
next_group(ScanState *node)
{
	BoundState *state = (BoundState *) node;

	ExecClearTuple(node->ss_ScanTupleSlot);
	if (!state->divided)
		bound_divide(state);
	if (state->numbered)
		(void) numbered_next(state);
	else
		(void) next_state(state);
	return node->ss_ScanTupleSlot;
}

static TupleTableSlot *
exec_bound(CustomScanState *node)
{
	return custom_exec(node, next_group);
}

/* Lets go of what lies in shared memory, before that goes. */
static void
shutdown_bound(CustomScanState *node)
{
	BoundState *state = (BoundState *) node;

	if (state->partitions != NULL)
		partitions_close(state->partitions);
	state->partitions = NULL;
	state->shared = NULL;
}

static void
end_bound(CustomScanState *node)
{
	shutdown_bound(node);
	partial_end(node);
}

static const CustomExecMethods bound_exec_methods = {
	.CustomName = node_bound,
	.BeginCustomScan = begin_bound,
	.ExecCustomScan = exec_bound,
	.EndCustomScan = end_bound,
	.ReScanCustomScan = partial_rescan,
	.EstimateDSMCustomScan = shared_estimate,
	.InitializeDSMCustomScan = shared_initialize,
	.InitializeWorkerCustomScan = shared_initialize_worker,
	.ShutdownCustomScan = shutdown_bound,
};

/* CreateCustomScanState */
Node *
bound_create_state(CustomScan *scan)
{
	return custom_create_state(sizeof(BoundState), &bound_exec_methods);
}
