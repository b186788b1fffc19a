/*
 * parts_state.c
 *		What the parts of a release have in common.
 */
#include "postgres.h"

#include <math.h>

#include "mechanism/choose.h"
#include "mechanism/noise.h"
#include "mechanism/status.h"
#include "nodes/release/parts_state.h"

/* Raises an error unless a mechanism has done its work. */
void
parts_check(dp_status status)
{
	if (status == DP_ERR_RANDOM)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("the source of random bytes failed")));
	if (status != DP_OK)
		elog(ERROR, "a selection could not be made");
}

/* How many individuals have that weight in a group if all of them weigh as much as one can. */
int64
parts_individuals(const PartsState *state, double weight)
{
	return (int64) ceil(weight * (double) DP_SCALE /
						(double) spec_gate_weight(state->spec, state->params));
}

/* What a part spends on its gate, atto-delta; 0 if it has none. */
int64
parts_gate_delta(const PartsState *state, int part)
{
	return spec_part_is_gated(state->spec, part) ? state->params->delta_share : 0;
}

/* Space to choose among n cells or values, in the current memory context. */
dp_choose_work
parts_choose_work(int n)
{
	return (dp_choose_work) {
		.deficits = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(dp_uint128) * n),
		.order = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(int32) * n),
		.starts = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(int32) * (n + 1))
	};
}
