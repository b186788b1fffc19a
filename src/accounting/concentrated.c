/*
 * concentrated.c
 *		Zero-concentrated differential privacy: rho as an integer, and what it means.
 *
 * A mechanism is rho-zCDP if for all alpha > 1 the Renyi divergence of order alpha between
 * its outputs on neighbours is at most alpha * rho (Bun and Steinke 2016).  Then rho adds
 * up, also where each mechanism is chosen after the outputs of those before it, and a
 * filter that stops when the sum would pass a bound fixed beforehand keeps that bound
 * (Whitehouse, Ramdas, Rogers and Wu 2023).
 *
 * epsilon-DP implies epsilon^2/2-zCDP (Bun and Steinke, Proposition 1.4), and epsilon-zCDP, which is
 * less from 2 upwards, for no divergence is greater than epsilon.  (epsilon, delta)-DP implies the
 * same but for an event of probability delta, and these add up (Bun and Steinke, section 8).  And rho-zCDP
 * implies (epsilon, delta)-DP for every alpha > 1 with
 *
 *		epsilon = alpha rho + (log(1/delta) - log alpha) / (alpha - 1) + log(1 - 1/alpha)
 *
 * (Canonne, Kamath and Steinke 2020, Proposition 12, solved for epsilon).  Any alpha gives a
 * true statement, so a minimum that is found roughly is a bound as well.  Only the rounding of
 * doubles is left: all terms together are below 2^60 units of their last place, and a slack
 * covers that.
 */
#include <math.h>

#include "accounting/concentrated.h"
#include "accounting/units.h"
#include "mechanism/noise.h"

/* Relative slack on what doubles compute, far above their rounding. */
#define SLACK 1e-12

/* Steps of the search for alpha: each leaves 0.618 of the range of log(alpha - 1). */
#define SEARCH_STEPS 90

/*
 * dp_rho_of_epsilon
 *		rho of an epsilon-DP mechanism, in 1e-12, rounded up: the lesser of epsilon^2/2 and epsilon.
 *
 * epsilon_nano in 1 .. DP_MAX_EPSILON_NANO, else DP_ERR_RANGE and *rho_pico is 0.
 */
dp_status
dp_rho_of_epsilon(int64_t epsilon_nano, int64_t *rho_pico)
{
	/* (n 1e-9)^2 / 2 in units of 1e-12 */
	const dp_uint128 units = 2000000;
	dp_uint128	square = (dp_uint128) epsilon_nano * (dp_uint128) epsilon_nano;

	*rho_pico = 0;
	if (epsilon_nano < DP_MIN_EPSILON_NANO || epsilon_nano > DP_MAX_EPSILON_NANO)
		return DP_ERR_RANGE;
	*rho_pico = epsilon_nano > 2 * DP_NANO ? epsilon_nano * (DP_PICO / DP_NANO) :
		(int64_t) ((square + units - 1) / units);
	return DP_OK;
}

/*
 * dp_rho_conversion_delta
 *		The part of an account's delta at which its rho means an epsilon: one half, rounded up.
 *		The rest is what gates may spend.
 */
int64_t
dp_rho_conversion_delta(int64_t delta_limit)
{
	return delta_limit - delta_limit / 2;
}

/*
 * dp_epsilon_of_rho
 *		The largest epsilon, in 1e-9, of one release that costs at most rho, in 1e-12.
 *
 * rho_pico is not negative; at most DP_MAX_EPSILON_NANO; 0 if none costs so little.
 */
int64_t
dp_epsilon_of_rho(int64_t rho_pico)
{
	int64_t		low = 0;
	int64_t		high = DP_MAX_EPSILON_NANO;

	while (low < high)
	{
		int64_t		middle = high - (high - low) / 2;
		int64_t		rho;

		if (dp_rho_of_epsilon(middle, &rho) == DP_OK && rho <= rho_pico)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

/* epsilon at alpha = 1 + e^x. */
static double
epsilon_at(double rho, double log_delta, double x)
{
	double		above = exp(x);

	return rho * (1.0 + above) - (log_delta + log1p(above)) / above - log1p(exp(-x));
}

/* The least epsilon over alpha, by golden sections of log(alpha - 1). */
static double
least_epsilon(double rho, double log_delta)
{
	const double section = 0.5 * (sqrt(5.0) - 1.0);
	double		low = -60.0;
	double		high = 60.0;
	double		a = high - section * (high - low);
	double		b = low + section * (high - low);
	double		at_a = epsilon_at(rho, log_delta, a);
	double		at_b = epsilon_at(rho, log_delta, b);

	for (int i = 0; i < SEARCH_STEPS; i++)
	{
		if (at_a < at_b)
		{
			high = b;
			b = a;
			at_b = at_a;
			a = high - section * (high - low);
			at_a = epsilon_at(rho, log_delta, a);
		}
		else
		{
			low = a;
			a = b;
			at_a = at_b;
			b = low + section * (high - low);
			at_b = epsilon_at(rho, log_delta, b);
		}
	}
	return fmin(at_a, at_b);
}

/*
 * dp_rho_to_epsilon
 *		The epsilon for which rho-zCDP implies (epsilon, delta)-DP, in 1e-9, rounded up.
 *
 * rho_pico in 0 .. DP_MAX_RHO_PICO, delta_atto in 1 .. DP_ATTO - 1; otherwise DP_ERR_RANGE and
 * *epsilon_nano is 0.  Nothing is spent at rho 0, whatever delta.
 */
dp_status
dp_rho_to_epsilon(int64_t rho_pico, int64_t delta_atto, int64_t *epsilon_nano)
{
	double		rho = (double) rho_pico * 1e-12 * (1.0 + SLACK);
	double		epsilon;

	*epsilon_nano = 0;
	if (rho_pico < 0 || rho_pico > DP_MAX_RHO_PICO || delta_atto < 1 || delta_atto >= DP_ATTO)
		return DP_ERR_RANGE;
	if (rho_pico == 0)
		return DP_OK;
	epsilon = least_epsilon(rho, log((double) delta_atto * 1e-18 * (1.0 - SLACK)));
	if (epsilon > 0.0)
		*epsilon_nano = (int64_t) ceil(epsilon * 1e9 * (1.0 + SLACK) + SLACK * 1e9);
	return DP_OK;
}

/*
 * dp_rho_within
 *		The largest rho, in 1e-12, that implies (epsilon, delta)-DP.
 *
 * epsilon_nano in 0 .. INT64_MAX, delta_atto as above; otherwise DP_ERR_RANGE and *rho_pico is 0.
 * At most DP_MAX_RHO_PICO.  Found by bisection: dp_rho_to_epsilon of the result is within
 * epsilon_nano, whether or not it is monotone in its last digit.
 */
dp_status
dp_rho_within(int64_t epsilon_nano, int64_t delta_atto, int64_t *rho_pico)
{
	int64_t		low = 0;
	int64_t		high = DP_MAX_RHO_PICO;

	*rho_pico = 0;
	if (epsilon_nano < 0 || delta_atto < 1 || delta_atto >= DP_ATTO)
		return DP_ERR_RANGE;
	while (low < high)
	{
		int64_t		middle = high - (high - low) / 2;
		int64_t		epsilon;
		dp_status	status = dp_rho_to_epsilon(middle, delta_atto, &epsilon);

		if (status != DP_OK)
			return status;
		if (epsilon <= epsilon_nano)
			low = middle;
		else
			high = middle - 1;
	}
	*rho_pico = low;
	return DP_OK;
}
