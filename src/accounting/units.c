/*
 * units.c
 *		Conversions of privacy loss to integers, and sums that cannot overflow.
 *
 * A caller states epsilon and delta as doubles.  All that happens then, the noise,
 * the gate and the price in the ledger, uses one and the same integer.  Prices are
 * rounded up: what is charged is never less than what was asked for.
 *
 * But few decimal fractions are doubles: 0.1 is stored as a number a little
 * above it.  Who writes 0.1 means 0.1, and ten releases at epsilon 0.1 are to
 * fit a limit of 1.  So a double that is the nearest one to a whole number of
 * units costs exactly that number, even where it lies a trifle above.  Any other
 * is rounded up to the next unit.
 *
 * "Nearest" is tested by a division: the quotient of two integers that doubles
 * hold is the double nearest to the fraction.  Rounding up is done with the
 * double's integer mantissa.
 */
#include <math.h>
#include <stdio.h>

#include "accounting/units.h"
#include "mechanism/noise.h"

/* Decimal fractions of delta that a double from 0.001 upwards still carries. */
#define DECIMALS INT64_C(1000000000000000)

/*
 * The least integer that is not less than x * units.  x is positive and below 2048,
 * units at most 2^60, and x * units below 2^63.  So the product of the mantissa, of 53
 * bits, and units fits into 128 bits, and what is left of it after the shift into 64.
 */
static int64_t
units_above(double x, int64_t units)
{
	int			exponent;
	dp_uint128	product = (dp_uint128) ldexp(frexp(x, &exponent), 53);
	int			shift = 53 - exponent;
	dp_uint128	whole;

	product *= (dp_uint128) units;
	if (shift >= 128)
		return 1;
	whole = product >> shift;
	return (int64_t) whole + ((whole << shift) != product ? 1 : 0);
}

/*
 * The number n of units for which x is the double nearest to n / units; 0 if there is
 * none.  units, and every such n, must be numbers that doubles hold.
 */
static int64_t
units_meant(double x, int64_t units)
{
	int64_t		nearest = llround(x * (double) units);

	return (double) nearest / (double) units == x ? nearest : 0;
}

/*
 * dp_epsilon_from_double
 *		The number of nano-epsilons (1e-9) that epsilon costs, in *nano: the number that
 *		epsilon is the nearest double to, or else the next one above epsilon.
 *
 * epsilon is in [1e-9, 1000].  DP_ERR_RANGE, with *nano = 0, if it is NaN or
 * outside the range, also after rounding (DP_MIN_EPSILON_NANO ..
 * DP_MAX_EPSILON_NANO).
 */
dp_status
dp_epsilon_from_double(double epsilon, int64_t *nano)
{
	int64_t		units;

	*nano = 0;
	/* Written so that NaN fails. */
	if (!(epsilon >= 1e-9 && epsilon <= 1000.0))
		return DP_ERR_RANGE;
	units = units_meant(epsilon, DP_NANO);
	if (units == 0)
		units = units_above(epsilon, DP_NANO);
	if (units < DP_MIN_EPSILON_NANO || units > DP_MAX_EPSILON_NANO)
		return DP_ERR_RANGE;
	*nano = units;
	return DP_OK;
}

/*
 * dp_delta_from_double
 *		The number of atto-deltas (1e-18) that delta costs, in *atto: the number that
 *		delta is the nearest double to, or else the next one above delta.
 *
 * delta is in [1e-18, 1).  DP_ERR_RANGE, with *atto = 0, if it is NaN, outside
 * the range, or 1 after rounding.
 *
 * From 0.001 upwards doubles lie further apart than attos, so that each is the nearest
 * one to several of them.  There delta is compared with decimal fractions of 15 places,
 * which doubles do tell apart (0.3 is stored as 0.299999999999999989).
 */
dp_status
dp_delta_from_double(double delta, int64_t *atto)
{
	int64_t		units;

	*atto = 0;
	if (!(delta >= 1e-18 && delta < 1.0))
		return DP_ERR_RANGE;
	if (delta >= 0.001)
		units = units_meant(delta, DECIMALS) * (DP_ATTO / DECIMALS);
	else
		units = units_meant(delta, DP_ATTO);
	if (units == 0)
		units = units_above(delta, DP_ATTO);
	if (units < 1 || units >= DP_ATTO)
		return DP_ERR_RANGE;
	*atto = units;
	return DP_OK;
}

/*
 * dp_units_text
 *		A non-negative amount as text in plain units, without zeros at its end: "0.5",
 *		"10", "0.00000001".  digits is the number of decimals of the unit: 9 for
 *		nano-epsilon, 12 for pico-rho, 18 for atto-delta.
 */
void
dp_units_text(int64_t amount, int digits, char text[DP_UNITS_TEXT])
{
	int64_t		units = digits == 9 ? DP_NANO : digits == 12 ? DP_PICO : DP_ATTO;
	int			length = snprintf(text, DP_UNITS_TEXT, "%lld.%0*lld", (long long) (amount / units),
								  digits, (long long) (amount % units));

	while (text[length - 1] == '0')
		text[--length] = '\0';
	if (text[length - 1] == '.')
		text[--length] = '\0';
}

/*
 * dp_loss_add
 *		a + b in *sum, for two losses in the same unit.
 *
 * DP_ERR_RANGE, leaving *sum alone, if one is negative or the sum overflows.
 */
dp_status
dp_loss_add(int64_t a, int64_t b, int64_t *sum)
{
	if (a < 0 || b < 0 || a > INT64_MAX - b)
		return DP_ERR_RANGE;
	*sum = a + b;
	return DP_OK;
}

/*
 * dp_loss_add_saturated
 *		a + b, for two losses in the same unit that are not negative; INT64_MAX if the sum is
 *		greater, which fits into no limit below that.
 */
int64_t
dp_loss_add_saturated(int64_t a, int64_t b)
{
	return a > INT64_MAX - b ? INT64_MAX : a + b;
}

/*
 * dp_loss_share
 *		part / whole of an amount, rounded down, so that the shares of parts that add up to
 *		the whole at most add up to the amount at most.
 *
 * amount >= 0, 1 <= part <= whole; else 0.
 */
int64_t
dp_loss_share(int64_t amount, int64_t part, int64_t whole)
{
	if (amount < 0 || part < 1 || part > whole)
		return 0;
	return (int64_t) ((dp_uint128) amount * (dp_uint128) part /
					  (dp_uint128) whole);
}

/*
 * dp_loss_left
 *		What is left of a limit, at least 0: a limit may have been set below what is spent.
 */
int64_t
dp_loss_left(int64_t limit, int64_t spent)
{
	return limit > spent ? limit - spent : 0;
}

/*
 * dp_loss_fits
 *		Whether spent + price <= limit, computed without overflow.
 *
 * A negative argument never fits: a loss cannot be handed back.
 */
bool
dp_loss_fits(int64_t limit, int64_t spent, int64_t price)
{
	if (limit < 0 || spent < 0 || price < 0)
		return false;
	return spent <= limit && price <= limit - spent;
}
