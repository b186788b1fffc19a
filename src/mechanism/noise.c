/*
 * noise.c
 *		The joint noise of all numeric outputs of a group, drawn exactly.
 *
 * A release adds to the d coordinates of a group one vector z of the integer
 * lattice with P(z) proportional to exp(-a * max_i |z_i|): the K-norm mechanism
 * of Hardt and Talwar (2010) for the cube, the best of its kind when one
 * individual may move every coordinate by the full sensitivity (Awan and
 * Slavkovic 2021).  If an individual moves no coordinate by more than DP_SCALE
 * lattice units, in no more than `groups` groups, the rate
 *
 *		a = epsilon / (groups * DP_SCALE)		per lattice unit
 *
 * makes the release epsilon-DP: by the triangle inequality the density changes
 * by a factor of at most e^(a * DP_SCALE) per group.  Nothing here is rounded
 * or in floating point, except the standard deviation reported to callers.
 */
#include <math.h>
#include <string.h>

#include <openssl/crypto.h>

#include "mechanism/bernoulli.h"
#include "mechanism/noise.h"
#include "mechanism/noise_internal.h"

/* By the algorithm of Euclid; at least one of the two is not 0. */
static dp_uint128
greatest_common_divisor(dp_uint128 a, dp_uint128 b)
{
	while (b != 0)
	{
		dp_uint128	rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* Sum of `terms` geometric variables of rate p/q: below 66 * 2^110 < 2^117. */
static dp_status
negative_binomial(dp_random *rng, dp_uint128 p, dp_uint128 q, int terms,
				  dp_uint128 *sum)
{
	*sum = 0;
	for (int i = 0; i < terms; i++)
	{
		dp_uint128	term;
		dp_status	status = dp_geometric(rng, p, q, &term);

		if (status != DP_OK)
			return status;
		*sum += term;
	}
	return DP_OK;
}

/* *accepted with probability prod_{i=1..d} (2 radius + 1)/(2 radius + 2i). */
static dp_status
accept_radius(dp_random *rng, dp_uint128 radius, int d, bool *accepted)
{
	*accepted = true;
	for (int i = 1; i <= d && *accepted; i++)
	{
		dp_status	status = dp_bernoulli(rng, 2 * radius + 1,
										  2 * radius + 2 * (dp_uint128) i,
										  accepted);

		if (status != DP_OK)
			return status;
	}
	return DP_OK;
}

/* The radius R of the cube: weight (2R + 1)^d exp(-R p/q), R = 0, 1, 2, ... */
static dp_status
draw_radius(dp_random *rng, dp_uint128 p, dp_uint128 q, int d,
			dp_uint128 *radius)
{
	for (int tries = 0; tries < DP_RANDOM_MAX_TRIES; tries++)
	{
		bool		accepted;
		dp_status	status = negative_binomial(rng, p, q, d + 1, radius);

		if (status != DP_OK)
			return status;
		status = accept_radius(rng, *radius, d, &accepted);
		if (status != DP_OK)
			return status;
		if (accepted)
			return DP_OK;
	}
	return DP_ERR_RANDOM;
}

/*
 * dp_noise_draw_rate
 *		z[0 .. d-1] with P(z) proportional to exp(-(p/q) * max_i |z_i|), exactly.
 *
 * Why this is the law.  Draw R with weight (2R+1)^d e^(-aR), a = p/q, then z
 * uniformly among the (2R+1)^d points of the cube [-R, R]^d.  A point z of
 * norm r lies in the cubes of radius r, r+1, ..., so
 *
 *		P(z) = c * sum_{R >= r} (2R+1)^d e^(-aR) / (2R+1)^d
 *			 = c * e^(-ar) / (1 - e^(-a)),
 *
 * proportional to e^(-a r).  R is drawn by rejection from the sum of d+1
 * geometric variables of rate a, whose weight is
 * C(R+d, d) e^(-aR) = (R+1)(R+2)...(R+d)/d! * e^(-aR).  The quotient of the
 * two weights is, up to a constant,
 *
 *		(2R+1)^d / ((2R+2)(2R+4)...(2R+2d)) = prod_{i=1..d} (2R+1)/(2R+2i),
 *
 * a product of d probabilities: d coins, all of which must succeed.
 *
 * How often R is accepted.  At least with probability
 * 1 - sum_{i=1..d} (2i-1)/(2R+2i) > 1 - d^2/(2R).  For dp_noise_draw
 * a <= 1000/2^30 < 2^-20, so that the first geometric variable alone is below
 * 2^14 with a probability of less than 2^14 * a < 2^-6; with R >= 2^14 and
 * d <= 65, acceptance is above 1 - 4225/2^15 > 0.87.  More than 0.85 in all:
 * DP_RANDOM_MAX_TRIES failures in a row have probability below 2^-2800.  With
 * the bounds of bernoulli.c and random.c, a sound source makes a draw fail
 * with probability below 2^-1000.  (A coarse rate at a high d has R small and
 * rejects often; only tests use coarse rates, at a small d.)
 *
 * p >= 1, 1 <= q <= DP_RATE_MAX_DENOMINATOR, d in 1 .. DP_MAX_DIMENSIONS;
 * otherwise DP_ERR_RANGE.  R < 2^117, so 2R+2d and every z_i fit.
 * DP_ERR_RANDOM if the source failed.  z is all zero on error, unless d is out
 * of range (then it is not touched).
 */
dp_status
dp_noise_draw_rate(dp_random *rng, dp_uint128 p, dp_uint128 q, int d,
				   dp_int128 *z)
{
	dp_uint128	radius;
	dp_status	status;

	if (d < 1 || d > DP_MAX_DIMENSIONS)
		return DP_ERR_RANGE;
	memset(z, 0, sizeof(*z) * (size_t) d);
#ifdef DP_FAULT_NOISELESS
	return DP_OK;
#endif

	status = draw_radius(rng, p, q, d, &radius);
	for (int i = 0; i < d && status == DP_OK; i++)
	{
		dp_uint128	offset;

		status = dp_random_below(rng, 2 * radius + 1, &offset);
		z[i] = (dp_int128) offset - (dp_int128) radius;
	}
	OPENSSL_cleanse(&radius, sizeof(radius));
	if (status != DP_OK)
		OPENSSL_cleanse(z, sizeof(*z) * (size_t) d);
	return status;
}

/* Whether the parameters of a release are within their documented ranges. */
static bool
parameters_in_range(int64_t epsilon_nano, int64_t groups, int d)
{
	return epsilon_nano >= DP_MIN_EPSILON_NANO &&
		epsilon_nano <= DP_MAX_EPSILON_NANO &&
		groups >= 1 && groups <= DP_MAX_GROUPS &&
		d >= 1 && d <= DP_MAX_DIMENSIONS;
}

/*
 * dp_noise_draw
 *		The noise of one group: z[0 .. d-1], in lattice units (DP_SCALE of them
 *		are one individual).
 *
 * epsilon_nano (1e-9) is the epsilon of the whole vector, over all the groups
 * an individual may appear in: DP_MIN_EPSILON_NANO .. DP_MAX_EPSILON_NANO.
 * groups is that number of groups, 1 .. DP_MAX_GROUPS; d the number of
 * coordinates, 1 .. DP_MAX_DIMENSIONS.  Otherwise DP_ERR_RANGE, and z is not
 * touched.  DP_ERR_RANDOM if the source failed; z is then all zero and must
 * not be used.
 */
dp_status
dp_noise_draw(dp_random *rng, int64_t epsilon_nano, int64_t groups, int d,
			  dp_int128 *z)
{
	dp_uint128	p;
	dp_uint128	q;
	dp_uint128	divisor;

	if (!parameters_in_range(epsilon_nano, groups, d))
		return DP_ERR_RANGE;

	/* q <= 10^9 * 10^6 * 2^30 < 2^80. */
	p = (dp_uint128) epsilon_nano;
	q = (dp_uint128) 1000000000 * (dp_uint128) groups * (dp_uint128) DP_SCALE;
#ifdef DP_FAULT_NOISE_SCALE
	p *= 5;						/* 1/0.8 */
	q *= 4;
#endif
	/* A smaller denominator needs fewer random bits; the rate is the same. */
	divisor = greatest_common_divisor(q, p);
	return dp_noise_draw_rate(rng, p / divisor, q / divisor, d, z);
}

/*
 * dp_noise_stddev
 *		Standard deviation of one coordinate of dp_noise_draw, in individuals.
 *
 * Parameters and ranges as for dp_noise_draw; NaN outside them.  In the
 * continuous law a coordinate is R * V with aR a Gamma(d+1) variable and V
 * uniform in [-1, 1], so its variance is E[R^2]/3 = (d+1)(d+2)/(3 a^2).  The
 * lattice changes this by less than a millionth.
 */
double
dp_noise_stddev(int64_t epsilon_nano, int64_t groups, int d)
{
	if (!parameters_in_range(epsilon_nano, groups, d))
		return NAN;
	return sqrt((d + 1.0) * (d + 2.0) / 3.0) *
		((double) groups / ((double) epsilon_nano * 1e-9));
}
