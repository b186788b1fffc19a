/*
 * ranges.c
 *		Intervals of numbers, and what operations make of them.
 *
 * An operation's interval holds all that it returns for arguments within theirs, up to the rounding
 * of double precision.  Where the operation fails, as 1 / 0 and ln(0) do, it has no value: calls
 * below a release are guarded.
 */
#include "postgres.h"

#include <math.h>

#include "query/ranges.h"

/* From here on all doubles are whole numbers. */
#define LARGEST_FRACTION 4503599627370496.0

/* Whole exponents up to this size are told from others. */
#define LARGEST_EXPONENT 1000000

/* ----------
 * Intervals
 * ----------
 */

/* All numbers. */
Range
range_everything(void)
{
	return (Range) {-INFINITY, INFINITY, 0};
}

/* No number. */
Range
range_nothing(void)
{
	return (Range) {INFINITY, -INFINITY, 0};
}

/* Does it hold no number? */
bool
range_is_nothing(Range a)
{
	return a.lower > a.upper;
}

/* Is it one number? */
bool
range_is_point(Range a)
{
	return a.lower == a.upper;
}

/* The interval, or everything if it is none; no -0. */
static Range
checked(double lower, double upper, double step)
{
	if (isnan(lower) || isnan(upper) || lower > upper || lower == INFINITY || upper == -INFINITY)
		return range_everything();
	return (Range) {lower + 0.0, upper + 0.0, step};
}

/* Are all values whole numbers? */
static bool
is_whole(Range a)
{
	return a.step >= 1 && a.step == rint(a.step);
}

/* A step of which the values of both are multiples; 0 where none is known. */
static double
common_step(Range a, Range b)
{
	if (a.step == b.step)
		return a.step;
	return is_whole(a) && is_whole(b) ? 1 : 0;
}

/* The smallest interval around both. */
Range
range_around(Range a, Range b)
{
	if (range_is_nothing(a))
		return b;
	if (range_is_nothing(b))
		return a;
	return checked(Min(a.lower, b.lower), Max(a.upper, b.upper), common_step(a, b));
}

/* What both have in common; a, where that is nothing. */
Range
range_within(Range a, Range b)
{
	double		lower = Max(a.lower, b.lower);
	double		upper = Min(a.upper, b.upper);

	if (is_whole(a))
	{
		lower = ceil(lower);
		upper = floor(upper);
	}
	return lower <= upper ? (Range) {lower, upper, a.step} : a;
}

/*
 * What a decimal fraction that is read as a may be: 0.29 * 100 is 29, and slightly less as doubles.
 */
static Range
as_decimals(Range a)
{
	const double error = 1e-15;

	if (is_whole(a))
		return a;
	return (Range) {a.lower - fabs(a.lower) * error, a.upper + fabs(a.upper) * error, a.step};
}

/* factor * a + offset; factor > 0. */
Range
range_scaled(Range a, double factor, double offset)
{
	if (range_is_nothing(a))
		return a;
	return checked(a.lower * factor + offset, a.upper * factor + offset, 0);
}

/* ----------
 * Of two numbers
 * ----------
 */

/* a * b, where nothing times anything is nothing. */
static double
product(double a, double b)
{
	return a == 0 || b == 0 ? 0 : a * b;
}

static double
quotient(double a, double b)
{
	return a / b;
}

/* The interval around the values of a function of two numbers at the corners. */
static Range
corners(double (*function) (double, double), Range a, Range b)
{
	double		values[] = {
		function(a.lower, b.lower), function(a.lower, b.upper),
		function(a.upper, b.lower), function(a.upper, b.upper)
	};
	double		lower = values[0];
	double		upper = values[0];

	for (int i = 0; i < (int) lengthof(values); i++)
	{
		if (isnan(values[i]))
			return range_everything();
		lower = Min(lower, values[i]);
		upper = Max(upper, values[i]);
	}
	return checked(lower, upper, 0);
}

/* The part of an interval below 0 (sign -1) or above it (1), which may be nothing. */
static Range
side(Range a, int sign)
{
	if (sign < 0)
		return (Range) {a.lower, Min(a.upper, -a.step), a.step};
	return (Range) {Max(a.lower, a.step), a.upper, a.step};
}

/*
 * The interval of a function of a and b around its two branches, where one of them is not 0 and
 * values that are not are at least a step away from it; everything, if they can be near.
 */
static Range
both_sides(double (*function) (double, double), Range a, Range b, bool second)
{
	Range		divisor = second ? b : a;
	Range		result = range_nothing();

	if (divisor.step == 0 && divisor.lower <= 0 && divisor.upper >= 0)
		return range_everything();
	for (int sign = -1; sign <= 1; sign += 2)
	{
		Range		half = side(divisor, sign);

		if (range_is_nothing(half) || half.lower * sign < 0 || half.upper * sign < 0)
			continue;
		result = range_around(result, second ? corners(function, a, half) :
							  corners(function, half, b));
	}
	return result;
}

/* a * b */
static Range
multiply(Range a, Range b)
{
	Range		result = corners(product, a, b);

	result.step = a.step * b.step;
	return result;
}

/* a / b; whole: without the fraction. */
static Range
divide(Range a, Range b, bool whole)
{
	Range		result = both_sides(quotient, a, b, true);

	if (!whole || range_is_nothing(result))
		return result;
	result = as_decimals(result);
	return checked(trunc(result.lower), trunc(result.upper), 1);
}

/* a % b has the sign of a, and is nearer to 0 than both a and b. */
static Range
modulo(Range a, Range b)
{
	double		largest = Max(fabs(b.lower), fabs(b.upper));

	if (is_whole(a) && is_whole(b) && largest < LARGEST_FRACTION)
		largest = Max(largest - 1, 0);
	return checked(a.lower < 0 ? Max(a.lower, -largest) : 0,
				   a.upper > 0 ? Min(a.upper, largest) : 0, common_step(a, b));
}

/* a to the power of a whole constant. */
static Range
whole_power(Range a, double exponent)
{
	Range		constant = {exponent, exponent, 1};
	Range		result;

	if (exponent < 0)
		return both_sides(pow, a, constant, false);
	result = corners(pow, a, constant);
	if (fmod(exponent, 2) == 0 && a.lower < 0 && a.upper > 0)
		result.lower = exponent == 0 ? 1 : 0;
	if (is_whole(a))
		result.step = 1;
	return result;
}

/* a ^ b.  A root of what is negative has no value. */
static Range
power(Range a, Range b)
{
	if (range_is_point(b) && b.lower == rint(b.lower))
		return fabs(b.lower) <= LARGEST_EXPONENT ? whole_power(a, b.lower) : range_everything();
	if (range_is_point(b))
		a.lower = Max(a.lower, 0);
	if (range_is_nothing(a))
		return a;
	if (a.lower < 0)
		return range_everything();
	if (a.lower == 0 && b.lower < 0)
	{
		if (a.step == 0 || b.upper >= 0)
			return range_everything();
		a.lower = a.step;
		if (range_is_nothing(a))
			return a;
	}
	return corners(pow, a, b);
}

/* A logarithm, of what is positive. */
static Range
logarithm(double (*function) (double), Range a)
{
	a.lower = Max(a.lower, a.step);
	if (a.upper <= 0 || range_is_nothing(a))
		return range_nothing();
	return checked(a.lower > 0 ? function(a.lower) : -INFINITY, function(a.upper), 0);
}

/* log(base, x) */
static Range
logarithm_to(Range base, Range x)
{
	Range		result = logarithm(log, x);
	double		divisor;

	if (!range_is_point(base) || !(base.lower > 0) || base.lower == 1)
		return range_everything();
	if (range_is_nothing(result))
		return result;
	divisor = log(base.lower);
	return checked(divisor > 0 ? result.lower / divisor : result.upper / divisor,
				   divisor > 0 ? result.upper / divisor : result.lower / divisor, 0);
}

/* round() and trunc() to "digits" decimals, which may be negative. */
static Range
rounded_to(Range a, Range digits)
{
	double		unit = pow(10, -digits.lower);

	if (!range_is_point(digits) || fabs(digits.lower) > 100)
		return range_everything();
	if (a.step >= unit && digits.lower >= 0 && is_whole(a))
		return a;
	a = as_decimals(a);
	return checked(Min(a.lower, floor(a.lower / unit) * unit),
				   Max(a.upper, ceil(a.upper / unit) * unit), unit);
}

static Range
binary(RangeOperation operation, Range a, Range b)
{
	switch (operation)
	{
		case RANGE_ADD:
			return checked(a.lower + b.lower, a.upper + b.upper, common_step(a, b));
		case RANGE_SUBTRACT:
			return checked(a.lower - b.upper, a.upper - b.lower, common_step(a, b));
		case RANGE_MULTIPLY:
			return multiply(a, b);
		case RANGE_DIVIDE:
			return divide(a, b, false);
		case RANGE_DIVIDE_WHOLE:
			return divide(a, b, true);
		case RANGE_MODULO:
			return modulo(a, b);
		case RANGE_POWER:
			return power(a, b);
		case RANGE_LOG:
			return logarithm_to(a, b);
		case RANGE_DECIMALS:
			return rounded_to(a, b);
		default:
			return range_everything();
	}
}

/* ----------
 * Of one number
 * ----------
 */

static double
sign(double x)
{
	return x > 0 ? 1 : x < 0 ? -1 : 0;
}

/* The root of x; 0 where x has none. */
static double
root(double x)
{
	return sqrt(Max(x, 0));
}

static double
to_float4(double x)
{
	return (float) x;
}

static double
to_degrees(double x)
{
	return x * (180 / M_PI);
}

static double
to_radians(double x)
{
	return x / (180 / M_PI);
}

/* Functions that never fall: their ends follow from the ends of their argument. */
static Range
rising(RangeOperation operation, Range a)
{
	static double (*const functions[]) (double) =
	{
		sign, floor, ceil, trunc, to_float4, root, cbrt, exp, atan, sinh, tanh, to_degrees, to_radians
	};
	double		(*function) (double) = functions[operation -RANGE_SIGN];
	double		step = operation <=RANGE_TRUNC ? 1 : 0;

	StaticAssertStmt(lengthof(functions) == RANGE_RADIANS - RANGE_SIGN + 1,
					 "each operation that rises has its function");
	if (operation == RANGE_TO_FLOAT4 && is_whole(a))
		step = 1;
	if (operation == RANGE_FLOOR || operation == RANGE_CEIL || operation == RANGE_TRUNC)
		a = as_decimals(a);
	return checked(function(a.lower), function(a.upper), step);
}

/* The whole number nearest to a, whichever way halves go. */
static Range
rounded(Range a)
{
	a = as_decimals(a);
	return checked(fabs(a.lower) < LARGEST_FRACTION ? ceil(a.lower - 0.5) : a.lower,
				   fabs(a.upper) < LARGEST_FRACTION ? floor(a.upper + 0.5) : a.upper, 1);
}

static Range
unary(RangeOperation operation, Range a)
{
	switch (operation)
	{
		case RANGE_SAME:
			return a;
		case RANGE_NEGATE:
			return checked(-a.upper, -a.lower, a.step);
		case RANGE_ABS:
			return checked(a.lower <= 0 && a.upper >= 0 ? 0 : Min(fabs(a.lower), fabs(a.upper)),
						   Max(fabs(a.lower), fabs(a.upper)), a.step);
		case RANGE_ROUND:
			return rounded(a);
		case RANGE_LN:
			return logarithm(log, a);
		case RANGE_LOG10:
			return logarithm(log10, a);
		default:
			return range_everything();
	}
}

/* Of operations that have bounds of their own; false for any other. */
static bool
limited(RangeOperation operation, Range *result)
{
	static const Range limits[] = {
		{-1, 1, 0}, {-M_PI_2, M_PI_2, 0}, {0, M_PI, 0}, {-M_PI, M_PI, 0},
		{-90, 90, 0}, {0, 180, 0}, {-180, 180, 0}
	};

	if (operation <RANGE_WAVE || operation >RANGE_ARCTANGENT_DEGREES)
		return false;
	*result = limits[operation -RANGE_WAVE];
	return true;
}

/*
 * What an operation returns for numbers within the intervals, one or two; everything if nothing
 * is known about it.
 */
Range
range_of_operation(RangeOperation operation, const Range *args, int nargs)
{
	Range		result;

	for (int i = 0; i < nargs; i++)
	{
		if (range_is_nothing(args[i]))
			return range_nothing();
	}
	if (limited(operation, &result))
		return result;
	if (nargs == 2)
		return binary(operation, args[0], args[1]);
	if (operation >=RANGE_SIGN && operation <=RANGE_RADIANS)
		return rising(operation, args[0]);
	return unary(operation, args[0]);
}
