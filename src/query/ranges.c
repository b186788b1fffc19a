/*
 * ranges.c
 *		Intervals of numbers, and what functions make of them.
 *
 * A function's interval holds all that it returns for arguments within theirs, up to the rounding
 * of double precision.  Where the function fails, as 1 / 0 and ln(0) do, it has no value: calls
 * below a release are guarded.
 */
#include "postgres.h"

#include <math.h>

#include "query/ranges.h"

/* All numbers. */
Range
range_everything(void)
{
	return (Range) {-INFINITY, INFINITY, 0};
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

/* A step of which the values of both are multiples; 0 where none is known. */
static double
common_step(Range a, Range b)
{
	if (a.step == b.step)
		return a.step;
	if (a.step >= 1 && b.step >= 1 && a.step == rint(a.step) && b.step == rint(b.step))
		return 1;
	return 0;
}

/* The smallest interval around both. */
Range
range_around(Range a, Range b)
{
	return checked(Min(a.lower, b.lower), Max(a.upper, b.upper), common_step(a, b));
}

/* What both have in common; a, where that is nothing. */
Range
range_within(Range a, Range b)
{
	double		lower = Max(a.lower, b.lower);
	double		upper = Min(a.upper, b.upper);

	return lower <= upper ? (Range) {lower, upper, a.step} : a;
}

/* factor * a + offset; factor > 0. */
Range
range_scaled(Range a, double factor, double offset)
{
	return checked(a.lower * factor + offset, a.upper * factor + offset, 0);
}

/* a * b, where nothing times anything is nothing. */
static double
product(double a, double b)
{
	return a == 0 || b == 0 ? 0 : a * b;
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

static Range
multiply(Range a, Range b)
{
	Range		result = corners(product, a, b);

	result.step = a.step * b.step;
	return result;
}

/* a / b.  Where b is 0 there is no value, and other values are at least a step away from it. */
static Range
divide(Range a, Range b, bool integer)
{
	Range		result;

	if (b.lower == 0 && b.step > 0 && b.upper >= b.step)
		b.lower = b.step;
	if (b.upper == 0 && b.step > 0 && b.lower <= -b.step)
		b.upper = -b.step;
	if (b.lower > 0 || b.upper < 0)
		result = corners(product, a, (Range) {1 / b.upper, 1 / b.lower, 0});
	else if (b.step > 0)
		result = corners(product, a, (Range) {-1 / b.step, 1 / b.step, 0});
	else
		return range_everything();
	result.step = 0;
	if (integer)
		result = checked(trunc(result.lower), trunc(result.upper), 1);
	return result;
}

/* a % b has the sign of a, and is nearer to 0 than both a and b. */
static Range
modulo(Range a, Range b)
{
	double		largest = Max(fabs(b.lower), fabs(b.upper));

	if (a.step >= 1 && b.step >= 1 && a.step == rint(a.step) && b.step == rint(b.step))
		largest = Max(largest - 1, 0);
	return checked(a.lower < 0 ? Max(a.lower, -largest) : 0,
				   a.upper > 0 ? Min(a.upper, largest) : 0, common_step(a, b));
}

/* a to the power of a whole constant. */
static Range
whole_power(Range a, double exponent)
{
	bool		even = fmod(exponent, 2) == 0;
	Range		result;

	if (exponent < 0)
	{
		if (a.lower == 0 && a.step > 0 && a.upper >= a.step)
			a.lower = a.step;
		if (a.lower <= 0 && a.upper >= 0)
			return range_everything();
	}
	result = corners(pow, a, (Range) {exponent, exponent, 0});
	if (even && exponent > 0 && a.lower < 0 && a.upper > 0)
		result.lower = 0;
	if (exponent > 0 && a.step >= 1 && a.step == rint(a.step))
		result.step = 1;
	return result;
}

/* a ^ b.  A root of what is negative has no value. */
static Range
power(Range a, Range b)
{
	if (range_is_point(b) && b.lower == rint(b.lower) && fabs(b.lower) < 1000)
		return whole_power(a, b.lower);
	if (range_is_point(b))
		a.lower = Max(a.lower, 0);
	if (a.lower > a.upper || a.lower < 0)
		return range_everything();
	if (a.lower == 0 && b.lower < 0)
	{
		if (!(a.step > 0) || a.upper < a.step || b.upper >= 0)
			return range_everything();
		a.lower = a.step;
	}
	return corners(pow, a, b);
}

/* A logarithm, of what is positive. */
static Range
logarithm(double (*function) (double), Range a)
{
	if (a.lower <= 0 && a.step > 0 && a.upper >= a.step)
		a.lower = a.step;
	if (a.upper <= 0)
		return range_everything();
	return checked(a.lower > 0 ? function(a.lower) : -INFINITY, function(a.upper), 0);
}

/* log(base, x) */
static Range
logarithm_to(Range base, Range x)
{
	Range		result = logarithm(log, x);
	double		divisor = log(base.lower);

	if (!range_is_point(base) || !(base.lower > 0) || base.lower == 1)
		return range_everything();
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
	return checked(Min(a.lower, floor(a.lower / unit) * unit),
				   Max(a.upper, ceil(a.upper / unit) * unit), unit);
}

static double
sign(double x)
{
	return x > 0 ? 1 : x < 0 ? -1 : 0;
}

/* x, or the root of 0 below it. */
static double
root(double x)
{
	return sqrt(Max(x, 0));
}

/* Functions that never fall: their ends follow from the ends of their argument. */
static const struct
{
	const char *name;
	double		(*function) (double);
	double		step;
}			rising[] =
{
	{"sqrt", root, 0}, {"dsqrt", root, 0}, {"cbrt", cbrt, 0}, {"dcbrt", cbrt, 0},
	{"exp", exp, 0}, {"dexp", exp, 0}, {"atan", atan, 0}, {"sign", sign, 1},
	{"floor", floor, 1}, {"ceil", ceil, 1}, {"ceiling", ceil, 1}, {"trunc", trunc, 1}
};

/* A function of one number by its name; operators of signs end as int4um and int4abs do. */
static Range
unary(const char *name, Range a)
{
	for (int i = 0; i < (int) lengthof(rising); i++)
	{
		if (strcmp(name, rising[i].name) == 0)
			return checked(rising[i].function(a.lower), rising[i].function(a.upper),
						   rising[i].step);
	}
	if (strcmp(name, "round") == 0 || strcmp(name, "int2") == 0 ||
		strcmp(name, "int4") == 0 || strcmp(name, "int8") == 0)
		return checked(floor(a.lower), ceil(a.upper), 1);
	if (strcmp(name, "float4") == 0)
		return checked((float) a.lower, (float) a.upper, a.step >= 1 ? a.step : 0);
	if (strcmp(name, "float8") == 0 || strcmp(name, "numeric") == 0)
		return a;
	if (strcmp(name, "ln") == 0 || strcmp(name, "dlog1") == 0)
		return logarithm(log, a);
	if (strcmp(name, "log") == 0 || strcmp(name, "log10") == 0 || strcmp(name, "dlog10") == 0)
		return logarithm(log10, a);
	if (strcmp(name, "sin") == 0 || strcmp(name, "cos") == 0 || strcmp(name, "sind") == 0 ||
		strcmp(name, "cosd") == 0)
		return (Range) {-1, 1, 0};
	return range_everything();
}

/* A sign, or the distance from 0. */
static Range
signed_unary(char operation, Range a)
{
	switch (operation)
	{
		case 'n':
			return checked(-a.upper, -a.lower, a.step);
		case '@':
			return checked(a.lower <= 0 && a.upper >= 0 ? 0 : Min(fabs(a.lower), fabs(a.upper)),
						   Max(fabs(a.lower), fabs(a.upper)), a.step);
		default:
			return a;
	}
}

/*
 * The operation that a built-in function of numbers does, from the end of its name, as in int4pl,
 * float84mul, numeric_sub, int8um; 0 if none.
 */
static char
operation_of(const char *name)
{
	static const struct
	{
		const char *suffix;
		char		operation;
	}			operations[] = {
		{"pl", '+'}, {"_add", '+'}, {"mi", '-'}, {"_sub", '-'}, {"mul", '*'},
		{"div", '/'}, {"mod", '%'}, {"pow", '^'}, {"power", '^'}, {"um", 'n'},
		{"_uminus", 'n'}, {"abs", '@'}, {"up", '='}, {"_uplus", '='}
	};
	Size		length = strlen(name);

	for (int i = 0; i < (int) lengthof(operations); i++)
	{
		Size		suffix = strlen(operations[i].suffix);

		if (length >= suffix && strcmp(name + length - suffix, operations[i].suffix) == 0)
			return operations[i].operation;
	}
	return 0;
}

/* A function of two numbers. */
static Range
binary(const char *name, Range a, Range b, bool integer)
{
	if (strcmp(name, "round") == 0 || strcmp(name, "trunc") == 0)
		return rounded_to(a, b);
	if (strcmp(name, "log") == 0 || strcmp(name, "numeric_log") == 0)
		return logarithm_to(a, b);
	switch (operation_of(name))
	{
		case '+':
			return checked(a.lower + b.lower, a.upper + b.upper, common_step(a, b));
		case '-':
			return checked(a.lower - b.upper, a.upper - b.lower, common_step(a, b));
		case '*':
			return multiply(a, b);
		case '/':
			return divide(a, b, integer || strcmp(name, "div") == 0);
		case '%':
			return modulo(a, b);
		case '^':
			return power(a, b);
		default:
			return range_everything();
	}
}

/*
 * What a built-in function of the name returns for numbers within the intervals; everything if
 * nothing is known about it.  integer: its type has whole numbers alone.
 */
Range
range_of_call(const char *name, const Range *args, int nargs, bool integer)
{
	Range		result = range_everything();
	char		operation = operation_of(name);

	if (nargs == 1)
		result = operation != 0 && strchr("n@=", operation) ?
			signed_unary(operation, args[0]) : unary(name, args[0]);
	else if (nargs == 2)
		result = binary(name, args[0], args[1], integer);
	if (integer)
		result.step = Max(result.step, 1);
	return result;
}
