/*
 * estimate.c
 *		What a release that has begun would tell, and how sharply, without running it.
 *
 * Everything here follows from the description of the release and its parameters: from the query,
 * settings, declarations and accounts.  The plan below is not asked, and neither are rows.
 * Texts are for people, and name the functions that change what they tell (advice.c).
 */
#include "postgres.h"

#include <math.h>


#include "nodes/release/advice.h"
#include "nodes/release/draw.h"
#include "nodes/release/estimate.h"
#include "nodes/release/limits_text.h"
#include "nodes/release/parts.h"
#include "nodes/release/precision.h"
#include "nodes/release/smallest.h"
#include "nodes/release/state.h"
#include "spec/spec.h"

/* How often a rank may be further off than rank_error says. */
#define RANK_ALPHA 0.05

/* What is expected of one output. */
static void
estimate_output(ReleaseState *state, const SpecOutput *output, int64 individuals,
				OutputEstimate *result)
{
	const ReleaseSpec *spec = state->spec;

	result->name = pstrdup(output->name);
	result->standard_error = typical_error(spec, &state->params, output, individuals);
	result->rank_error = output->part == DP_NONE || output->end != SPEC_END_NONE ? -1 :
		parts_rank_error(state->parts, output->part, RANK_ALPHA);
	result->smallest = smallest_of_output(state, output);
	result->gaussian = state->params.gaussian && is_moment_output(output);
	result->bounds = bounds_text(spec, &state->params, output);
	result->advice = advice_about_output(state, output, individuals);
}

/*
 * What is expected of a release that has begun, whose delta is settled: errors are those in a group of
 * so many individuals.  In the current memory context.
 */
ReleaseEstimate *
estimate_release(ReleaseState *state, int64 individuals)
{
	const ReleaseSpec *spec = state->spec;
	ReleaseEstimate *result = palloc0(sizeof(ReleaseEstimate));

	begin_drawing(state);
	result->name = pstrdup(spec->noutputs > 0 ? spec->output_names : "group keys");
	result->grouping_set = spec->grouping.number > 0 ? pstrdup(spec->grouping.name) : NULL;
	result->population = pstrdup(NameStr(spec->population));
	result->smallest = smallest_of_group(state);
	result->limits = limits_text(spec, &state->params);
	result->advice = advice_about_release(state, individuals);
	result->noutputs = spec->noutputs;
	result->outputs = palloc0(sizeof(OutputEstimate) * Max(spec->noutputs, 1));
	for (int i = 0; i < spec->noutputs; i++)
		estimate_output(state, &spec->outputs[i], individuals, &result->outputs[i]);
	return result;
}
