/*
 * parts.c
 *		The parts of a release that choose or count sparsely, group by group:
 *		order statistics, the most frequent values, histograms, bounds.
 *
 * Each part is a mechanism of its own with its share of epsilon and delta; it
 * gates itself: a part whose argument has too few individuals with a value
 * yields nothing (doc/privacy.md).  What a part leaves here is released; all
 * that follows is post-processing.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "aggregate/sketch.h"
#include "aggregate/sketch_add.h"
#include "core/settings.h"
#include "mechanism/choose.h"
#include "mechanism/noise.h"
#include "mechanism/random.h"
#include "mechanism/rank.h"
#include "mechanism/sparse.h"
#include "mechanism/status.h"
#include "nodes/release/parts.h"
#include "spec/domain.h"
#include "spec/spec.h"

/* A category that was released with its noisy weight. */
typedef struct Category
{
	Datum		value;
	dp_int128	weight;			/* in DP_SCALE per individual */
} Category;

/* What one part released about the current group. */
typedef struct PartResult
{
	bool		passed;
	double	   *ranks;			/* by target of the part */
	Datum		mode;
	int			ncategories;
	Category   *categories;		/* most frequent first */
	dp_int128  *counts;			/* of buckets, in DP_SCALE per individual */
	int			lowest;			/* bins that passed */
	int			highest;
} PartResult;

struct PartsState
{
	const ReleaseSpec *spec;
	const ReleaseParams *params;
	Grid	   *grids;			/* by part; of sketches of cells */
	dp_int128  *thresholds;		/* by part, of those that need one */
	PartResult *results;		/* by part */
	int			room;			/* of the work arrays, in cells */
	int64	   *weights;		/* zeros between groups */
	dp_choose_work work;
	dp_int128  *noisy;
};

static void
check_status(dp_status status)
{
	if (status == DP_ERR_RANDOM)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("the source of random bytes failed")));
	if (status != DP_OK)
		elog(ERROR, "a selection could not be made");
}

static dp_choose_work
choose_work(int n)
{
	return (dp_choose_work) {
		.deficits = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(dp_uint128) * n),
		.order = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(int32) * n),
		.starts = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(int32) * (n + 1))
	};
}

/*
 * Sketches of values are limited (sketch_limit).  At the limit their values would
 * be lost because of one individual.  So a group whose values take half of it,
 * by a noisy measure, is given up before.
 *
 * An individual changes the measure by at most one unit, sketch_usage_step()
 * bytes.  Its noise has the epsilon with which it exceeds the other half with
 * probability below e^-45, less than the smallest delta there is: 45 k divided
 * by so many units.
 */
static int64
half_limit(const PartsState *state)
{
	return sketch_limit(state->spec->nsketches) / 2;
}

/* Epsilon of the measure; it comes out of the part's share. */
static int64
measure_epsilon(const PartsState *state)
{
	const ReleaseParams *params = state->params;
	double		units = (double) half_limit(state) / (double) sketch_usage_step(params->rows);

	return (int64) ceil(45.0 * (double) params->groups / units * 1e9);
}

/* Epsilon that remains for the values; 0 if the limits are too large for it. */
static int64
values_epsilon(const PartsState *state)
{
	int64		share = state->params->epsilon_share;
	int64		measure = measure_epsilon(state);

	return measure <= share / 4 ? share - measure : 0;
}

/* What a noisy weight must reach, for the parts that release weights. */
static void
compute_threshold(PartsState *state, int part)
{
	const ReleaseParams *params = state->params;
	int64		epsilon = params->epsilon_share;
	int64		delta = params->delta_share;
	int			m = state->grids[part].cells;
	int			minimum = setting_min_individuals();
	dp_int128  *tau = &state->thresholds[part];

	switch (state->spec->parts[part].kind)
	{
		case SPEC_PART_TOP:
			if (values_epsilon(state) > 0)
				check_status(dp_category_threshold(values_epsilon(state), delta, params->groups,
												   params->rows, minimum, tau));
			break;
		case SPEC_PART_HISTOGRAM:
			check_status(dp_sum_gate_threshold(epsilon, delta, params->groups, m, minimum, tau));
			break;
		case SPEC_PART_BOUNDS:
			check_status(dp_bins_threshold(epsilon, delta, params->groups, m, minimum, tau));
			break;
		default:
			break;
	}
#ifdef DP_FAULT_NOISELESS
	*tau = 1;
#endif
}

/*
 * Prepares for the groups of one execution, in the current memory context.
 * spec and params must outlive the result.
 */
PartsState *
parts_begin(const ReleaseSpec *spec, const ReleaseParams *params)
{
	PartsState *state = palloc0(sizeof(PartsState));

	state->spec = spec;
	state->params = params;
	state->grids = palloc0(sizeof(Grid) * Max(spec->nparts, 1));
	state->thresholds = palloc0(sizeof(dp_int128) * Max(spec->nparts, 1));
	state->results = palloc0(sizeof(PartResult) * Max(spec->nparts, 1));
	for (int i = 0; i < spec->nparts; i++)
	{
		const SpecSketch *sketch = &spec->sketches[spec->parts[i].sketch];

		if (sketch->kind == SPEC_SKETCH_CELLS)
		{
			grid_open(&state->grids[i], sketch, params->values);
			state->room = Max(state->room, state->grids[i].cells);
		}
		compute_threshold(state, i);
		state->results[i].ranks = palloc0(sizeof(double) * Max(spec->parts[i].ntargets, 1));
	}
	state->weights = palloc0(sizeof(int64) * (state->room + 1));
	state->work = choose_work(state->room + 1);
	state->noisy = palloc(sizeof(dp_int128) * (state->room + 1));
	return state;
}

/* ----------
 * Order statistics
 * ----------
 */

/* p of a quantile, in 1 / DP_QUANTILE_UNIT. */
static int32
quantile_unit(const ReleaseParams *params, const SpecTarget *target)
{
	int32		p = (int32) rint(params->values[target->fraction] * DP_QUANTILE_UNIT);

	return target->reversed ? DP_QUANTILE_UNIT - p : p;
}

/* Does the target aim beside p * n? */
static bool
is_shifted(const ReleaseParams *params, const SpecTarget *target)
{
	int32		p;

	if (target->kind != SPEC_TARGET_QUANTILE || target->end != SPEC_END_NONE)
		return true;
	p = quantile_unit(params, target);
	return p == 0 || p == DP_QUANTILE_UNIT;
}

/* What the mechanism is asked for, from the targets of a part. */
static void
rank_targets(PartsState *state, int part, dp_rank_target *targets)
{
	const ReleaseSpec *spec = state->spec;
	const ReleaseParams *params = state->params;
	int			m = state->grids[part].cells;
	bool		shifted = false;
	int64		epsilon;
	int			n = 0;

	for (int i = 0; i < spec->ntargets; i++)
		shifted = shifted || (spec->targets[i].part == part && is_shifted(params, &spec->targets[i]));
	epsilon = dp_rank_share(params->epsilon_share, spec->parts[part].ntargets, shifted);

	for (int i = 0; i < spec->ntargets; i++)
	{
		const SpecTarget *target = &spec->targets[i];
		dp_rank_target *wanted = &targets[n];
		int64		extreme;
		int64		error;

		if (target->part != part)
			continue;
		n++;
		wanted->shift = 0;
		extreme = dp_rank_extreme_shift(epsilon, params->groups, m);
		switch (target->kind)
		{
			case SPEC_TARGET_QUANTILE:
				wanted->p = quantile_unit(params, target);
				break;
			case SPEC_TARGET_MIN:
				wanted->p = 0;
				break;
			case SPEC_TARGET_MAX:
				wanted->p = DP_QUANTILE_UNIT;
				break;
		}
		/* the ends of the data have nothing but empty cells beyond them */
		if (wanted->p == 0)
			wanted->shift = extreme;
		else if (wanted->p == DP_QUANTILE_UNIT)
			wanted->shift = -extreme;
		if (target->end == SPEC_END_NONE)
			continue;
		error = dp_rank_error(epsilon, params->groups, m, wanted->p,
							  (1 - params->values[target->level]) / 2);
		wanted->shift += target->end == SPEC_END_LOW ? -error : error;
		wanted->shift = Max(-DP_RANK_MAX_SHIFT, Min(DP_RANK_MAX_SHIFT, wanted->shift));
	}
}

static void
draw_ranks(PartsState *state, int part, dp_random *rng, Datum sketch)
{
	const ReleaseParams *params = state->params;
	const Grid *grid = &state->grids[part];
	PartResult *result = &state->results[part];
	int			ntargets = state->spec->parts[part].ntargets;
	dp_rank_target *targets = palloc0(sizeof(dp_rank_target) * ntargets);
	int		   *cells = palloc0(sizeof(int) * ntargets);
	int64		individuals = sketch_cells(sketch, grid->cells, state->weights);

	rank_targets(state, part, targets);
	check_status(dp_rank_choose(rng, params->epsilon_share, params->delta_share,
								params->groups, setting_min_individuals(),
								state->weights, grid->cells, individuals,
								targets, ntargets, &state->work, cells,
								&result->passed));
	for (int i = 0; result->passed && i < ntargets; i++)
		result->ranks[i] = grid_point(grid, cells[i]);
	sketch_clear_cells(sketch, state->weights);
}

/* ----------
 * Values
 * ----------
 */

/* Draws whether the group's values are few enough to be looked at. */
static bool
values_fit(PartsState *state, dp_random *rng, Datum sketch)
{
	int64		unit = sketch_usage_step(state->params->rows);
	dp_int128	measure;

	if (values_epsilon(state) == 0)
		return false;
	check_status(dp_noise_draw(rng, measure_epsilon(state), state->params->groups, 1, &measure));
	measure += (dp_int128) sketch_usage(sketch) * DP_SCALE / unit;
	return measure < (dp_int128) half_limit(state) * DP_SCALE / unit;
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

static void
draw_mode(PartsState *state, int part, dp_random *rng, Datum sketch)
{
	const ReleaseParams *params = state->params;
	PartResult *result = &state->results[part];
	SketchValues values;
	dp_choose_work work;
	int			chosen;

	if (!candidate_values(state, part, rng, sketch, &values))
		return;
	work = choose_work(values.n + 1);
	check_status(dp_mode_choose(rng, values_epsilon(state), params->delta_share,
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

static void
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

		check_status(dp_sparse_noise(rng, values_epsilon(state), params->groups,
									 &values.weights[i], 1, &category->weight));
		category->value = values.values[i];
		if (category->weight >= state->thresholds[part])
			result->ncategories++;
	}
	qsort(result->categories, result->ncategories, sizeof(Category), compare_categories);
	result->passed = result->ncategories > 0;
}

/* ----------
 * Cells
 * ----------
 */

/*
 * Adds noise to the weights of the group's cells, in state->noisy; false, and
 * nothing drawn, if too few individuals have a value.
 */
static bool
noisy_cells(PartsState *state, int part, dp_random *rng, Datum sketch)
{
	const ReleaseParams *params = state->params;
	int			m = state->grids[part].cells;
	bool		enough = sketch_cells(sketch, m, state->weights) >= setting_min_individuals();

	if (enough)
		check_status(dp_sparse_noise(rng, params->epsilon_share, params->groups,
									 state->weights, m, state->noisy));
	sketch_clear_cells(sketch, state->weights);
	return enough;
}

static void
draw_histogram(PartsState *state, int part, dp_random *rng, Datum sketch)
{
	PartResult *result = &state->results[part];
	int			m = state->grids[part].cells;
	dp_int128	sum = 0;

	if (!noisy_cells(state, part, rng, sketch))
		return;
	for (int i = 0; i < m; i++)
		sum += state->noisy[i];
	result->passed = sum >= state->thresholds[part];
	if (!result->passed)
		return;
	result->counts = palloc(sizeof(dp_int128) * m);
	memcpy(result->counts, state->noisy, sizeof(dp_int128) * m);
}

/* Bounds: the lowest and the highest bin that surely is not empty. */
static void
draw_bounds(PartsState *state, int part, dp_random *rng, Datum sketch)
{
	PartResult *result = &state->results[part];
	int			m = state->grids[part].cells;

	if (!noisy_cells(state, part, rng, sketch))
		return;
	for (int i = 0; i < m; i++)
	{
		if (state->noisy[i] < state->thresholds[part])
			continue;
		if (!result->passed)
			result->lowest = i;
		result->highest = i;
		result->passed = true;
	}
}

/*
 * Draws all parts of one group from its sketches; true if any released
 * something.  Allocates in the current memory context what the outputs need.
 */
bool
parts_draw(PartsState *state, dp_random *rng, const Datum *sketches, const bool *isnull)
{
	bool		any = false;

	for (int i = 0; i < state->spec->nparts; i++)
	{
		int			sketch = state->spec->parts[i].sketch;

		CHECK_FOR_INTERRUPTS();
		state->results[i].passed = false;
		if (isnull[sketch])
			continue;			/* nobody has a value */
		switch (state->spec->parts[i].kind)
		{
			case SPEC_PART_RANKS:
				draw_ranks(state, i, rng, sketches[sketch]);
				break;
			case SPEC_PART_MODE:
				draw_mode(state, i, rng, sketches[sketch]);
				break;
			case SPEC_PART_TOP:
				draw_top(state, i, rng, sketches[sketch]);
				break;
			case SPEC_PART_HISTOGRAM:
				draw_histogram(state, i, rng, sketches[sketch]);
				break;
			case SPEC_PART_BOUNDS:
				draw_bounds(state, i, rng, sketches[sketch]);
				break;
		}
		any = any || state->results[i].passed;
	}
	return any;
}

/* ----------
 * Results
 * ----------
 */

/* A noisy number of rows, from units of r rows. */
static int64
row_count(PartsState *state, dp_int128 weight)
{
	double		rows = (double) weight / (double) DP_SCALE * (double) state->params->rows;

	return (int64) Min(Max(rint(rows), 0.0), 9e18);
}

/* Value number i (from 0) of the part's targets. */
static double
target_value(PartsState *state, const SpecOutput *output, int i)
{
	int			position = 0;

	for (int t = 0; t < output->first_target + i; t++)
	{
		if (state->spec->targets[t].part == output->part)
			position++;
	}
	return state->results[output->part].ranks[position];
}

static Datum
ranks_array(PartsState *state, const SpecOutput *output)
{
	Datum	   *values = palloc(sizeof(Datum) * output->ntargets);
	int16		length;
	bool		by_value;
	char		align;

	for (int i = 0; i < output->ntargets; i++)
		values[i] = domain_datum(output->type, target_value(state, output, i));
	get_typlenbyvalalign(output->type, &length, &by_value, &align);
	return PointerGetDatum(construct_array(values, output->ntargets, output->type,
										   length, by_value, align));
}

static Datum
bounds_array(PartsState *state, const SpecOutput *output)
{
	const Grid *grid = &state->grids[output->part];
	const PartResult *result = &state->results[output->part];
	double		lower = grid_edge(grid, result->lowest);
	double		upper = grid_edge(grid, result->highest + 1);
	Datum		values[2];

	/* nothing but zeros: bounds that may be written all the same */
	if (lower == upper)
		upper = grid_edge(grid, result->highest + 2);
	values[0] = Float8GetDatum(lower);
	values[1] = Float8GetDatum(upper);
	return PointerGetDatum(construct_array(values, 2, FLOAT8OID, sizeof(float8),
										   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* An array of n composites of the output's element type. */
static Datum
composite_array(const SpecOutput *output, int n, const Datum *values, int natts)
{
	Oid			type = get_element_type(output->type);
	TupleDesc	desc = lookup_rowtype_tupdesc(type, -1);
	Datum	   *elements = palloc(sizeof(Datum) * Max(n, 1));
	bool	   *nulls = palloc0(sizeof(bool) * natts);

	if (desc->natts != natts)
		elog(ERROR, "unexpected columns in type %u", type);
	for (int i = 0; i < n; i++)
		elements[i] = HeapTupleGetDatum(heap_form_tuple(desc, unconstify(Datum *, values) + i * natts,
														nulls));
	ReleaseTupleDesc(desc);
	return PointerGetDatum(construct_array(elements, n, type, -1, false, TYPALIGN_DOUBLE));
}

static Datum
histogram_array(PartsState *state, const SpecOutput *output)
{
	const Grid *grid = &state->grids[output->part];
	const PartResult *result = &state->results[output->part];
	TupleDesc	desc = lookup_rowtype_tupdesc(get_element_type(output->type), -1);
	Oid			edge = TupleDescAttr(desc, 0)->atttypid;
	Datum	   *values = palloc(sizeof(Datum) * 3 * grid->cells);

	ReleaseTupleDesc(desc);
	for (int i = 0; i < grid->cells; i++)
	{
		values[3 * i] = domain_datum(edge, grid_edge(grid, i));
		values[3 * i + 1] = domain_datum(edge, grid_edge(grid, i + 1));
		values[3 * i + 2] = Int64GetDatum(row_count(state, result->counts[i]));
	}
	return composite_array(output, grid->cells, values, 3);
}

static Datum
top_array(PartsState *state, const SpecOutput *output)
{
	const SpecPart *part = &state->spec->parts[output->part];
	const PartResult *result = &state->results[output->part];
	int			n = Min(result->ncategories, (int) state->params->values[output->number]);
	Datum	   *values = palloc(sizeof(Datum) * 2 * Max(n, 1));
	Oid			out;
	bool		varlena;

	getTypeOutputInfo(state->spec->sketches[part->sketch].value_type, &out, &varlena);
	for (int i = 0; i < n; i++)
	{
		char	   *text = OidOutputFunctionCall(out, result->categories[i].value);

		values[2 * i] = CStringGetTextDatum(text);
		values[2 * i + 1] = Int64GetDatum(row_count(state, result->categories[i].weight));
	}
	return composite_array(output, n, values, 2);
}

/* An output of the current group; NULL if its part released nothing. */
Datum
parts_output(PartsState *state, const SpecOutput *output, bool *isnull)
{
	const PartResult *result = &state->results[output->part];

	*isnull = !result->passed;
	if (*isnull)
		return (Datum) 0;
	switch (output->kind)
	{
		case SPEC_OUT_RANK:
			return domain_datum(output->type, target_value(state, output, 0));
		case SPEC_OUT_RANKS:
			return ranks_array(state, output);
		case SPEC_OUT_MODE:
			return result->mode;
		case SPEC_OUT_TOP:
			return top_array(state, output);
		case SPEC_OUT_HISTOGRAM:
			return histogram_array(state, output);
		case SPEC_OUT_BOUNDS:
			return bounds_array(state, output);
		default:
			elog(ERROR, "output %d is not one of a part", (int) output->kind);
	}
	return (Datum) 0;
}
