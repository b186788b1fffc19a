/*
 * range.c
 *		Which numbers values of a type can be.
 *
 * Values are clamped to bounds.  Bounds between which the type has no value would turn all
 * values into one that the type does not have, and the answer into a number of another type.
 * All of this depends on types and parameters alone.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "datatype/timestamp.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/lsyscache.h"

#include "core/errors.h"
#include "spec/arg_type.h"
#include "spec/range.h"

/* The largest integer up to which a double tells all integers apart. */
#define LARGEST_EXACT 9007199254740992.0

/* The names of the types, for messages. */
static const char *const type_names[] = {
	[SPEC_ARG_ANY] = "\"any\"",
	[SPEC_ARG_INT2] = "smallint",
	[SPEC_ARG_INT4] = "integer",
	[SPEC_ARG_INT8] = "bigint",
	[SPEC_ARG_FLOAT4] = "real",
	[SPEC_ARG_FLOAT8] = "double precision",
	[SPEC_ARG_NUMERIC] = "numeric",
	[SPEC_ARG_DATE] = "date",
	[SPEC_ARG_TIMESTAMP] = "timestamp",
	[SPEC_ARG_INTERVAL] = "interval",
};

/* Reads the precision and scale of numeric(p, s) from its typmod; false if there is none. */
bool
range_precision(SpecArgType type, int32 typmod, int *precision, int *scale)
{
	if (type != SPEC_ARG_NUMERIC || typmod < (int32) VARHDRSZ)
		return false;
	*precision = ((typmod - VARHDRSZ) >> 16) & 0xffff;
	*scale = (((typmod - VARHDRSZ) & 0x7ff) ^ 1024) - 1024;
	return true;
}

/*
 * The ends of what values of a type can be, in the unit that SpecArgType names, infinite where
 * there is none; of numeric(p, s) with its typmod, else -1.  The ends of numeric(p, s) are the powers
 * of ten that its values do not reach.
 */
void
range_of_type(SpecArgType type, int32 typmod, double *lowest, double *highest)
{
	int			precision;
	int			scale;

	*highest = INFINITY;
	switch (type)
	{
		case SPEC_ARG_INT2:
			*highest = PG_INT16_MAX;
			break;
		case SPEC_ARG_INT4:
			*highest = PG_INT32_MAX;
			break;
		case SPEC_ARG_INT8:
			*highest = (double) PG_INT64_MAX;
			break;
		case SPEC_ARG_FLOAT4:
			*highest = FLT_MAX;
			break;
		case SPEC_ARG_NUMERIC:
			if (range_precision(type, typmod, &precision, &scale))
				*highest = pow(10, precision - scale);
			break;
		case SPEC_ARG_DATE:
			*highest = DATE_END_JULIAN - POSTGRES_EPOCH_JDATE - 1;
			*lowest = DATETIME_MIN_JULIAN - POSTGRES_EPOCH_JDATE;
			return;
		case SPEC_ARG_TIMESTAMP:
			*highest = (double) END_TIMESTAMP;
			*lowest = (double) MIN_TIMESTAMP;
			return;
		case SPEC_ARG_INTERVAL:
			*highest = ((double) PG_INT32_MAX * (DAYS_PER_MONTH + 1)) * (double) USECS_PER_DAY +
				(double) PG_INT64_MAX;
			break;
		default:
			break;
	}
	*lowest = -*highest;
	if (type == SPEC_ARG_INT2 || type == SPEC_ARG_INT4)
		*lowest -= 1;
}

/* Is there a multiple of "step" in the interval, as far as doubles can tell? */
static bool
has_multiple(double step, double lower, double upper)
{
	if (Max(fabs(lower), fabs(upper)) / step >= LARGEST_EXACT)
		return true;
	return ceil(lower / step - 1e-6) <= floor(upper / step + 1e-6);
}

/* Has the type, of numeric(p, s) with its typmod, a value between finite bounds? */
bool
range_has_value(SpecArgType type, int32 typmod, double lower, double upper)
{
	double		lowest;
	double		highest;
	int			precision;
	int			scale;
	float		nearest;

	range_of_type(type, typmod, &lowest, &highest);
	if (upper < lowest || lower > highest)
		return false;
	switch (type)
	{
		case SPEC_ARG_INT2:
		case SPEC_ARG_INT4:
		case SPEC_ARG_INT8:
		case SPEC_ARG_DATE:
		case SPEC_ARG_TIMESTAMP:
		case SPEC_ARG_INTERVAL:
			return ceil(lower) <= floor(upper);
		case SPEC_ARG_FLOAT4:
			nearest = (float) Max(lower, lowest);
			if ((double) nearest < lower)
				nearest = nextafterf(nearest, INFINITY);
			return (double) nearest <= upper;
		case SPEC_ARG_NUMERIC:
			if (!range_precision(type, typmod, &precision, &scale))
				return true;
			return lower < highest && upper > lowest && has_multiple(pow(10, -scale), lower, upper);
		default:
			return true;
	}
}

/*
 * The distance of values that can be told apart near the bounds: that of the type, and of the
 * doubles that values are read as.  0 where they are as near as the bounds.
 */
double
range_finest(SpecArgType type, double lower, double upper)
{
	double		largest = Max(fabs(lower), fabs(upper));

	if (type == SPEC_ARG_FLOAT4)
		return (double) nextafterf((float) Min(largest, FLT_MAX / 2), INFINITY) -
			(double) (float) Min(largest, FLT_MAX / 2);
	return nextafter(largest, INFINITY) - largest;
}

/* What to say about the values of a type. */
static const char *
range_hint(SpecArgType type, int32 typmod)
{
	double		lowest;
	double		highest;
	int			precision;
	int			scale;

	range_of_type(type, typmod, &lowest, &highest);
	if (type == SPEC_ARG_INT2 || type == SPEC_ARG_INT4)
		return psprintf("Values of type %s are from %.0f to %.0f.", type_names[type], lowest, highest);
	if (type == SPEC_ARG_INT8)
		return psprintf("Values of type bigint are from " INT64_FORMAT " to " INT64_FORMAT ".",
						PG_INT64_MIN, PG_INT64_MAX);
	if (range_precision(type, typmod, &precision, &scale))
		return psprintf("Values of type numeric(%d,%d) are multiples of 1e%d below 1e%d.",
						precision, scale, -scale, precision - scale);
	return psprintf("Give bounds between which values of type %s lie.", type_names[type]);
}

/* Raises ERRCODE_DP_BOUNDS if the type has no value between finite bounds. */
void
range_check(SpecArgType type, int32 typmod, double lower, double upper)
{
	if (!range_has_value(type, typmod, lower, upper))
		ereport(ERROR,
				(errcode(ERRCODE_DP_BOUNDS),
				 errmsg("no value of the argument's type, %s, lies between these bounds",
						type_names[type]),
				 errhint("%s", range_hint(type, typmod))));
}

/*
 * Raises ERRCODE_DP_BOUNDS if a declared bound of a column lies outside of what values of its type
 * can be, or none lies between.
 */
void
range_check_declared(SpecArgType type, int32 typmod, double lower, double upper,
					 const char *column)
{
	double		lowest;
	double		highest;

	range_of_type(type, typmod, &lowest, &highest);
	if (lower < lowest || upper > highest)
		ereport(ERROR,
				(errcode(ERRCODE_DP_BOUNDS),
				 errmsg("bounds of column \"%s\" reach beyond its type, %s", column,
						type_names[type]),
				 errhint("%s", range_hint(type, typmod))));
	if (!range_has_value(type, typmod, lower, upper))
		ereport(ERROR,
				(errcode(ERRCODE_DP_BOUNDS),
				 errmsg("no value of column \"%s\", of type %s, lies between these bounds",
						column, type_names[type]),
				 errhint("%s", range_hint(type, typmod))));
}
