/*
 * bernoulli.c
 *		Exact coins and geometric variables with rational parameters.
 *
 * After Canonne, Kamath and Steinke, "The Discrete Gaussian for Differential
 * Privacy" (2020), Algorithm 1 (Bernoulli(exp(-gamma))) and the geometric
 * variable of Algorithm 2.  Only integers are used: a floating-point logarithm
 * leaks through the gaps of its results (Mironov 2012), an integer does not.
 *
 * Why 128 bits are enough.  A rate is p/q with q <= 2^100
 * (DP_RATE_MAX_DENOMINATOR); anything else is DP_ERR_RANGE before the first
 * draw.  The rates of the noise are epsilon_nano / (10^9 * groups * 2^30) with
 * groups <= 10^6, so q <= 10^15 * 2^30 < 2^80 even before the common divisor
 * is removed.  Then
 *
 *	- the series of Bernoulli(exp(-u/q)) draws below j * q, with
 *	  j <= DP_RANDOM_MAX_TRIES = 2^10: j * q <= 2^110;
 *	- a geometric variable is a quotient of u + v * q with u < q and v < 2^10,
 *	  which is at most 2^110.  So it is below 2^110 in general, and below 2^90 for
 *	  the rates of the noise.
 *
 * The three loops (the series over j, the count v, the rejection of u) have no
 * bound in the paper.  Here each ends with DP_ERR_RANDOM after
 * DP_RANDOM_MAX_TRIES steps: the series gets there with probability
 * < 1/1023!, the count with e^-1024, the rejection with at most e^-1024, all
 * below 2^-1476.  The error does not depend on any data, and the law of what
 * is returned is within the same distance of the exact one; next to the unit
 * of delta, 10^-18 > 2^-60, this is nothing.  With a source of constant bytes
 * the error comes at once, where the loops of the paper would never end.
 *
 * The running time depends on the value drawn, as in any rejection sampler
 * (Jin, McMurtry, Rubinstein and Ohrimenko 2022).
 */
#include "mechanism/bernoulli.h"

/*
 * dp_bernoulli
 *		True with probability exactly p/q, in *out.
 *
 * 0 <= p <= q, q >= 1, both of any size; otherwise DP_ERR_RANGE.
 * DP_ERR_RANDOM if the source failed.  *out is false on error.
 */
dp_status
dp_bernoulli(dp_random *rng, dp_uint128 p, dp_uint128 q, bool *out)
{
	dp_uint128	draw;
	dp_status	status;

	*out = false;
	if (q == 0 || p > q)
		return DP_ERR_RANGE;
	status = dp_random_below(rng, q, &draw);
	if (status != DP_OK)
		return status;
	*out = draw < p;
	return DP_OK;
}

/*
 * Bernoulli(exp(-u/q)) for 0 <= u <= q <= 2^100.
 *
 * Coins with probability u/(q*1), u/(q*2), u/(q*3), ... are thrown until the
 * first that fails, the j-th: P(j > n) = (u/q)^n / n!, so j is odd with
 * probability 1 - u/q + (u/q)^2/2 - ... = exp(-u/q).
 */
static dp_status
bernoulli_exp_fraction(dp_random *rng, dp_uint128 u, dp_uint128 q, bool *out)
{
	*out = false;
	for (uint32_t j = 1; j <= DP_RANDOM_MAX_TRIES; j++)
	{
		bool		again;
		dp_status	status = dp_bernoulli(rng, u, q * j, &again);

		if (status != DP_OK)
			return status;
		if (!again)
		{
			*out = (j & 1) == 1;
			return DP_OK;
		}
	}
	return DP_ERR_RANDOM;
}

/*
 * dp_bernoulli_exp
 *		True with probability exactly exp(-p/q), in *out.
 *
 * p >= 0 of any size, 1 <= q <= DP_RATE_MAX_DENOMINATOR; otherwise
 * DP_ERR_RANGE.  DP_ERR_RANDOM if the source failed.  *out is false on error.
 *
 * exp(-p/q) is a product of floor(p/q) factors exp(-1) and one exp(-u/q) with
 * u < q; the first factor that fails decides.
 */
dp_status
dp_bernoulli_exp(dp_random *rng, dp_uint128 p, dp_uint128 q, bool *out)
{
	dp_uint128	whole;

	*out = false;
	if (q == 0 || q > DP_RATE_MAX_DENOMINATOR)
		return DP_ERR_RANGE;

	whole = p / q;
	for (int i = 0; whole > 0; i++, whole--)
	{
		bool		alive;
		dp_status	status;

		if (i == DP_RANDOM_MAX_TRIES)
			return DP_ERR_RANDOM;
		status = bernoulli_exp_fraction(rng, 1, 1, &alive);
		if (status != DP_OK || !alive)
			return status;
	}
	return bernoulli_exp_fraction(rng, p % q, q, out);
}

/*
 * dp_geometric
 *		A geometric variable of rate p/q in *out: P(X = x) is proportional to
 *		exp(-x p/q), x = 0, 1, 2, ...
 *
 * p >= 1 of any size, 1 <= q <= DP_RATE_MAX_DENOMINATOR; otherwise
 * DP_ERR_RANGE.  The result is below 2^110.  DP_ERR_RANDOM if the source
 * failed.  *out is 0 on error.
 *
 * u in [0, q) is drawn with weight exp(-u/q) by rejection (at least 1 - 1/e of
 * the candidates are kept) and v >= 0 with weight exp(-v): y = u + v * q then
 * has weight exp(-y/q) on all y >= 0, and floor(y / p) the weight wanted,
 * because every x collects the p values x*p .. x*p + p - 1.
 */
dp_status
dp_geometric(dp_random *rng, dp_uint128 p, dp_uint128 q, dp_uint128 *out)
{
	dp_uint128	u = 0;
	dp_uint128	v = 0;
	bool		keep = false;
	dp_status	status;

	*out = 0;
	if (p == 0 || q == 0 || q > DP_RATE_MAX_DENOMINATOR)
		return DP_ERR_RANGE;

	for (int tries = 0; !keep; tries++)
	{
		if (tries == DP_RANDOM_MAX_TRIES)
			return DP_ERR_RANDOM;
		status = dp_random_below(rng, q, &u);
		if (status != DP_OK)
			return status;
		status = bernoulli_exp_fraction(rng, u, q, &keep);
		if (status != DP_OK)
			return status;
	}

	for (;;)
	{
		status = bernoulli_exp_fraction(rng, 1, 1, &keep);
		if (status != DP_OK)
			return status;
		if (!keep)
			break;
		if (++v == DP_RANDOM_MAX_TRIES)
			return DP_ERR_RANDOM;
	}

	*out = (u + v * q) / p;
	return DP_OK;
}
