/*
 * gaussian.c
 *		The discrete Gaussian, drawn exactly.
 *
 * P(z) is proportional to exp(-z^2 / (2 sigma^2)) on all integers z.  After Canonne, Kamath
 * and Steinke, "The Discrete Gaussian for Differential Privacy" (2020): added to each
 * coordinate of an integer vector that an individual moves by at most D in the Euclidean
 * norm, it is D^2 / (2 sigma^2)-zCDP (their Theorem 14).  Their variance is at most
 * sigma^2 (Corollary 9).
 *
 * Drawing z (their Algorithm 3, for any whole t >= 1 in place of floor(sigma) + 1).  Y has
 * weight exp(-|y|/t) on the integers and is kept with probability
 * exp(-(|y| - sigma^2/t)^2 / (2 sigma^2)); the product of the two is
 *
 *		exp(-y^2 / (2 sigma^2)) * exp(-sigma^2 / (2 t^2)),
 *
 * the weight wanted and a constant.
 *
 * Why 128 bits are enough.  A whole sigma takes t = sigma: the exponent of the coin is
 * (|y| - sigma)^2 / (2 sigma^2) with sigma <= 2^49, a denominator of at most 2^99
 * (DP_RATE_MAX_DENOMINATOR is 2^100); |y| < (2^10 + 1) sigma (bernoulli.c), so the numerator
 * is below 2^119.  A sigma of s/P, P = 2^10, takes t = max(1, floor(sigma)) and
 *
 *		(|y| t P^2 - s^2)^2 / (2 s^2 t^2 P^2)
 *
 * with s <= 2^20 and t <= 2^10: the denominator is at most 2^81, |y| is below 2^21 and the
 * numerator below 2^102.
 *
 * How often Y is kept.  The weights of Y sum to less than 2t + 1, those of z to more than
 * sigma sqrt(2 pi) (Poisson's formula has positive terms only), hence more than
 * exp(-sigma^2 / (2 t^2)) sigma sqrt(2 pi) / (2t + 1) of the tries succeed: at sigma >= 1, where
 * t <= sigma < 2t, more than e^-2 * 2.5 / 3 > 0.11, and at sigma < 1, where y = 0 has weight 1,
 * more than e^-(1/2) / 2.2 > 0.27.  DP_RANDOM_MAX_TRIES failures in a row have probability
 * below 2^-170; they are an error that depends on no data.
 */
#include <openssl/crypto.h>

#include "mechanism/bernoulli.h"
#include "mechanism/gaussian.h"

/* Y: weight exp(-|y|/t) on the integers.  Zero has two signs, of which one is drawn again. */
static dp_status
draw_laplace(dp_random *rng, dp_uint128 t, dp_uint128 *size, bool *negative)
{
	for (int tries = 0; tries < DP_RANDOM_MAX_TRIES; tries++)
	{
		uint64_t	bits;
		dp_status	status = dp_random_u64(rng, &bits);

		if (status == DP_OK)
			status = dp_geometric(rng, 1, t, size);
		*negative = (bits & 1) == 1;
		if (status != DP_OK || *size > 0 || !*negative)
			return status;
	}
	return DP_ERR_RANDOM;
}

/*
 * The variable with sigma = s/parts, in *z: *unit is the number of steps of the coin's
 * numerator for one of Y, centre that of sigma^2/t, and q the coin's denominator.
 */
static dp_status
draw(dp_random *rng, dp_uint128 t, dp_uint128 unit, dp_uint128 centre, dp_uint128 q, dp_int128 *z)
{
	*z = 0;
#ifdef DP_FAULT_NOISELESS
	return DP_OK;
#endif
	for (int tries = 0; tries < DP_RANDOM_MAX_TRIES; tries++)
	{
		dp_uint128	size;
		dp_uint128	off;
		bool		negative;
		bool		keep = false;
		dp_status	status = draw_laplace(rng, t, &size, &negative);

		if (status == DP_OK)
		{
			off = size * unit > centre ? size * unit - centre : centre - size * unit;
			status = dp_bernoulli_exp(rng, off * off, q, &keep);
		}
		if (keep)
			*z = negative ? -(dp_int128) size : (dp_int128) size;
		OPENSSL_cleanse(&size, sizeof(size));
		OPENSSL_cleanse(&off, sizeof(off));
		if (status != DP_OK || keep)
			return status;
	}
	return DP_ERR_RANDOM;
}

/*
 * dp_gaussian_draw
 *		A discrete Gaussian of a whole sigma, in *z.
 *
 * sigma in 1 .. DP_GAUSSIAN_MAX_SIGMA, else DP_ERR_RANGE.  |z| is below 2^60.  DP_ERR_RANDOM
 * if the source failed.  *z is 0 on error.
 */
dp_status
dp_gaussian_draw(dp_random *rng, int64_t sigma, dp_int128 *z)
{
	dp_uint128	s = (dp_uint128) sigma;

	*z = 0;
	if (sigma < 1 || sigma > DP_GAUSSIAN_MAX_SIGMA)
		return DP_ERR_RANGE;
	return draw(rng, s, 1, s, 2 * s * s, z);
}

/*
 * dp_gaussian_draw_parts
 *		A discrete Gaussian with sigma = parts / DP_GAUSSIAN_PARTS, in *z.
 *
 * For lattices that are not much finer than sigma.  parts in 1 .. DP_GAUSSIAN_PARTS^2, else
 * DP_ERR_RANGE.  |z| is below 2^21.  DP_ERR_RANDOM if the source failed.  *z is 0 on error.
 */
dp_status
dp_gaussian_draw_parts(dp_random *rng, int64_t parts, dp_int128 *z)
{
	const dp_uint128 whole = DP_GAUSSIAN_PARTS;
	dp_uint128	s = (dp_uint128) parts;
	dp_uint128	t = parts < DP_GAUSSIAN_PARTS ? 1 : s / whole;

	*z = 0;
	if (parts < 1 || parts > (int64_t) DP_GAUSSIAN_PARTS * DP_GAUSSIAN_PARTS)
		return DP_ERR_RANGE;
	return draw(rng, t, t * whole * whole, s * s, 2 * s * s * t * t * whole * whole, z);
}
