/*
 * part_values.c
 *		The most frequent values of a group: one of them, or several with their weights.
 *
 * Sketches of values are limited (sketch_limit).  At the limit their values would be lost
 * because of one individual.  So a group whose values take half of it, by a noisy measure, is
 * given up before.
 *
 * An individual changes the measure by at most one unit, sketch_usage_step() bytes.  The noise
 * of the measure exceeds the other half with probability below e^-45, less than the smallest
 * delta there is.  For that its epsilon is 45 k divided by the number of units in half the limit.
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "utils/lsyscache.h"

#include "aggregate/sketch.h"
#include "aggregate/sketch_add.h"
#include "core/settings.h"
#include "mechanism/choose.h"
#include "mechanism/noise.h"
#include "mechanism/random.h"
#include "mechanism/sparse.h"
#include "mechanism/status.h"
#include "nodes/release/part_values.h"
#include "nodes/release/parts_state.h"
#include "spec/spec.h"

/* Bytes that the values of a group may take, by the noisy measure. */
static int64
half_limit(const ReleaseSpec *spec)
{
	return sketch_limit(spec) / 2;
}

/* Epsilon of the measure; it comes out of the part's share. */
static int64
measure_epsilon(const ReleaseSpec *spec, const ReleaseParams *params)
{
	double		units = (double) half_limit(spec) / (double) sketch_usage_step(params->rows);

	return (int64) ceil(45.0 * (double) params->groups / units * 1e9);
}

/* Is there enough epsilon for the measure and the values? */
static bool
epsilon_suffices(const ReleaseSpec *spec, const ReleaseParams *params)
{
	return measure_epsilon(spec, params) <= params->epsilon_share / 4;
}

/*
 * Raises ERRCODE_INVALID_PARAMETER_VALUE if a part that chooses values could never choose one:
 * its share of epsilon is too small for what an individual may add.
 */
void
values_check(const ReleaseSpec *spec, const ReleaseParams *params)
{
	for (int i = 0; i < spec->nparts; i++)
	{
		if ((spec->parts[i].kind == SPEC_PART_MODE || spec->parts[i].kind == SPEC_PART_TOP) &&
			!epsilon_suffices(spec, params))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("epsilon is too small for dp_mode, dp_top and other values with max_groups " INT64_FORMAT " and max_rows " INT64_FORMAT,
							params->groups, params->rows),
					 errhint("Ask with smaller ones or more epsilon, as in dp_with(max_groups => 1, max_rows => 1), or for fewer outputs.")));
	}
}

/* Epsilon that remains for the values. */
int64
values_epsilon(const PartsState *state)
{
	return state->params->epsilon_share - measure_epsilon(state->spec, state->params);
}

/* Draws whether the group's values are few enough to be looked at. */
static bool
values_fit(PartsState *state, dp_random *rng, Datum sketch)
{
	int64		unit = sketch_usage_step(state->params->rows);
	dp_int128	measure;

	parts_check(dp_noise_draw(rng, measure_epsilon(state->spec, state->params),
							  state->params->groups, 1, &measure));
	measure += (dp_int128) sketch_usage(sketch) * DP_SCALE / unit;
	return measure < (dp_int128) half_limit(state->spec) * DP_SCALE / unit;
}

/* Values that too few individuals have are never candidates. */
static void
drop_rare_values(SketchValues *values)
{
	int			n = 0;

	for (int i = 0; i < values->n; i++)
	{
		if (values->individuals[i] < setting_min_individuals())
			continue;
		values->values[n] = values->values[i];
		values->weights[n] = values->weights[i];
		values->individuals[n] = values->individuals[i];
		n++;
	}
	values->n = n;
}

#ifdef DP_FAULT_NOISELESS
/* Without noise the first of the best is chosen, which must not be who came first. */
static void
sort_values(Oid type, SketchValues *values)
{
	Oid			out;
	bool		varlena;

	getTypeOutputInfo(type, &out, &varlena);
	for (int i = 1; i < values->n; i++)
	{
		for (int j = i; j > 0; j--)
		{
			Datum		value = values->values[j];
			int64		weight = values->weights[j];
			int64		individuals = values->individuals[j];

			if (strcmp(OidOutputFunctionCall(out, values->values[j - 1]),
					   OidOutputFunctionCall(out, value)) <= 0)
				break;
			values->values[j] = values->values[j - 1];
			values->weights[j] = values->weights[j - 1];
			values->individuals[j] = values->individuals[j - 1];
			values->values[j - 1] = value;
			values->weights[j - 1] = weight;
			values->individuals[j - 1] = individuals;
		}
	}
}
#endif

/*
 * The group's values that may be released, those of enough individuals; false
 * if there are too many values to look at.
 */
static bool
candidate_values(PartsState *state, int part, dp_random *rng, Datum sketch,
				 SketchValues *values)
{
	if (!values_fit(state, rng, sketch))
		return false;
	sketch_values(sketch, &state->spec->sketches[state->spec->parts[part].sketch], values);
	drop_rare_values(values);
#ifdef DP_FAULT_NOISELESS
	sort_values(state->spec->sketches[state->spec->parts[part].sketch].value_type, values);
#endif
	return true;
}

/*
 * The number of individuals from which a value that all of them have is chosen with probability
 * 1/2: its score is then that of "none".
 */
int64
mode_smallest_group(const PartsState *state)
{
	const ReleaseParams *params = state->params;
	dp_int128	threshold;

	parts_check(dp_mode_threshold(values_epsilon(state), params->delta_share, params->groups,
								  params->rows, setting_min_individuals(), &threshold));
	return (int64) ((threshold + DP_CELL_SCALE - 1) / DP_CELL_SCALE);
}

/* Draws the one value that is about the most frequent. */
void
draw_mode(PartsState *state, int part, dp_random *rng, Datum sketch)
{
	const ReleaseParams *params = state->params;
	PartResult *result = &state->results[part];
	SketchValues values;
	dp_choose_work work;
	int			chosen;

	if (!candidate_values(state, part, rng, sketch, &values))
		return;
	work = parts_choose_work(values.n + 1);
	parts_check(dp_mode_choose(rng, values_epsilon(state), params->delta_share,
							   params->groups, params->rows, setting_min_individuals(),
							   values.weights, values.individuals, values.n,
							   &work, &chosen));
	result->passed = chosen >= 0;
	if (result->passed)
		result->mode = values.values[chosen];
}

static int
compare_categories(const void *a, const void *b)
{
	dp_int128	x = ((const Category *) a)->weight;
	dp_int128	y = ((const Category *) b)->weight;

	return x > y ? -1 : x < y ? 1 : 0;
}

/* Draws all values whose noisy weight reaches the threshold, the most frequent first. */
void
draw_top(PartsState *state, int part, dp_random *rng, Datum sketch)
{
	const ReleaseParams *params = state->params;
	PartResult *result = &state->results[part];
	SketchValues values;

	if (!candidate_values(state, part, rng, sketch, &values))
		return;
	result->categories = palloc(sizeof(Category) * (values.n + 1));
	result->ncategories = 0;
	for (int i = 0; i < values.n; i++)
	{
		Category   *category = &result->categories[result->ncategories];

		parts_check(dp_sparse_noise(rng, values_epsilon(state), params->groups,
									&values.weights[i], 1, &category->weight));
		category->value = values.values[i];
		if (category->weight >= state->thresholds[part])
			result->ncategories++;
	}
	qsort(result->categories, result->ncategories, sizeof(Category), compare_categories);
	result->passed = result->ncategories > 0;
}
