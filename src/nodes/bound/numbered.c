/*
 * numbered.c
 *		Groups whose numbers all participants of a parallel plan have in common.
 *
 * Each participant adds up its partitions' individuals by these numbers, in shared memory.
 * When all have, each participant takes some of the groups and lets them leave with the sums of
 * all.  So the Agg above gets one state of each group.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "port/atomics.h"
#include "storage/barrier.h"
#include "utils/dsa.h"
#include "utils/wait_event.h"

#include "aggregate/sum.h"
#include "nodes/bound/group_ids.h"
#include "nodes/bound/groups.h"
#include "nodes/bound/numbered.h"
#include "nodes/bound/partial.h"
#include "nodes/bound/shared.h"
#include "nodes/bound/state.h"
#include "nodes/bound/sum.h"

/* Groups that a participant lets leave at a time. */
#define GROUPS_AT_A_TIME 1024

/*
 * Numbers the groups of all participants, if each has room for the sums of all.  Those of
 * sketches are not added up by number, nor is the one group where there are no keys.
 */
void
numbered_make(BoundState *state)
{
	Size		most = state->groups_memory / (spec_sums(state->partial.spec) * sizeof(CollectSum));

	if (state->partial.columns.nkeys == 0 || state->partial.spec->nsketches > 0 ||
		pg_atomic_read_u32(&state->shared->without_id) != 0)
		return;
	state->shared->numbers = group_ids_number(state->ids_of, state->nparticipants,
											  (uint32) Min(most, PG_INT32_MAX), query_area(state));
}

/*
 * Takes numbers that groups have in common, and makes room for their sums, if it is not
 * too late to add to them.
 */
void
numbered_take(BoundState *state)
{
	SharedBound *shared = state->shared;
	Groups	   *groups = &state->partial.groups;
	dsa_pointer *sums = &shared->of[ParallelWorkerNumber + 1].sums;

	group_ids_take_numbers(state->ids_of, state->nparticipants, groups, shared->numbers,
						   query_area(state));
	state->numbered = true;
	if (BarrierPhase(&shared->barrier) == PHASE_LEAVE)
		return;
	*sums = dsa_allocate_extended(query_area(state),
								  Max(groups->n, 1) * (Size) groups->nsums *
								  sizeof(CollectSum), DSA_ALLOC_HUGE | DSA_ALLOC_ZERO);
	groups->sums = dsa_get_address(query_area(state), *sums);
}

/* Adds all individuals, and waits until the others have. */
static void
sum_up(BoundState *state)
{
	Barrier    *barrier = &state->shared->barrier;

	while (bound_do_pass(state) != PASS_NONE)
		;
	if (BarrierPhase(barrier) == PHASE_SUM)
		BarrierArriveAndWait(barrier, PG_WAIT_EXTENSION);
	BarrierDetach(barrier);
	state->summed = true;
}

/* Adds the others' sums of the groups that leave here now. */
static void
add_up(BoundState *state, uint32 first)
{
	SharedBound *shared = state->shared;
	Groups	   *groups = &state->partial.groups;
	CollectSum *sums = groups_sums(groups, first);
	Size		n = (Size) (state->groups_end - first) * groups->nsums;

	for (int i = 0; i < state->nparticipants; i++)
	{
		const CollectSum *others;

		if (i == ParallelWorkerNumber + 1 || !DsaPointerIsValid(shared->of[i].sums))
			continue;
		others = (CollectSum *) dsa_get_address(query_area(state), shared->of[i].sums) +
			(Size) first * groups->nsums;
		for (Size d = 0; d < n; d++)
			sum_add(&sums[d], sum_get(&others[d]));
	}
}

/* Takes groups that nobody has taken; false if there are none. */
static bool
take_groups(BoundState *state)
{
	Groups	   *groups = &state->partial.groups;
	uint32		first;

	if (groups->sums == NULL)
		return false;			/* too late */
	first = pg_atomic_fetch_add_u32(&state->shared->next_group, GROUPS_AT_A_TIME);
	if (first >= groups->n)
		return false;
	groups->emitted = first;
	state->groups_end = Min(first + GROUPS_AT_A_TIME, groups->n);
	add_up(state, first);
	return true;
}

/*
 * Puts the next group into the node's slot, after all individuals have been added; false if
 * this participant has no more.
 */
bool
numbered_next(BoundState *state)
{
	if (!state->summed)
		sum_up(state);
	while (!partial_emit(&state->partial, state->groups_end))
	{
		if (!take_groups(state))
			return false;
	}
	return true;
}
