/*
 * units.c
 *		Conversions of privacy loss to integers, and sums that cannot overflow.
 *
 * A caller states epsilon and delta as doubles; everything that happens then,
 * the noise, the gate and the price in the ledger, uses one and the same
 * integer.  So it does not matter for privacy in which direction the
 * conversion rounds: what is charged is exactly what is used.  Rounding to the
 * nearest unit is chosen because it makes decimal fractions exact, so that ten
 * releases at epsilon 0.1 fit a limit of 1.
 */
#include <math.h>

#include "accounting/units.h"
#include "mechanism/noise.h"

/*
 * dp_epsilon_from_double
 *		The nearest number of nano-epsilons (1e-9) in *nano.
 *
 * epsilon is in (0, 1000].  DP_ERR_RANGE, with *nano = 0, if it is NaN, not
 * positive, less than half a nano-epsilon or above the range
 * (DP_MIN_EPSILON_NANO .. DP_MAX_EPSILON_NANO after rounding).
 */
dp_status
dp_epsilon_from_double(double epsilon, int64_t *nano)
{
	int64_t		units;

	*nano = 0;
	/* Written so that NaN fails; the upper test keeps llround in its range. */
	if (!(epsilon > 0.0 && epsilon < 2000.0))
		return DP_ERR_RANGE;
	units = llround(epsilon * (double) DP_NANO);
	if (units < DP_MIN_EPSILON_NANO || units > DP_MAX_EPSILON_NANO)
		return DP_ERR_RANGE;
	*nano = units;
	return DP_OK;
}

/*
 * dp_delta_from_double
 *		The nearest number of atto-deltas (1e-18) in *atto.
 *
 * delta is in (0, 1).  DP_ERR_RANGE, with *atto = 0, if it is NaN, not
 * positive, less than half an atto-delta, or 1 or more after rounding.
 *
 * From 0.001 upwards the neighbours of a double are so far apart that its
 * nearest atto no longer is the decimal fraction that was written (0.3 is
 * stored as 0.299999999999999989); there the value is rounded to 15 decimal
 * places, which a double does carry.
 */
dp_status
dp_delta_from_double(double delta, int64_t *atto)
{
	int64_t		units;

	*atto = 0;
	if (!(delta > 0.0 && delta < 1.0))
		return DP_ERR_RANGE;
	if (delta >= 0.001)
		units = llround(delta * 1e15) * 1000;
	else
		units = llround(delta * (double) DP_ATTO);
	if (units < 1 || units >= DP_ATTO)
		return DP_ERR_RANGE;
	*atto = units;
	return DP_OK;
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
