/*
 * digits.c
 *		How many digits of a number are shown.
 *
 * A sum of prices is a number of cents, and noise beyond them says nothing.  How many digits there
 * are follows from the argument's type and from bounds, never from rows, so rounding is
 * post-processing and the same in all groups.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "spec/digits.h"
#include "spec/domain.h"
#include "spec/spec.h"

/*
 * The last digit that is shown is at most this share of the width of bounds.  With an epsilon of
 * 1 the average of ten million values errs by ten times as much.
 */
#define SMALLEST_SHARE 1e-8

/* From here on doubles have no digits after the point. */
#define LARGEST_FRACTION 4503599627370496.0

/* Most digits after the point that a width asks for. */
#define MOST_DIGITS 100

/*
 * How many digits after the point are shown of a number whose bounds are so far apart, negative if
 * tens and hundreds are not; DP_ALL_DIGITS if it is not rounded.
 */
int
digits_count(const SpecDigits *digits, double width)
{
	double		least;

	switch (digits->rounding)
	{
		case SPEC_ROUND_SCALE:
			return digits->scale;
		case SPEC_ROUND_WIDTH:
			least = width > 0 ? ceil(-log10(width * SMALLEST_SHARE)) : 0;
			return (int) Max(Max(Min(least, MOST_DIGITS), 0), digits->scale);
		default:
			return DP_ALL_DIGITS;
	}
}

/* A number with so many digits after the point: the nearest, or for ends of intervals the next outward. */
double
digits_round(double value, int count, SpecEnd end)
{
	double		unit = pow(10, abs(count));
	double		steps = count >= 0 ? value * unit : value / unit;

	if (count == DP_ALL_DIGITS || !(fabs(steps) < LARGEST_FRACTION))
		return value;
	steps = end == SPEC_END_LOW ? floor(steps) : end == SPEC_END_HIGH ? ceil(steps) : rint(steps);
	return count >= 0 ? steps / unit : steps * unit;
}

/*
 * domain_datum() of a number that has been rounded to so many digits.  A numeric shows these, also
 * where they are zeros.
 */
Datum
digits_datum(Oid type, double value, int count)
{
	if (type != NUMERICOID || count == DP_ALL_DIGITS || !isfinite(value))
		return domain_datum(type, value);
	return DirectFunctionCall3(numeric_in,
							   CStringGetDatum(psprintf("%.*f", Max(count, 0), value)),
							   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
}
