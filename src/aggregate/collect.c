/*
 * collect.c
 *		The collector: one aggregate per group that keeps all sums of a release, as
 *		exact integers.
 *
 * It has two forms.  When the unit is unique in the input, every row is an
 * individual, and collect() adds its contribution straight away:
 *
 *		collect(spec, params, x1, x2, ...)					-> bytea
 *
 * Otherwise the rows of each (group, individual) are summed first; then these sums
 * are bounded and added up, one individual at a time:
 *
 *		individual(spec, params, x1, x2, ...)				-> bytea
 *		collect_bounded(spec, params, individual)			-> bytea
 *
 * or, where contributions are bounded over all groups of an individual (clip.c), by the sum of
 * the costs of these:
 *
 *		clip_cost(spec, params, individual)					-> bigint
 *		collect_clipped(spec, params, individual, cost)		-> bytea
 *
 * Values become integers (DP_SCALE per unit of sensitivity) before anything is
 * added, so sums are exact, the order of rows never matters, and no rounding tells
 * about values (Casacuberta, Shoemate, Vadhan, Wagaman 2022).
 *
 * States are plain bytea, so that they combine across parallel workers and across
 * nodes.  A state that went through a tuple may be unaligned, hence the memcpy in
 * the accessors (sum.h).  Only a transition value may be changed in place: nodeAgg
 * copies the first state into the aggregate's context once and keeps our pointer
 * from then on (numeric.c has the same arrangement).
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "aggregate/clip.h"
#include "aggregate/collect.h"
#include "aggregate/contribution.h"
#include "aggregate/program.h"
#include "aggregate/sum.h"
#include "core/errors.h"
#include "mechanism/noise.h"
#include "mechanism/status.h"
#include "spec/spec.h"

/*
 * State of one (group, individual): for each feature the sum of its values
 * over the rows of its set, in the unit of its kind (feature_of()).
 */
typedef struct IndividualState
{
	int32		vl_len_;
	int32		nfeatures;
	CollectSum	sums[FLEXIBLE_ARRAY_MEMBER];
} IndividualState;

#define INDIVIDUAL_STATE_SIZE(n) (offsetof(IndividualState, sums) + (n) * sizeof(CollectSum))

PG_FUNCTION_INFO_V1(dp_collect_transition);
PG_FUNCTION_INFO_V1(dp_collect_combine);
PG_FUNCTION_INFO_V1(dp_individual_transition);
PG_FUNCTION_INFO_V1(dp_individual_combine);
PG_FUNCTION_INFO_V1(dp_collect_bounded_transition);
PG_FUNCTION_INFO_V1(dp_clip_cost);
PG_FUNCTION_INFO_V1(dp_collect_clipped_transition);

/* Exact number of individuals of a group. */
int64
collect_individuals(const CollectState *state)
{
	return (int64) sum_get(&state->sums[0]);
}

/* Coordinate "i" (from 0) of a group's exact vector, in lattice units. */
dp_int128
collect_coordinate(const ReleaseSpec *spec, const CollectState *state, int i)
{
	if (spec->by_total)
		return sum_get(&state->sums[i + 1]);
	return i == 0 ? sum_get(&state->sums[0]) * DP_SCALE : sum_get(&state->sums[i]);
}

/* Instead of the number of sums that a state must have: it may have any. */
#define ANY_SIZE (-1)

/*
 * The state of a group in a datum, its header checked: SQL can hand any bytea to these
 * functions.  It is detoasted, with a header of four bytes; the sums may be unaligned.
 * nsums is the number of sums that the release has, or ANY_SIZE.  elog if the
 * bytes are no such state.
 */
const CollectState *
collect_read_state(Datum datum, int nsums)
{
	CollectState *state = (CollectState *) PG_DETOAST_DATUM(datum);

	if (VARSIZE(state) < COLLECT_STATE_SIZE(1) ||
		state->nsums < 1 || state->nsums > DP_MAX_DIMENSIONS + 1 ||
		VARSIZE(state) != COLLECT_STATE_SIZE(state->nsums) ||
		(nsums != ANY_SIZE && state->nsums != nsums))
		malformed("collector state");
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
		malformed("individual state");
	return state;
}

/* Raises an error if SQL calls the function by itself, or without spec and parameters. */
static void
check_call(FunctionCallInfo fcinfo)
{
	if (!AggCheckCallContext(fcinfo, NULL) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("this function is only used inside releases of dp_agg")));
}

/*
 * Reads the spec and the parameters, arguments 1 and 2 of every transition function.
 * reads_arguments: the values of rows follow, and must be of the types that the spec says.
 */
static Contributions *
open_contributions(FunctionCallInfo fcinfo, bool reads_arguments)
{
	Contributions *result;

	check_call(fcinfo);
	result = contributions_open(PG_GETARG_DATUM(1), PG_GETARG_ARRAYTYPE_P(2),
								fcinfo->flinfo->fn_mcxt);
	if (reads_arguments && PG_NARGS() != result->spec.narguments + 3)
		malformed("release description");
	for (int i = 0; reads_arguments && i < result->spec.narguments; i++)
	{
		if (!argument_type_matches(&result->spec.arguments[i],
								   get_fn_expr_argtype(fcinfo->flinfo, i + 3)))
			malformed("release description");
	}
	return result;
}

/* The same, kept from the first row of an aggregation on. */
static inline Contributions *
collect_cache(FunctionCallInfo fcinfo, bool reads_arguments)
{
	if (unlikely(fcinfo->flinfo->fn_extra == NULL))
		fcinfo->flinfo->fn_extra = open_contributions(fcinfo, reads_arguments);
	return fcinfo->flinfo->fn_extra;
}

/* The program of collect(), made at the first row of an aggregation. */
static inline const CollectProgram *
collect_program(FunctionCallInfo fcinfo)
{
	if (unlikely(fcinfo->flinfo->fn_extra == NULL))
	{
		Contributions *contributions = open_contributions(fcinfo, true);

		fcinfo->flinfo->fn_extra = program_compile(contributions, fcinfo->flinfo->fn_mcxt);
		pfree(contributions);
	}
	return fcinfo->flinfo->fn_extra;
}

/* The state of a group without rows. */
static CollectState *
new_state(int nsums)
{
	Size		size = COLLECT_STATE_SIZE(nsums);
	CollectState *state = palloc0(size);

	SET_VARSIZE(state, size);
	state->nsums = nsums;
	return state;
}

/*
 * The transition value, made at the first row of a group.  One that we have made passes
 * the quick test here; any other, which SQL could hand in, is checked in full.
 */
static inline CollectState *
collect_state(FunctionCallInfo fcinfo, int nsums)
{
	CollectState *state = (CollectState *) PG_GETARG_POINTER(0);

	if (unlikely(PG_ARGISNULL(0)))
		return new_state(nsums);
	if (likely(!VARATT_IS_EXTENDED(state) && VARSIZE(state) == COLLECT_STATE_SIZE(nsums) &&
			   state->nsums == nsums))
		return state;
	return (CollectState *) collect_read_state(PG_GETARG_DATUM(0), nsums);
}

/*
 * collect_transition(state bytea, spec bytea, params float8[], VARIADIC "any")
 *
 * Adds one row, which is one individual of the group.
 */
PGDLLEXPORT Datum
dp_collect_transition(PG_FUNCTION_ARGS)
{
	const CollectProgram *program = collect_program(fcinfo);
	CollectState *state = collect_state(fcinfo, program->dimensions);
	int64		y[DP_MAX_ARGUMENTS + 1];
	bool		present[DP_MAX_ARGUMENTS + 1];

	for (int i = 0; i < program->narguments; i++)
		present[i] = read_value(&program->arguments[i], PG_GETARG_DATUM(i + 3),
								PG_ARGISNULL(i + 3), &y[i]);
	program_add(program, state->sums, y, present);
	PG_RETURN_POINTER(state);
}

/*
 * Combines two states of which one is missing: true then, and *result is the other one,
 * or NULL if both are missing.  False if both are there.
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
	state = (CollectState *) collect_read_state(PG_GETARG_DATUM(0), other->nsums);
	for (int i = 0; i < state->nsums; i++)
		sum_add(&state->sums[i], sum_get(&other->sums[i]));
	PG_RETURN_POINTER(state);
}

/* Reads the arguments of a row, from argument 3 of the call on. */
static inline void
read_row(FunctionCallInfo fcinfo, const Contributions *cache, RowValues *row)
{
	for (int i = 0; i < cache->spec.narguments; i++)
		read_argument(cache, i, PG_GETARG_DATUM(i + 3), PG_ARGISNULL(i + 3), row);
}

/*
 * individual_transition(state bytea, spec bytea, params float8[], VARIADIC "any")
 *
 * Adds one row of one individual.
 */
PGDLLEXPORT Datum
dp_individual_transition(PG_FUNCTION_ARGS)
{
	Contributions *cache = collect_cache(fcinfo, true);
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
			sum_add(&state->sums[f], feature_value(feature, set, &row));
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
 * collect_bounded_transition(state bytea, spec bytea, params float8[], individual bytea)
 *
 * Adds one individual of the group, its rows bounded to r.
 */
PGDLLEXPORT Datum
dp_collect_bounded_transition(PG_FUNCTION_ARGS)
{
	Contributions *cache = collect_cache(fcinfo, false);
	CollectState *state = collect_state(fcinfo, cache->spec.dimensions);
	IndividualState *individual;

	if (PG_ARGISNULL(3))
		PG_RETURN_POINTER(state);
	individual = read_individual(PG_GETARG_DATUM(3), cache->spec.nfeatures);
	sum_add(&state->sums[0], 1);
	for (int i = 1; i < cache->spec.dimensions; i++)
	{
		int			f = cache->spec.coordinates[i].feature;

		if (f != DP_NONE)
			sum_add(&state->sums[i],
					contribution(cache, i, sum_get(&individual->sums[cache->spec.features[f].ones]),
								 sum_get(&individual->sums[f])));
	}
	PG_RETURN_POINTER(state);
}

/* The most rows of an individual whose sums fit into 64 bits. */
#define MOST_ROWS (INT64CONST(1) << 33)

/*
 * The sums of an individual's features in a group, in 64 bits: as they are in the bounding node.
 * SQL can hand any in; with numbers of rows that can be, nothing that clip.c computes overflows.
 */
void
collect_read_sums(const Contributions *contributions, Datum datum, int64 *sums)
{
	IndividualState *individual = read_individual(datum, contributions->spec.nfeatures);

	for (int f = 0; f < contributions->spec.nfeatures; f++)
	{
		dp_int128	sum = sum_get(&individual->sums[f]);

		if (sum != (int64) sum ||
			(contributions->spec.features[f].kind == SPEC_FEATURE_ONE &&
			 (sum < 0 || sum > MOST_ROWS)))
			malformed("individual state");
		sums[f] = (int64) sum;
	}
}

/* Opens what clip_cost and collect_clipped read; elog if the release is not bounded by total. */
static Contributions *
clip_cache(FunctionCallInfo fcinfo, int spec_argument)
{
	Contributions *result = fcinfo->flinfo->fn_extra;

	if (likely(result != NULL))
		return result;
	result = contributions_open(PG_GETARG_DATUM(spec_argument),
								PG_GETARG_ARRAYTYPE_P(spec_argument + 1), fcinfo->flinfo->fn_mcxt);
	if (!result->spec.by_total)
		malformed("release description");
	fcinfo->flinfo->fn_extra = result;
	return result;
}

/*
 * clip_cost(spec bytea, params float8[], individual bytea) returns bigint
 *
 * What an individual adds to one of its groups, before it is scaled.
 */
PGDLLEXPORT Datum
dp_clip_cost(PG_FUNCTION_ARGS)
{
	const Contributions *contributions = clip_cache(fcinfo, 0);
	int64		sums[DP_MAX_FEATURES];
	int64		u[DP_MAX_DIMENSIONS];

	collect_read_sums(contributions, PG_GETARG_DATUM(2), sums);
	PG_RETURN_INT64(clip_group(contributions, sums, u));
}

/*
 * collect_clipped_transition(state bytea, spec bytea, params float8[], individual bytea,
 *							  cost bigint)
 *
 * Adds one individual of the group, scaled if all its groups cost more than one.
 */
PGDLLEXPORT Datum
dp_collect_clipped_transition(PG_FUNCTION_ARGS)
{
	const Contributions *contributions;
	CollectState *state;
	int64		sums[DP_MAX_FEATURES];
	int64		u[DP_MAX_DIMENSIONS];

	check_call(fcinfo);
	contributions = clip_cache(fcinfo, 1);
	state = collect_state(fcinfo, spec_sums(&contributions->spec));
	if (PG_ARGISNULL(3) || PG_ARGISNULL(4))
		PG_RETURN_POINTER(state);
	collect_read_sums(contributions, PG_GETARG_DATUM(3), sums);
	(void) clip_group(contributions, sums, u);
	clip_add(contributions, PG_GETARG_INT64(4), u, state->sums);
	PG_RETURN_POINTER(state);
}
