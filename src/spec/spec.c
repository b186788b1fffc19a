/*
 * spec.c
 *		Checks the parameters of a release, whether they are constants, known at plan
 *		time, or external parameters, known at execution.
 */
#include "postgres.h"

#include <math.h>

#include "accounting/concentrated.h"
#include "accounting/units.h"
#include "core/errors.h"
#include "core/limits.h"
#include "core/settings.h"
#include "mechanism/average.h"
#include "mechanism/gaussian_noise.h"
#include "mechanism/noise.h"
#include "mechanism/status.h"
#include "mechanism/whole_noise.h"
#include "spec/range.h"
#include "spec/spec.h"

/*
 * Raises ERRCODE_DP_BOUNDS for bounds that are not finite or not in order.  Equal bounds
 * are for arguments that are constants; analysts may not write them (may_be_equal is
 * false then).
 */
void
spec_check_bounds(double lower, double upper, bool may_be_equal)
{
	if (isnan(lower) || isnan(upper) ||
		fabs(lower) > DP_LARGEST_BOUND || fabs(upper) > DP_LARGEST_BOUND)
		ereport(ERROR,
				(errcode(ERRCODE_DP_BOUNDS),
				 errmsg("bounds must be finite numbers"),
				 errhint("Give lower and upper as numbers of magnitude up to 1e120.")));
	if (lower > upper || (lower == upper && !may_be_equal))
		ereport(ERROR,
				(errcode(ERRCODE_DP_BOUNDS),
				 errmsg("lower bound must be less than upper bound")));
}

/* The setting dp_agg.min_epsilon, in nano-epsilon. */
int64
spec_least_epsilon(void)
{
	int64		least;

	if (dp_epsilon_from_double(dp_setting_min_epsilon, &least) != DP_OK)
		elog(ERROR, "dp_agg.min_epsilon is out of range");
	return least;
}

/*
 * Raises ERRCODE_DP_QUERY_REFUSED for a release of an analyst that costs less than
 * dp_agg.min_epsilon: if it told anything beside its answer, that would be nearly free.
 * A role that may read the rows can hold an account, too; its price is checked by the
 * worker of the ledger, which knows accounts.
 */
void
spec_check_price(const ReleaseSpec *spec, const ReleaseParams *params)
{
	int64		least = spec_least_epsilon();
	char		text[DP_UNITS_TEXT];

	if (!spec->account_required || params->epsilon_nano >= least)
		return;
	dp_units_text(least, 9, text);
	ereport(ERROR,
			(errcode(ERRCODE_DP_QUERY_REFUSED),
			 errmsg("a release costs at least epsilon %s", text),
			 errhint("SET dp_agg.epsilon = %s, or more. What is least is set by the administrator in dp_agg.min_epsilon.",
					 text)));
}

/* Raises ERRCODE_DP_BOUNDS for a parameter, constant or external, that is NULL. */
void
spec_null_parameter(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DP_BOUNDS),
			 errmsg("bounds and other parameters must not be NULL"),
			 errhint("Give numbers; lower and upper may both be left out where bounds are declared.")));
}

/* A parameter that is a whole number in 1 .. max, or ERRCODE_INVALID_PARAMETER_VALUE. */
static int64
integer_param(double value, int64 max, const char *name)
{
	if (isnan(value) || value < 1 || value > max || value != floor(value))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be an integer from 1 to " INT64_FORMAT, name, max)));
	return (int64) value;
}

/*
 * Checks parameter i, which is no setting.  Raises ERRCODE_DP_BOUNDS for bounds,
 * ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE for a fraction, ERRCODE_INVALID_PARAMETER_VALUE for
 * a level or a number.
 */
static void
check_param(const ReleaseSpec *spec, const double *values, int i)
{
	double		value = values[i];

	switch ((SpecParamKind) spec->param_kinds[i])
	{
		case SPEC_PARAM_SETTING:
		case SPEC_PARAM_UPPER:
			break;
		case SPEC_PARAM_LOWER_WRITTEN:
		case SPEC_PARAM_LOWER_DERIVED:
			spec_check_bounds(value, values[i + 1],
							  spec->param_kinds[i] == SPEC_PARAM_LOWER_DERIVED);
			break;
		case SPEC_PARAM_FRACTION:
			if (!(value >= 0 && value <= 1))
				ereport(ERROR,
						(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						 errmsg("percentile value %g is not between 0 and 1", value)));
			break;
		case SPEC_PARAM_LEVEL:
			if (!(value > 0 && value <= DP_MAX_LEVEL))
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("confidence level must be greater than 0 and at most %g",
								DP_MAX_LEVEL)));
			break;
		case SPEC_PARAM_NUMBER:
			(void) integer_param(value, DP_MAX_BUCKETS, "number of buckets or values");
			break;
	}
}

/*
 * Raises ERRCODE_DP_BOUNDS for bounds of an argument or a sketch between which its type has no
 * value.
 */
static void
check_ranges(const ReleaseSpec *spec, const double *values)
{
	for (int i = 0; i < spec->narguments; i++)
	{
		const SpecArgument *argument = &spec->arguments[i];

		/* a sum may be larger than a value of its type */
		if (argument->bound > 0 && !argument->total)
			range_check(argument->type, argument->typmod, values[argument->bound],
						values[argument->bound + 1]);
	}
	for (int i = 0; i < spec->nsketches; i++)
	{
		const SpecSketch *sketch = &spec->sketches[i];

		if (sketch->bound > 0)
			range_check(sketch->type, sketch->typmod, values[sketch->bound],
						values[sketch->bound + 1]);
	}
}

/*
 * May the limits of a release leave out rows of an individual, or have them weigh less?  Not where
 * its rows are proven to be one per individual.  It follows from the description alone.
 */
bool
spec_may_bound(const ReleaseSpec *spec)
{
	return !spec->streamed;
}

/* The limits that bound an individual, under these parameters. */
SpecLimits
spec_limits(const ReleaseSpec *spec, const ReleaseParams *params)
{
	bool		total = spec->by_total || spec->whole || spec->streamed;

	return (SpecLimits) {.groups = spec->by_total && !spec->groups_asked ? 0 : params->kept,
		.rows = params->rows,.total = total ? params->total : 0};
}

/* The most rows that an individual can count with in a release. */
int64
spec_most_rows(const ReleaseSpec *spec, const ReleaseParams *params)
{
	int64		rows = params->kept * params->rows;

	return spec->by_total ? Min(params->total, rows) : rows;
}

/* The number of mechanisms that share the release's epsilon. */
int
spec_shares(const ReleaseSpec *spec)
{
	return spec->nparts + (spec->numeric ? 1 : 0);
}

/*
 * Has a part a gate of its own, and a share of delta for it?
 *
 * Not where the vector's gate has decided about the same individuals, and what the part chooses
 * among is public: the cells of an argument of which each individual of the group has a value.
 */
bool
spec_part_is_gated(const ReleaseSpec *spec, int part)
{
#ifdef DP_FAULT_PARTS_UNGATED
	return !spec->numeric;
#endif
	return !spec->numeric || !spec->sketches[spec->parts[part].sketch].complete ||
		!part_weighs_cells(spec->parts[part].kind);
}

/* The number of mechanisms that share the release's delta. */
int
spec_gates(const ReleaseSpec *spec)
{
	int			gates = spec->numeric ? 1 : 0;

	for (int i = 0; i < spec->nparts; i++)
		gates += spec_part_is_gated(spec, i) ? 1 : 0;
	return gates;
}

/* What the largest part needs so that each of its selections has some epsilon. */
static int64
smallest_share(const ReleaseSpec *spec)
{
	int64		share = 1;

	for (int i = 0; i < spec->nparts; i++)
	{
		if (spec->parts[i].ntargets > 1)
			share = Max(share, Max(spec->parts[i].ntargets, 32));
	}
	return share;
}

/* From the limits that were asked for to those of the release: k, r, T, and what follows. */
static void
settle_limits(const ReleaseSpec *spec, ReleaseParams *params)
{
	if (spec->streamed)
		params->groups = params->rows = params->total = 1;
	if (!spec->grouped || spec->whole)
		params->groups = 1;
	if (spec->whole)
		params->rows = spec->rows_asked ? Min(params->rows, params->total) : params->total;
	params->kept = params->groups;
	if (spec->by_total)
	{
		if (!spec->groups_asked)
			params->kept = Min(params->total, spec->possible_groups);
		params->groups = 1;
		params->rows = Min(params->rows, params->total);
		params->total = Min(params->total, params->kept * params->rows);
	}
	params->unit = spec->by_total ? params->total : params->rows;
}

/* The most that an individual adds to coordinate 0 of a group, in lattice units. */
int64
spec_gate_weight(const ReleaseSpec *spec, const ReleaseParams *params)
{
	if (!spec->by_total)
		return DP_SCALE;
	return params->rows * DP_SCALE / params->total;
}

/*
 * Does each individual add 1 or -1 to every coordinate of a group?  So it is with the number of
 * individuals, and, with one row or value for each in a group, with counts of rows and values.
 */
static bool
counts_only(const ReleaseSpec *spec, const ReleaseParams *params)
{
	if (spec->by_total)
		return false;
	for (int i = 1; i < spec->dimensions; i++)
	{
		const SpecCoordinate *coordinate = &spec->coordinates[i];

		if (params->rows > 1 && !coordinate->presence)
			return false;
		if (coordinate->feature != DP_NONE &&
			(spec->features[coordinate->feature].kind != SPEC_FEATURE_ONE ||
			 coordinate->imputation != SPEC_IMPUTE_LOWER))
			return false;
	}
	return true;
}

/*
 * Is the vector that of an average alone: a sum of values in [-1, 1], twice, beside the number of
 * individuals?
 */
static bool
lone_average(const ReleaseSpec *spec)
{
	const SpecCoordinate *sums = &spec->coordinates[1];

	return spec->numeric && !spec->by_total && spec->dimensions == 3 && sums[0].feature != DP_NONE &&
		sums[0].feature == sums[1].feature && sums[0].imputation == sums[1].imputation &&
		sums[0].copy != sums[1].copy && !sums[0].presence && !sums[1].presence &&
		spec->features[sums[0].feature].kind == SPEC_FEATURE_X;
}

/* What the release has of a price: all of it, or the share of its grouping set, rounded down. */
static int64
set_share(const ReleaseSpec *spec, int64 price)
{
#ifdef DP_FAULT_SETS_UNSHARED
	return price;
#endif
	if (spec->grouping.number == 0)
		return price;
	return dp_loss_share(price, spec->grouping.part, spec->grouping.whole);
}

/*
 * What the vector may cost under zCDP: what the price of the release is in rho, or the share of its grouping
 * set in that, less what the parts cost; in 1e-12.
 */
static int64
vector_rho(const ReleaseSpec *spec, const ReleaseParams *params)
{
	int64		whole;
	int64		part;

	if (dp_rho_of_epsilon(params->epsilon_nano, &whole) != DP_OK ||
		dp_rho_of_epsilon(params->epsilon_share, &part) != DP_OK)
		return 0;
	return set_share(spec, whole) - spec->nparts * part;
}

/* The deviation of the best noise that is not Gaussian, which Gaussian noise is compared with. */
static double
other_deviation(const ReleaseSpec *spec, const ReleaseParams *params)
{
	double		look;
	double		sum;

	if (params->look > 0)
	{
		/* a sum there is the mean of two coordinates of joint noise */
		dp_average_deviations(params->epsilon_share, params->groups, &look, &sum);
		return sum * sqrt(2.0);
	}
	return params->whole_noise ?
		dp_whole_stddev(params->epsilon_share, params->groups, spec->dimensions) :
		dp_noise_stddev(params->vector_epsilon, params->groups, spec->dimensions);
}

/*
 * Limits of a release that is bounded by total in the Euclidean norm: that of rows in kept groups, r of each at
 * most, is no more than r times the root of their number.
 */
static void
settle_norm(const ReleaseSpec *spec, ReleaseParams *params)
{
	params->total = Min(params->total,
						(int64) ceil((double) params->rows * sqrt((double) params->kept)));
	params->unit = params->total;
	params->norm = params->total;
	if (spec->norm == DP_NORM_OF_LIMITS)
		params->norm = Min(params->norm, (int64) ceil((double) params->rows * sqrt(params->values[DP_PARAM_GROUPS])));
	else if (spec->norm > 0)
		params->norm = Min(params->norm, spec->norm);
	/* so that what groups cost adds up in 64 bits */
	params->norm = Max(params->norm, (params->total + DP_MAX_SHORTENING - 1) / DP_MAX_SHORTENING);
}

/*
 * Chooses Gaussian noise for the vector where all accounts add up rho and where its deviation is the
 * smaller one.  All of it follows from the description and the parameters, which are public.  Not where
 * sketches are bounded by total, for their weights have to sum up to one.
 */
static void
choose_gaussian(const ReleaseSpec *spec, ReleaseParams *params)
{
	params->gaussian = spec->concentrated && spec->numeric &&
		!(spec->by_total && spec->nsketches > 0) &&
		dp_gaussian_law_of(vector_rho(spec, params), params->groups, spec->dimensions,
						   counts_only(spec, params), &params->law) &&
		params->law.deviation < other_deviation(spec, params);
	if (!params->gaussian)
		return;
	params->look = 0;
	params->vector_epsilon = params->epsilon_share;
	params->whole_noise = params->law.whole;
	if (!spec->by_total)
		return;
	settle_norm(spec, params);
	dp_gaussian_shorten(&params->law, params->norm, params->total);
}

/* What each mechanism that has a gate gets of a delta. */
static int64
delta_share(const ReleaseSpec *spec, int64 delta_atto)
{
	return set_share(spec, delta_atto) / Max(spec_gates(spec), 1);
}

/*
 * spec_limit_delta
 *		Lets a release cost at most that delta, in atto-delta, if its gates can share it.
 */
void
spec_limit_delta(const ReleaseSpec *spec, ReleaseParams *params, int64 most)
{
	if (most >= params->delta_atto || delta_share(spec, most) < 1)
		return;
	params->delta_atto = most;
	params->delta_share = delta_share(spec, most);
}

/*
 * Reads the parameter array of one execution into params.  values has spec->nparams
 * elements and must outlive params.  Raises ERRCODE_INVALID_PARAMETER_VALUE,
 * ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE or ERRCODE_DP_BOUNDS if one of them is out of range.
 */
void
spec_read_params(const ReleaseSpec *spec, const double *values, ReleaseParams *params)
{
	int			shares = Max(spec_shares(spec), 1);

	params->values = values;
	if (dp_epsilon_from_double(values[DP_PARAM_EPSILON], &params->epsilon_nano) != DP_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("epsilon must be a number from 1e-9 to 1000")));
	if (dp_delta_from_double(values[DP_PARAM_DELTA], &params->delta_atto) != DP_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("delta must be greater than 0 and less than 1")));
	params->epsilon_share = set_share(spec, params->epsilon_nano) / shares;
	params->delta_share = delta_share(spec, params->delta_atto);
	if (params->epsilon_share < smallest_share(spec) || params->delta_share < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("epsilon and delta are too small for so many outputs"),
				 errhint("Ask with more epsilon and delta, or for fewer outputs or grouping sets in one release.")));
	params->groups = integer_param(values[DP_PARAM_GROUPS], DP_MAX_GROUPS, "max_groups");
	params->rows = integer_param(values[DP_PARAM_ROWS], DP_MAX_ROWS, "max_rows");
	params->total = integer_param(values[DP_PARAM_TOTAL], DP_MAX_TOTAL, "max_total");
	settle_limits(spec, params);
	params->look = lone_average(spec) ? dp_average_look(params->epsilon_share) : 0;
	params->vector_epsilon = params->epsilon_share - params->look;
	params->whole_noise = counts_only(spec, params) &&
		dp_whole_suits(params->epsilon_share, params->groups, spec->dimensions);
	choose_gaussian(spec, params);
	for (int i = DP_PARAM_FIRST_OTHER; i < spec->nparams; i++)
		check_param(spec, values, i);
	check_ranges(spec, values);
}
