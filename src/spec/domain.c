/*
 * domain.c
 *		Values as numbers and back, and the cells of sketches.
 *
 * No value makes a function here raise an error: the error would tell that the
 * value is there.  Cells follow from the argument's type and the release's
 * parameters alone.
 */
#include "postgres.h"

#include <float.h>

#include "access/transam.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "core/errors.h"
#include "mechanism/status.h"
#include "spec/domain.h"
#include "spec/range.h"
#include "spec/spec.h"

/* Most steps of a grid, which has one cell more than steps. */
#define MAX_STEPS (DP_MAX_CELLS - 1)

/* Steps are no finer than this, however close the bounds. */
#define SMALLEST_STEP 1e-120

/* Largest origin to which the number of a cell is added exactly, in a double. */
#define LARGEST_ORIGIN 1e15

/* The finite dates. */
#define FIRST_DATE (DATETIME_MIN_JULIAN - POSTGRES_EPOCH_JDATE)
#define LAST_DATE (DATE_END_JULIAN - POSTGRES_EPOCH_JDATE - 1)

/* ----------
 * Values
 * ----------
 */

/* The type below a domain; any other type is its own. */
static Oid
base_type(Oid type)
{
	return type < FirstNormalObjectId ? type : getBaseType(type);
}

/* How values of a type, or of a domain over it, are read as numbers; SPEC_ARG_ANY if they are not. */
SpecArgType
domain_of_type(Oid type)
{
	switch (base_type(type))
	{
		case INT2OID:
			return SPEC_ARG_INT2;
		case INT4OID:
			return SPEC_ARG_INT4;
		case INT8OID:
			return SPEC_ARG_INT8;
		case FLOAT4OID:
			return SPEC_ARG_FLOAT4;
		case FLOAT8OID:
			return SPEC_ARG_FLOAT8;
		case NUMERICOID:
			return SPEC_ARG_NUMERIC;
		case DATEOID:
			return SPEC_ARG_DATE;
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return SPEC_ARG_TIMESTAMP;
		case INTERVALOID:
			return SPEC_ARG_INTERVAL;
		default:
			return SPEC_ARG_ANY;
	}
}

/* -1 or 1 for an infinite interval, which PostgreSQL has since version 17; 0 for a finite one. */
static int
interval_infinity(const Interval *interval)
{
#ifdef INTERVAL_NOT_FINITE
	if (INTERVAL_NOT_FINITE(interval))
		return INTERVAL_IS_NOBEGIN(interval) ? -1 : 1;
#endif
	return 0;
}

/*
 * The length of a finite interval, as comparisons see it: the whole days are returned,
 * and the rest is in *microseconds.  Both have the same sign, and neither can overflow.
 */
static int64
interval_days(const Interval *interval, int64 *microseconds)
{
	int64		days = (int64) interval->month * DAYS_PER_MONTH + interval->day +
		interval->time / USECS_PER_DAY;
	int64		rest = interval->time % USECS_PER_DAY;

	if (days > 0 && rest < 0)
	{
		days--;
		rest += USECS_PER_DAY;
	}
	else if (days < 0 && rest > 0)
	{
		days++;
		rest -= USECS_PER_DAY;
	}
	*microseconds = rest;
	return days;
}

/* An interval in microseconds. */
static double
interval_number(const Interval *interval)
{
	int			infinity = interval_infinity(interval);
	int64		rest;
	int64		days;

	if (infinity != 0)
		return infinity * (double) INFINITY;
	days = interval_days(interval, &rest);
	return (double) ((dp_int128) days * USECS_PER_DAY + rest);
}

/*
 * The interval that stands for all that are equal to it, as sketches keep it: in days
 * and time, without months.  Lengths beyond 2^31 - 1 days become 2^31 - 1 days, while
 * canonical_interval() tells them apart by months (canonical.c).
 */
Interval
domain_interval(const Interval *interval)
{
	Interval	result = {0};
	int64		rest;
	int64		days;

	if (interval_infinity(interval) != 0)
		return *interval;
	days = interval_days(interval, &rest);
	result.day = (int32) Max(Min(days, PG_INT32_MAX), -PG_INT32_MAX);
	result.time = rest;
	return result;
}

/* domain_number() for the types that take more than a cast; elog for any other. */
bool
domain_other_number(SpecArgType type, Datum value, double *x)
{
	switch (type)
	{
		case SPEC_ARG_NUMERIC:
			*x = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, value));
			return !isnan(*x);
		case SPEC_ARG_DATE:
			{
				DateADT		date = DatumGetDateADT(value);

				/* INFINITY is a float, which would round the date */
				*x = DATE_IS_NOBEGIN(date) ? -INFINITY :
					DATE_IS_NOEND(date) ? INFINITY : (double) date;
				return true;
			}
		case SPEC_ARG_TIMESTAMP:
			{
				Timestamp	t = DatumGetTimestamp(value);

				*x = TIMESTAMP_IS_NOBEGIN(t) ? -INFINITY :
					TIMESTAMP_IS_NOEND(t) ? INFINITY : (double) t;
				return true;
			}
		case SPEC_ARG_INTERVAL:
			*x = interval_number(DatumGetIntervalP(value));
			return true;
		default:
			elog(ERROR, "no numbers of type %d", (int) type);
	}
	return false;
}

/* The integer of [lower, upper] that is nearest to x; NaN counts as 0. */
static int64
nearest_integer(double x, int64 lower, int64 upper)
{
	if (isnan(x))
		x = 0;
	x = rint(x);
	if (x <= (double) lower)
		return lower;
	if (x >= (double) upper)
		return upper;
	return (int64) x;
}

/* The nearest finite float4, or NaN. */
static float4
nearest_float4(double x)
{
	if (isnan(x))
		return (float4) x;
	return (float4) Max(Min(x, (double) FLT_MAX), -(double) FLT_MAX);
}

/* The interval of x microseconds, in days and time; NaN counts as 0. */
static Datum
interval_datum(double x)
{
	double		largest = (double) PG_INT32_MAX * (double) USECS_PER_DAY;
	Interval   *result = palloc0(sizeof(Interval));
	dp_int128	microseconds;

	if (!isnan(x))
	{
		microseconds = (dp_int128) rint(Max(Min(x, largest), -largest));
		result->day = (int32) (microseconds / USECS_PER_DAY);
		result->time = (int64) (microseconds % USECS_PER_DAY);
	}
	return IntervalPGetDatum(result);
}

/*
 * The value of a type (or domain over it) that is nearest to x, a number in the unit
 * that SpecArgType names: a finite value for integers, dates, timestamps and intervals.
 * No x raises an error; elog for a type without numbers.
 */
Datum
domain_datum(Oid type, double x)
{
	switch (base_type(type))
	{
		case INT2OID:
			return Int16GetDatum((int16) nearest_integer(x, PG_INT16_MIN, PG_INT16_MAX));
		case INT4OID:
			return Int32GetDatum((int32) nearest_integer(x, PG_INT32_MIN, PG_INT32_MAX));
		case INT8OID:
			return Int64GetDatum(nearest_integer(x, PG_INT64_MIN, PG_INT64_MAX));
		case FLOAT4OID:
			return Float4GetDatum(nearest_float4(x));
		case FLOAT8OID:
			return Float8GetDatum(x);
		case NUMERICOID:
			return DirectFunctionCall1(float8_numeric, Float8GetDatum(x));
		case DATEOID:
			return DateADTGetDatum((DateADT) nearest_integer(x, FIRST_DATE, LAST_DATE));
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return TimestampGetDatum(nearest_integer(x, MIN_TIMESTAMP, END_TIMESTAMP - 1));
		case INTERVALOID:
			return interval_datum(x);
		default:
			elog(ERROR, "no numbers of type %u", type);
	}
	return (Datum) 0;
}

/* ----------
 * Cells
 * ----------
 */

/*
 * Sets the step of a grid to the smallest of 1, 2 and 5 times a power of ten that is at
 * least "least", which is positive.
 */
static void
decimal_step(Grid *grid, double least)
{
	static const double digits[] = {1, 2, 5, 10, 20};
	int			exponent = (int) floor(log10(least));

	for (int i = 0; i < (int) lengthof(digits); i++)
	{
		grid->multiple = exponent >= 0 ? digits[i] * pow(10, exponent) : 1;
		grid->per_unit = exponent >= 0 ? 1 : pow(10, -exponent) / digits[i];
		if (grid->per_unit < 1)
		{
			grid->multiple = 2;
			grid->per_unit = 1;
		}
		grid->step = grid->multiple / grid->per_unit;
		if (grid->step >= least)
			break;
	}
}

/*
 * Sets the step of a grid of microseconds: below half a second as decimal_step() does,
 * then to a step that clocks have, from a second to 12 hours, and then to 1, 2 and 5
 * times a power of ten of days.
 */
static void
clock_step(Grid *grid, double least)
{
	static const int64 seconds[] = {
		1, 2, 5, 10, 15, 30,
		1 * SECS_PER_MINUTE, 2 * SECS_PER_MINUTE, 5 * SECS_PER_MINUTE,
		10 * SECS_PER_MINUTE, 15 * SECS_PER_MINUTE, 30 * SECS_PER_MINUTE,
		1 * SECS_PER_HOUR, 2 * SECS_PER_HOUR, 3 * SECS_PER_HOUR,
		6 * SECS_PER_HOUR, 12 * SECS_PER_HOUR
	};
	double		unit = (double) USECS_PER_DAY;

	if (least * 2 <= (double) USECS_PER_SEC)
	{
		decimal_step(grid, Max(least, 1));
		return;
	}
	for (int i = lengthof(seconds) - 1; i >= 0; i--)
	{
		if ((double) (seconds[i] * USECS_PER_SEC) >= least)
			unit = (double) (seconds[i] * USECS_PER_SEC);
	}
	decimal_step(grid, Max(least / unit, 1));
	grid->multiple *= unit;
	grid->step = grid->multiple;
}

/*
 * Sets the step of a grid to the finest round one of which the bounds hold at most MAX_STEPS,
 * and which values of the type can be apart.
 */
static void
choose_step(Grid *grid, SpecArgType type)
{
	double		least = Max(Max((grid->upper - grid->lower) / MAX_STEPS, SMALLEST_STEP),
							range_finest(type, grid->lower, grid->upper));

	switch (type)
	{
		case SPEC_ARG_INT2:
		case SPEC_ARG_INT4:
		case SPEC_ARG_INT8:
		case SPEC_ARG_DATE:
			decimal_step(grid, Max(least, 1));
			break;
		case SPEC_ARG_TIMESTAMP:
		case SPEC_ARG_INTERVAL:
			clock_step(grid, least);
			break;
		default:
			decimal_step(grid, least);
			break;
	}
}

/* Are all values of the type whole numbers, in its unit, and apart by one? */
bool
domain_is_whole(SpecArgType type)
{
	return type == SPEC_ARG_INT2 || type == SPEC_ARG_INT4 || type == SPEC_ARG_INT8 ||
		type == SPEC_ARG_DATE;
}

/* Sets the points of a GRID, from one bound to the other. */
static void
open_points(Grid *grid, SpecArgType type)
{
	double		steps;

	if (domain_is_whole(type) && ceil(grid->lower) <= floor(grid->upper))
	{
		grid->lower = ceil(grid->lower);
		grid->upper = floor(grid->upper);
	}
	if (domain_is_whole(type) && grid->upper - grid->lower < MAX_STEPS &&
		range_finest(type, grid->lower, grid->upper) <= 1)
		grid->multiple = grid->per_unit = grid->step = 1;
	else
		choose_step(grid, type);

	/* Bounds that are apart by a whole number of steps, but for rounding, have that number. */
	steps = ceil((grid->upper - grid->lower) * grid->per_unit / grid->multiple - 1e-6);
	grid->cells = 1 + (int) Max(Min(steps, MAX_STEPS), grid->upper > grid->lower ? 1 : 0);

	grid->origin = rint(grid->lower * grid->per_unit / grid->multiple);
	if (fabs(grid->origin) > LARGEST_ORIGIN ||
		grid->origin * grid->multiple / grid->per_unit != grid->lower)
		grid->origin = 0;
	grid->base = grid->origin == 0 ? grid->lower : 0;
}

/* Sets the number of BUCKETS and their width; elog for a number out of range. */
static void
open_buckets(Grid *grid, double buckets)
{
	if (!(buckets >= 1 && buckets <= DP_MAX_BUCKETS))
		malformed("release parameters");
	grid->cells = (int) buckets;
	grid->step = (grid->upper - grid->lower) / grid->cells;
}

/*
 * Sets BINS, whose ends double as far as values of the type go: for j from "exponent"
 * on the numbers whose magnitude is in (2^(j-1), 2^j], for each sign, and one bin for
 * zero.  The smallest bins take all that is nearer to zero, too, and the largest all
 * that is beyond.
 */
static void
open_bins(Grid *grid, SpecArgType type)
{
	int			largest = 80;

	grid->exponent = -20;
	if (domain_is_whole(type) || type == SPEC_ARG_TIMESTAMP || type == SPEC_ARG_INTERVAL)
		grid->exponent = 0;
	if (type == SPEC_ARG_INT2)
		largest = 15;
	else if (type == SPEC_ARG_INT4 || type == SPEC_ARG_DATE)
		largest = 31;
	else if (type == SPEC_ARG_INT8 || type == SPEC_ARG_TIMESTAMP)
		largest = 63;
	grid->bins = largest - grid->exponent + 1;
	grid->cells = 2 * grid->bins + 1;
	grid->upper = ldexp(1.0, largest);
	grid->lower = -grid->upper;
}

/* Narrows the bounds to what the type can hold: else most points might have no value. */
static void
narrow_to_type(Grid *grid, SpecArgType type)
{
	double		lowest;
	double		highest;

	range_of_type(type, -1, &lowest, &highest);
	grid->lower = Max(lowest, Min(highest, grid->lower));
	grid->upper = Max(lowest, Min(highest, grid->upper));
}

/*
 * Sets up the cells of a sketch under the parameters of one execution.  params are those
 * of the release, already checked, as are the positions in them that the sketch names.
 * elog for what a forged description can still get wrong.
 */
void
grid_open(Grid *grid, const SpecSketch *sketch, const double *params)
{
	memset(grid, 0, sizeof(Grid));
	grid->scheme = sketch->scheme;
	if (grid->scheme == SPEC_SCHEME_BINS)
	{
		open_bins(grid, sketch->type);
		return;
	}
	if (sketch->bound <= 0)
		malformed("release description");
	grid->lower = params[sketch->bound] + 0.0;	/* no -0 */
	grid->upper = params[sketch->bound + 1] + 0.0;
	if (!(grid->lower <= grid->upper) || !isfinite(grid->upper - grid->lower))
		malformed("release parameters");
	if (grid->scheme == SPEC_SCHEME_GRID)
	{
		narrow_to_type(grid, sketch->type);
		open_points(grid, sketch->type);
	}
	else if (grid->scheme == SPEC_SCHEME_BUCKETS && sketch->buckets > 0)
		open_buckets(grid, params[sketch->buckets]);
	else
		malformed("release description");
}

/* grid_cell() for numbers in the last step of a GRID, which may be shorter than the others. */
int
grid_last_cell(const Grid *grid, double x)
{
	int			last = grid->cells - 1;

	return x - grid_point(grid, last - 1) < grid->upper - x ? last - 1 : last;
}

/* The bucket of x: the one between whose edges x lies, exactly as grid_edge() tells these. */
static int
bucket_of(const Grid *grid, double x)
{
	int			last = grid->cells - 1;
	int			cell;

	if (x >= grid->upper)
		return last;
	if (!(x > grid->lower))
		return 0;
	cell = Min((int) ((x - grid->lower) / (grid->upper - grid->lower) * grid->cells), last);
	if (cell > 0 && x < grid_edge(grid, cell))
		cell--;
	else if (cell < last && x >= grid_edge(grid, cell + 1))
		cell++;
	return cell;
}

/* The bin of x. */
static int
bin_of(const Grid *grid, double x)
{
	int			exponent;
	double		fraction;

	if (x == 0 || isnan(x))
		return grid->bins;
	fraction = frexp(Max(Min(fabs(x), grid->upper), DBL_MIN), &exponent);
	if (fraction == 0.5)
		exponent--;				/* 2^j is the upper end of its bin */
	exponent = Max(exponent - grid->exponent, 0);
	return x > 0 ? grid->bins + 1 + exponent : grid->bins - 1 - exponent;
}

/* grid_cell() for BUCKETS and BINS. */
int
grid_other_cell(const Grid *grid, double x)
{
	return grid->scheme == SPEC_SCHEME_BUCKETS ? bucket_of(grid, x) : bin_of(grid, x);
}

/* The value of point "cell" of a GRID, 0 .. cells - 1. */
double
grid_point(const Grid *grid, int cell)
{
	if (cell >= grid->cells - 1)
		return grid->upper;
	return Min(grid->base + (grid->origin + cell) * grid->multiple / grid->per_unit,
			   grid->upper);
}

/*
 * Cell i of BUCKETS or BINS lies between edges i and i + 1; edge "cells" is
 * the last.  Bins hold their upper edge if positive and their lower edge if
 * negative; both edges of the bin of zero are 0.
 */
double
grid_edge(const Grid *grid, int i)
{
	if (grid->scheme == SPEC_SCHEME_BINS)
	{
		if (i < grid->bins)
			return -ldexp(1.0, grid->exponent + grid->bins - 1 - i);
		if (i <= grid->bins + 1)
			return 0;
		return ldexp(1.0, grid->exponent + i - grid->bins - 2);
	}
	if (i >= grid->cells)
		return grid->upper;
	return grid->lower + i * (grid->upper - grid->lower) / grid->cells;
}
