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
#include "release/spec.h"

/*
 * State of one (group, individual): for each argument how many rows have a
 * value, and the sum of their quantised values.
 */
typedef struct IndividualState
{
	int32		vl_len_;
	int32		narguments;
	CollectSum	items[FLEXIBLE_ARRAY_MEMBER];	/* narguments pairs: n, sum */
} IndividualState;

#define COLLECT_STATE_SIZE(d) (offsetof(CollectState, sums) + (d) * sizeof(CollectSum))
#define INDIVIDUAL_STATE_SIZE(n) (offsetof(IndividualState, items) + 2 * (n) * sizeof(CollectSum))

/* What a transition function keeps between rows. */
typedef struct CollectCache
{
	ReleaseSpec spec;
	ReleaseParams params;
	double		mid[DP_MAX_ARGUMENTS];
	double		half[DP_MAX_ARGUMENTS];
	int64		imputed[DP_MAX_ARGUMENTS][SPEC_IMPUTATIONS];	/* lattice units */
} CollectCache;

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
read_individual(Datum datum, int narguments)
{
	IndividualState *state = (IndividualState *) PG_DETOAST_DATUM(datum);

	if (VARSIZE(state) < INDIVIDUAL_STATE_SIZE(0) ||
		state->narguments < 0 || state->narguments > DP_MAX_ARGUMENTS ||
		VARSIZE(state) != INDIVIDUAL_STATE_SIZE(state->narguments) ||
		(narguments != ANY_SIZE && state->narguments != narguments))
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
	switch (type)
	{
		case SPEC_ARG_ANY:
			return true;
		case SPEC_ARG_INT2:
			return actual == INT2OID;
		case SPEC_ARG_INT4:
			return actual == INT4OID;
		case SPEC_ARG_INT8:
			return actual == INT8OID;
		case SPEC_ARG_FLOAT4:
			return actual == FLOAT4OID;
		case SPEC_ARG_FLOAT8:
			return actual == FLOAT8OID;
		case SPEC_ARG_NUMERIC:
			return actual == NUMERICOID;
	}
	return false;
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
	if (ARR_NDIM(params) != 1 || ARR_HASNULL(params) || ARR_ELEMTYPE(params) != FLOAT8OID ||
		ARR_DIMS(params)[0] != cache->spec.nparams || cache->spec.nparams < DP_PARAM_FIRST_BOUND ||
		cache->spec.narguments < 0 || cache->spec.narguments > DP_MAX_ARGUMENTS ||
		cache->spec.dimensions < 1 || cache->spec.dimensions > DP_MAX_DIMENSIONS)
		elog(ERROR, "malformed release parameters");
	values = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt,
								cache->spec.nparams * sizeof(double));
	memcpy(values, ARR_DATA_PTR(params), cache->spec.nparams * sizeof(double));
	spec_read_params(&cache->spec, values, &cache->params);

	for (int i = 0; i < cache->spec.narguments; i++)
	{
		SpecArgument *argument = &cache->spec.arguments[i];

		for (int c = 0; c < SPEC_IMPUTATIONS; c++)
		{
			if (argument->sum_coordinate[c] >= cache->spec.dimensions)
				elog(ERROR, "malformed release description");
		}
		if (argument->count_coordinate >= cache->spec.dimensions ||
			argument->bound < 0 || argument->bound + 1 >= cache->spec.nparams ||
			(reads_arguments &&
			 !type_matches(argument->type, get_fn_expr_argtype(fcinfo->flinfo, i + 3))))
			elog(ERROR, "malformed release description");
		if (argument->bound > 0)
		{
			double		lower = values[argument->bound];
			double		upper = values[argument->bound + 1];

			cache->mid[i] = lower / 2 + upper / 2;
			cache->half[i] = upper / 2 - lower / 2;
			cache->imputed[i][SPEC_IMPUTE_LOWER] = -DP_SCALE;
			cache->imputed[i][SPEC_IMPUTE_UPPER] = DP_SCALE;
			cache->imputed[i][SPEC_IMPUTE_ZERO] = quantise(0.0, cache->mid[i], cache->half[i]);
		}
	}
	fcinfo->flinfo->fn_extra = cache;
	return cache;
}

/* The value of argument i of this row as a double; false if it has none. */
static inline bool
argument_value(FunctionCallInfo fcinfo, const CollectCache *cache, int i, double *x)
{
	int			position = i + 3;

	if (position >= PG_NARGS() || PG_ARGISNULL(position))
		return false;
	switch (cache->spec.arguments[i].type)
	{
		case SPEC_ARG_ANY:
			*x = 0;
			return true;
		case SPEC_ARG_INT2:
			*x = PG_GETARG_INT16(position);
			return true;
		case SPEC_ARG_INT4:
			*x = PG_GETARG_INT32(position);
			return true;
		case SPEC_ARG_INT8:
			*x = (double) PG_GETARG_INT64(position);
			return true;
		case SPEC_ARG_FLOAT4:
			*x = PG_GETARG_FLOAT4(position);
			return !isnan(*x);
		case SPEC_ARG_FLOAT8:
			*x = PG_GETARG_FLOAT8(position);
			return !isnan(*x);
		case SPEC_ARG_NUMERIC:
			*x = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
													PG_GETARG_DATUM(position)));
			return !isnan(*x);
	}
	return false;
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

	sum_add(&state->sums[0], 1);
	for (int i = 0; i < cache->spec.narguments; i++)
	{
		SpecArgument *argument = &cache->spec.arguments[i];
		double		x;
		bool		present = argument_value(fcinfo, cache, i, &x);

		if (argument->count_coordinate > 0)
			sum_add(&state->sums[argument->count_coordinate],
					present ? DP_SCALE : -DP_SCALE);
		if (argument->bound > 0)
		{
			int64		y = present ? quantise(x, cache->mid[i], cache->half[i]) : 0;

			for (int c = 0; c < SPEC_IMPUTATIONS; c++)
			{
				if (argument->sum_coordinate[c] > 0)
					sum_add(&state->sums[argument->sum_coordinate[c]],
							present ? y : cache->imputed[i][c]);
			}
		}
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
	IndividualState *state;

	if (PG_ARGISNULL(0))
	{
		Size		size = INDIVIDUAL_STATE_SIZE(cache->spec.narguments);

		state = palloc0(size);
		SET_VARSIZE(state, size);
		state->narguments = cache->spec.narguments;
	}
	else
		state = read_individual(PG_GETARG_DATUM(0), cache->spec.narguments);

	for (int i = 0; i < cache->spec.narguments; i++)
	{
		double		x;

		if (argument_value(fcinfo, cache, i, &x))
		{
			sum_add(&state->items[2 * i], 1);
			if (cache->spec.arguments[i].bound > 0)
				sum_add(&state->items[2 * i + 1],
						quantise(x, cache->mid[i], cache->half[i]));
		}
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
	state = read_individual(PG_GETARG_DATUM(0), other->narguments);
	for (int i = 0; i < 2 * state->narguments; i++)
		sum_add(&state->items[i], sum_get(&other->items[i]));
	PG_RETURN_POINTER(state);
}

/*
 * collect_bounded_transition(state bytea, spec bytea, params float8[], individual bytea)
 *
 * Adds one individual of a group, its rows bounded to r: a count of at most r,
 * and sums scaled by r/n when it has n > r rows, in units of r.  With n <= r
 * that is the sum over r, with n > r the mean: both are sum / max(n, r).
 */
PGDLLEXPORT Datum
dp_collect_bounded_transition(PG_FUNCTION_ARGS)
{
	CollectCache *cache = collect_cache(fcinfo, false);
	CollectState *state = collect_state(fcinfo, cache);
	IndividualState *individual;
	int64		r = cache->params.rows;

	if (PG_ARGISNULL(3))
		PG_RETURN_POINTER(state);
	individual = read_individual(PG_GETARG_DATUM(3), cache->spec.narguments);

	sum_add(&state->sums[0], 1);
	for (int i = 0; i < cache->spec.narguments; i++)
	{
		SpecArgument *argument = &cache->spec.arguments[i];
		dp_int128	n = sum_get(&individual->items[2 * i]);
		dp_int128	sum = sum_get(&individual->items[2 * i + 1]);

		if (argument->count_coordinate > 0)
		{
			dp_int128	count;

			if (argument->presence)
				count = n > 0 ? 2 * DP_SCALE : 0;
			else
				count = divide_to_nearest(2 * Min(n, r) * (dp_int128) DP_SCALE, r);
			sum_add(&state->sums[argument->count_coordinate], count - DP_SCALE);
		}
		for (int c = 0; c < SPEC_IMPUTATIONS; c++)
		{
			dp_int128	missing = Max(r - n, 0) * (dp_int128) cache->imputed[i][c];

			/* one rounding, so that the result stays within one unit */
			if (argument->sum_coordinate[c] > 0)
				sum_add(&state->sums[argument->sum_coordinate[c]],
						divide_to_nearest(sum + missing, Max(n, r)));
		}
	}
	PG_RETURN_POINTER(state);
}
