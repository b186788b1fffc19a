/*
 * collect.c
 *		The fused collector: one aggregate per group, exact integer sums.
 *
 * Two forms.  When the unit is unique in the input, every row is an individual
 * and collect() adds its contribution straight away:
 *
 *		collect(spec, params, x1, x2, ...)					-> bytea
 *
 * Otherwise rows are first summed per (group, individual), bounded, and then
 * added up, one individual at a time:
 *
 *		individual(spec, params, x1, x2, ...)				-> bytea
 *		collect_bounded(spec, params, individual)			-> bytea
 *
 * Values become integers (DP_SCALE per unit of sensitivity) before anything is
 * added, so sums are exact, order never matters and no rounding leaks
 * (Casacuberta, Shoemate, Vadhan, Wagaman 2022).  States are plain bytea, so
 * that they combine across parallel workers and across nodes; a state that
 * went through a tuple may be unaligned, hence the memcpy in the accessors.
 * Only a transition value may be changed in place: nodeAgg copies the first
 * state into the aggregate's context once and keeps our pointer from then on
 * (numeric.c has the same arrangement).
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "aggregate/collect.h"
#include "aggregate/domain.h"
#include "release/spec.h"

/*
 * State of one (group, individual): for each feature the sum of its values
 * over the rows of its set; a feature "one" counts them.
 */
typedef struct IndividualState
{
	int32		vl_len_;
	int32		nfeatures;
	CollectSum	sums[FLEXIBLE_ARRAY_MEMBER];
} IndividualState;

#define COLLECT_STATE_SIZE(d) (offsetof(CollectState, sums) + (d) * sizeof(CollectSum))
#define INDIVIDUAL_STATE_SIZE(n) (offsetof(IndividualState, sums) + (n) * sizeof(CollectSum))

/* What a transition function keeps between rows. */
typedef struct CollectCache
{
	ReleaseSpec spec;
	ReleaseParams params;
	double		mid[DP_MAX_ARGUMENTS];
	double		half[DP_MAX_ARGUMENTS];
	int64		imputed[DP_MAX_DIMENSIONS];	/* by coordinate, in lattice units */
} CollectCache;

/* One row's arguments, quantised. */
typedef struct RowValues
{
	bool		present[DP_MAX_ARGUMENTS];
	int64		y[DP_MAX_ARGUMENTS];
} RowValues;

PG_FUNCTION_INFO_V1(dp_collect_transition);
PG_FUNCTION_INFO_V1(dp_collect_combine);
PG_FUNCTION_INFO_V1(dp_individual_transition);
PG_FUNCTION_INFO_V1(dp_individual_combine);
PG_FUNCTION_INFO_V1(dp_collect_bounded_transition);

static inline dp_int128
sum_get(const CollectSum *sum)
{
	dp_int128	value;

	memcpy(&value, sum, sizeof(value));
	return value;
}

static inline void
sum_add(CollectSum *sum, dp_int128 increment)
{
	dp_int128	value = sum_get(sum) + increment;

	memcpy(sum, &value, sizeof(value));
}

/* Exact number of individuals of a group. */
int64
collect_individuals(const CollectState *state)
{
	return (int64) sum_get(&state->sums[0]);
}

/* Coordinate "i" (from 0) of a group's exact vector, in lattice units. */
dp_int128
collect_coordinate(const CollectState *state, int i)
{
	return i == 0 ? sum_get(&state->sums[0]) * DP_SCALE : sum_get(&state->sums[i]);
}

#define ANY_SIZE (-1)

/*
 * Checks a state before it is read: SQL can hand any bytea to these functions.
 * Returns it with a plain header; the sums may be unaligned.  dimensions is
 * what the release has, or ANY_SIZE.
 */
const CollectState *
collect_read_state(Datum datum, int dimensions)
{
	CollectState *state = (CollectState *) PG_DETOAST_DATUM(datum);

	if (VARSIZE(state) < COLLECT_STATE_SIZE(1) ||
		state->dimensions < 1 || state->dimensions > DP_MAX_DIMENSIONS ||
		VARSIZE(state) != COLLECT_STATE_SIZE(state->dimensions) ||
		(dimensions != ANY_SIZE && state->dimensions != dimensions))
		elog(ERROR, "malformed collector state");
	return state;
}

/* The same for the state of one individual. */
static IndividualState *
read_individual(Datum datum, int nfeatures)
{
	IndividualState *state = (IndividualState *) PG_DETOAST_DATUM(datum);

	if (VARSIZE(state) < INDIVIDUAL_STATE_SIZE(0) ||
		state->nfeatures < 0 || state->nfeatures > DP_MAX_FEATURES ||
		VARSIZE(state) != INDIVIDUAL_STATE_SIZE(state->nfeatures) ||
		(nfeatures != ANY_SIZE && state->nfeatures != nfeatures))
		elog(ERROR, "malformed individual state");
	return state;
}

/*
 * Nearest lattice point of (x - mid) / half, clamped to one unit.  The result
 * depends on this value and on public bounds alone.
 */
static inline int64
quantise(double x, double mid, double half)
{
	double		y;

	if (half == 0.0)
		return 0;
	y = (x - mid) / half;
#ifdef DP_FAULT_CLAMP_OFF
	return (int64) rint(Max(-1e6, Min(1e6, y)) * (double) DP_SCALE);
#endif
	if (y >= 1.0)
		return DP_SCALE;
	if (y <= -1.0)
		return -DP_SCALE;
	return (int64) rint(y * (double) DP_SCALE);
}

static inline dp_int128
divide_to_nearest(dp_int128 numerator, dp_int128 divisor)
{
	return numerator >= 0 ? (numerator + divisor / 2) / divisor :
		-((-numerator + divisor / 2) / divisor);
}

/* Does the type of an argument of this call match its description? */
static bool
type_matches(SpecArgType type, Oid actual)
{
	return type == SPEC_ARG_ANY || domain_of_type(actual) == type;
}

static void
check_index(int i, int n, bool optional)
{
	if (i >= n || i < (optional ? DP_NONE : 0))
		elog(ERROR, "malformed release description");
}

/* Every index in the description that collecting follows; its counts are checked. */
static void
check_spec(const ReleaseSpec *spec)
{
	for (int i = 0; i < spec->narguments; i++)
		check_index(spec->arguments[i].bound == 0 ? 0 : spec->arguments[i].bound + 1,
					spec->nparams, false);
	for (int i = 0; i < spec->nsets; i++)
	{
		check_index(spec->sets[i].x, spec->narguments, true);
		check_index(spec->sets[i].y, spec->narguments, true);
	}
	for (int i = 0; i < spec->nfeatures; i++)
	{
		const SpecFeature *feature = &spec->features[i];

		check_index(feature->set, spec->nsets, false);
		check_index(feature->ones, spec->nfeatures, false);
		if (feature->kind != SPEC_FEATURE_ONE)
		{
			check_index(spec->sets[feature->set].x, spec->narguments, false);
			if (feature->kind != SPEC_FEATURE_X && feature->kind != SPEC_FEATURE_XX)
				check_index(spec->sets[feature->set].y, spec->narguments, false);
		}
	}
	for (int i = 1; i < spec->dimensions; i++)
		check_index(spec->coordinates[i].feature, spec->nfeatures, true);
}

/* Centres, half widths and imputed values under this execution's parameters. */
static void
read_bounds(CollectCache *cache)
{
	const ReleaseSpec *spec = &cache->spec;

	for (int i = 0; i < spec->narguments; i++)
	{
		int			bound = spec->arguments[i].bound;

		if (bound > 0)
		{
			double		lower = cache->params.values[bound];
			double		upper = cache->params.values[bound + 1];

			cache->mid[i] = lower / 2 + upper / 2;
			cache->half[i] = upper / 2 - lower / 2;
		}
	}
	for (int i = 1; i < spec->dimensions; i++)
	{
		const SpecCoordinate *coordinate = &spec->coordinates[i];
		int			x;

		if (coordinate->feature == DP_NONE)
			continue;
		x = spec->sets[spec->features[coordinate->feature].set].x;
		switch (coordinate->imputation)
		{
			case SPEC_IMPUTE_CENTRE:
				cache->imputed[i] = 0;
				break;
			case SPEC_IMPUTE_LOWER:
				cache->imputed[i] = -DP_SCALE;
				break;
			case SPEC_IMPUTE_UPPER:
				cache->imputed[i] = DP_SCALE;
				break;
			case SPEC_IMPUTE_ZERO:
				cache->imputed[i] = x < 0 ? 0 :
					quantise(0.0, cache->mid[x], cache->half[x]);
				break;
		}
	}
}

/*
 * Returns the spec and parameters (arguments 1 and 2 of every transition
 * function), read at the first row of an aggregation.
 */
static CollectCache *
collect_cache(FunctionCallInfo fcinfo, bool reads_arguments)
{
	CollectCache *cache = fcinfo->flinfo->fn_extra;
	bytea	   *spec;
	ArrayType  *params;
	double	   *values;

	if (likely(cache != NULL))
		return cache;
	if (!AggCheckCallContext(fcinfo, NULL) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("this function is only used inside releases of dp_agg")));

	cache = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(CollectCache));
	spec = PG_GETARG_BYTEA_P(1);
	if (VARSIZE(spec) != sizeof(ReleaseSpec))
		elog(ERROR, "malformed release description");
	memcpy(&cache->spec, spec, sizeof(ReleaseSpec));

	params = PG_GETARG_ARRAYTYPE_P(2);
	if (cache->spec.nparams < 0 || cache->spec.nparams > DP_MAX_PARAMS ||
		ARR_NDIM(params) != 1 || ARR_HASNULL(params) || ARR_ELEMTYPE(params) != FLOAT8OID ||
		ARR_DIMS(params)[0] != cache->spec.nparams)
		elog(ERROR, "malformed release parameters");
	values = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt,
								cache->spec.nparams * sizeof(double));
	memcpy(values, ARR_DATA_PTR(params), cache->spec.nparams * sizeof(double));
	spec_read_params(&cache->spec, values, &cache->params);
	check_spec(&cache->spec);

	for (int i = 0; reads_arguments && i < cache->spec.narguments; i++)
	{
		if (!type_matches(cache->spec.arguments[i].type,
						  get_fn_expr_argtype(fcinfo->flinfo, i + 3)))
			elog(ERROR, "malformed release description");
	}
	read_bounds(cache);
	fcinfo->flinfo->fn_extra = cache;
	return cache;
}

/* Reads the arguments of this row; NULL and NaN are no values. */
static inline void
read_row(FunctionCallInfo fcinfo, const CollectCache *cache, RowValues *row)
{
	for (int i = 0; i < cache->spec.narguments; i++)
	{
		int			position = i + 3;
		double		x;

		row->y[i] = 0;
		row->present[i] = position < PG_NARGS() && !PG_ARGISNULL(position) &&
			domain_number(cache->spec.arguments[i].type, PG_GETARG_DATUM(position), &x);
		if (row->present[i] && cache->spec.arguments[i].bound > 0)
			row->y[i] = quantise(x, cache->mid[i], cache->half[i]);
	}
}

/*
 * Is the row in the set?  In a column that is never NULL, NaN stands in the
 * middle of the bounds.
 */
static inline bool
row_in_set(const SpecSet *set, const RowValues *row)
{
	return set->total ||
		((set->x < 0 || row->present[set->x]) && (set->y < 0 || row->present[set->y]));
}

/* Product of two numbers of lattice units within one unit, to the nearest. */
static inline int64
lattice_product(int64 a, int64 b)
{
	int64		product = a * b;

	return (product + (product >= 0 ? DP_SCALE / 2 : -DP_SCALE / 2)) / DP_SCALE;
}

/* Value of a feature in a row of its set, in lattice units, within one unit. */
static inline int64
feature_value(const SpecFeature *feature, const SpecSet *set, const RowValues *row)
{
	switch (feature->kind)
	{
		case SPEC_FEATURE_ONE:
			return DP_SCALE;
		case SPEC_FEATURE_X:
			return row->y[set->x];
		case SPEC_FEATURE_Y:
			return row->y[set->y];
		case SPEC_FEATURE_XX:
			return 2 * lattice_product(row->y[set->x], row->y[set->x]) - DP_SCALE;
		case SPEC_FEATURE_YY:
			return 2 * lattice_product(row->y[set->y], row->y[set->y]) - DP_SCALE;
		case SPEC_FEATURE_XY:
			return lattice_product(row->y[set->x], row->y[set->y]);
	}
	return 0;
}

/* The transition value, made at the first row of a group. */
static CollectState *
collect_state(FunctionCallInfo fcinfo, const CollectCache *cache)
{
	Size		size = COLLECT_STATE_SIZE(cache->spec.dimensions);
	CollectState *state;

	if (!PG_ARGISNULL(0))
		return (CollectState *) collect_read_state(PG_GETARG_DATUM(0),
												   cache->spec.dimensions);
	state = palloc0(size);
	SET_VARSIZE(state, size);
	state->dimensions = cache->spec.dimensions;
	return state;
}

/*
 * collect_transition(state bytea, spec bytea, params float8[], VARIADIC "any")
 *
 * Adds one row, which is one individual.
 */
PGDLLEXPORT Datum
dp_collect_transition(PG_FUNCTION_ARGS)
{
	CollectCache *cache = collect_cache(fcinfo, true);
	CollectState *state = collect_state(fcinfo, cache);
	RowValues	row;

	read_row(fcinfo, cache, &row);
	sum_add(&state->sums[0], 1);
	for (int i = 1; i < cache->spec.dimensions; i++)
	{
		int			f = cache->spec.coordinates[i].feature;
		const SpecFeature *feature = &cache->spec.features[f];
		const SpecSet *set;

		if (f == DP_NONE)
			continue;
		set = &cache->spec.sets[feature->set];
		sum_add(&state->sums[i], row_in_set(set, &row) ?
				feature_value(feature, set, &row) : cache->imputed[i]);
	}
	PG_RETURN_POINTER(state);
}

/*
 * Combining with nothing: true if one of the two states is missing, with the
 * other, if any, as the result.
 */
static bool
combine_one(FunctionCallInfo fcinfo, Datum *result)
{
	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called in non-aggregate context");
	*result = (Datum) 0;
	if (!PG_ARGISNULL(0) && !PG_ARGISNULL(1))
		return false;
	fcinfo->isnull = PG_ARGISNULL(0) && PG_ARGISNULL(1);
	if (!PG_ARGISNULL(0))
		*result = PG_GETARG_DATUM(0);
	else if (!PG_ARGISNULL(1))
		*result = PointerGetDatum(PG_GETARG_BYTEA_P_COPY(1));
	return true;
}

/* collect_combine(bytea, bytea): adds two states of the same release. */
PGDLLEXPORT Datum
dp_collect_combine(PG_FUNCTION_ARGS)
{
	CollectState *state;
	const CollectState *other;
	Datum		result;

	if (combine_one(fcinfo, &result))
		return result;
	other = collect_read_state(PG_GETARG_DATUM(1), ANY_SIZE);
	state = (CollectState *) collect_read_state(PG_GETARG_DATUM(0), other->dimensions);
	for (int i = 0; i < state->dimensions; i++)
		sum_add(&state->sums[i], sum_get(&other->sums[i]));
	PG_RETURN_POINTER(state);
}

/*
 * individual_transition(state bytea, spec bytea, params float8[], VARIADIC "any")
 *
 * Adds one row of one individual.
 */
PGDLLEXPORT Datum
dp_individual_transition(PG_FUNCTION_ARGS)
{
	CollectCache *cache = collect_cache(fcinfo, true);
	int			nfeatures = cache->spec.nfeatures;
	IndividualState *state;
	RowValues	row;

	if (PG_ARGISNULL(0))
	{
		Size		size = INDIVIDUAL_STATE_SIZE(nfeatures);

		state = palloc0(size);
		SET_VARSIZE(state, size);
		state->nfeatures = nfeatures;
	}
	else
		state = read_individual(PG_GETARG_DATUM(0), nfeatures);

	read_row(fcinfo, cache, &row);
	for (int f = 0; f < nfeatures; f++)
	{
		const SpecFeature *feature = &cache->spec.features[f];
		const SpecSet *set = &cache->spec.sets[feature->set];

		if (row_in_set(set, &row))
			sum_add(&state->sums[f], feature->kind == SPEC_FEATURE_ONE ? 1 :
					feature_value(feature, set, &row));
	}
	PG_RETURN_POINTER(state);
}

/* individual_combine(bytea, bytea): adds two states of the same individual. */
PGDLLEXPORT Datum
dp_individual_combine(PG_FUNCTION_ARGS)
{
	IndividualState *state;
	IndividualState *other;
	Datum		result;

	if (combine_one(fcinfo, &result))
		return result;
	other = read_individual(PG_GETARG_DATUM(1), ANY_SIZE);
	state = read_individual(PG_GETARG_DATUM(0), other->nfeatures);
	for (int i = 0; i < state->nfeatures; i++)
		sum_add(&state->sums[i], sum_get(&other->sums[i]));
	PG_RETURN_POINTER(state);
}

/*
 * What an individual contributes to a coordinate: its n rows in the set bounded
 * to r, in units of r.  With n <= r that is the sum over r, with n > r the mean;
 * one division, so that the result stays within one unit.
 */
static dp_int128
contribution(const CollectCache *cache, const IndividualState *individual, int i)
{
	const SpecCoordinate *coordinate = &cache->spec.coordinates[i];
	const SpecFeature *feature = &cache->spec.features[coordinate->feature];
	dp_int128	n = sum_get(&individual->sums[feature->ones]);
	dp_int128	sum = sum_get(&individual->sums[coordinate->feature]);
	dp_int128	r = cache->params.rows;

	if (feature->kind == SPEC_FEATURE_ONE)
		sum = n * DP_SCALE;
	if (coordinate->presence)
		return n > 0 ? DP_SCALE : cache->imputed[i];
#ifdef DP_FAULT_CAPS_OFF
	return divide_to_nearest(sum + Max(r - n, 0) * cache->imputed[i], r);
#endif
	return divide_to_nearest(sum + Max(r - n, 0) * cache->imputed[i], Max(n, r));
}

/*
 * collect_bounded_transition(state bytea, spec bytea, params float8[], individual bytea)
 *
 * Adds one individual of a group, its rows bounded to r.
 */
PGDLLEXPORT Datum
dp_collect_bounded_transition(PG_FUNCTION_ARGS)
{
	CollectCache *cache = collect_cache(fcinfo, false);
	CollectState *state = collect_state(fcinfo, cache);
	IndividualState *individual;

	if (PG_ARGISNULL(3))
		PG_RETURN_POINTER(state);
	individual = read_individual(PG_GETARG_DATUM(3), cache->spec.nfeatures);
	sum_add(&state->sums[0], 1);
	for (int i = 1; i < cache->spec.dimensions; i++)
	{
		if (cache->spec.coordinates[i].feature != DP_NONE)
			sum_add(&state->sums[i], contribution(cache, individual, i));
	}
	PG_RETURN_POINTER(state);
}
