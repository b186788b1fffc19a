/*
 * smallest.c
 *		How many individuals it takes for something to be released.
 *
 * Thresholds follow from epsilon, delta and limits alone, so these numbers are public, and the
 * same whatever the rows are.
 */
#include "postgres.h"

#include "mechanism/status.h"
#include "nodes/release/parts.h"
#include "nodes/release/smallest.h"
#include "nodes/release/state.h"
#include "spec/spec.h"

/*
 * The number of individuals, each with as many rows as can count in a group, from which the gate
 * of the vector lets one pass with probability 1/2, for its noise is as often below 0 as above.
 */
static int64
smallest_of_vector(const ReleaseState *state)
{
	int64		weight = spec_gate_weight(state->spec, &state->params);

	/* a whole number passes with the probability of what is left to the next one */
	if (state->params.whole_noise)
		return (int64) ((state->tau + DP_SCALE / 2 - 1) / DP_SCALE);
	return (int64) ((state->tau + weight - 1) / weight);
}

/*
 * The number of individuals from which an output has a value with probability 1/2: what decides
 * about it is the vector's gate, if there is a vector, and the part that it reads.  With both
 * it is the larger number.  Individuals are meant all of whose rows count, with a value.
 */
int64
smallest_of_output(ReleaseState *state, const SpecOutput *output)
{
	int64		vector = state->spec->numeric ? smallest_of_vector(state) : 0;
	int64		part = output->part != DP_NONE ?
		parts_smallest_group(state->parts, output->part) : 0;

	/* a tier alone is in every row */
	return output->part == DP_NONE && !state->spec->numeric ? smallest_of_group(state) :
		Max(vector, part);
}

/* The number of individuals from which a group appears with probability 1/2. */
int64
smallest_of_group(ReleaseState *state)
{
	int64		result = PG_INT64_MAX;

	if (state->spec->numeric)
		return smallest_of_vector(state);
	for (int i = 0; i < state->spec->nparts; i++)
		result = Min(result, parts_smallest_group(state->parts, i));
	return result;
}

/* Keeps these numbers of a release, whose gate and parts are ready. */
void
settle_smallest(ReleaseState *state)
{
	state->smallest_group = smallest_of_group(state);
	for (int i = 0; i < state->spec->noutputs; i++)
		state->smallest[i] = smallest_of_output(state, &state->spec->outputs[i]);
}
