/*
 * whole_noise.c
 *		The noise of vectors of counts: whole numbers of individuals.
 *
 * Where an individual adds 1 or -1 to every coordinate of a group (a count is coded
 * as 2n - individuals), vectors of a group differ by points of the lattice
 *
 *		L = { z in Z^d: all z_i are even, or all are odd },
 *
 * in units of one individual.  The noise is drawn on L itself, with
 * P(z) proportional to exp(-a max_i |z_i|), a = epsilon/groups.  As v - v' is in L for
 * neighbours, o - v is in L if and only if o - v' is, and the quotient of their
 * probabilities is at most e^a by the triangle inequality: epsilon-DP, as in noise.c.
 *
 * Against the fine lattice, nothing is left to round.  A count read back, (z_0 + z_i)/2,
 * is a whole number.  At d = 1, L is Z and the law that of the discrete Laplace mechanism
 * (Ghosh, Roughgarden and Sundararajan 2009).  At d = 2, with z = (u + v, u - v), L is all
 * pairs (u, v) of whole numbers and max |z_i| = |u| + |v|: u and v are independent discrete
 * Laplace variables, one for each of the disjoint sets that are counted.  So a count of
 * values loses nothing by the count of individuals beside it.
 *
 * Drawing z.  Of the points of L in the cube of radius R, those of even coordinates are
 * E^d and those of odd ones O^d, where {E, O} = {R, R + 1}: in all
 * N(R) = R^d + (R+1)^d.  Let R have weight N(R) e^(-aR) and z be uniform among these points;
 * then P(z) is proportional to the sum of e^(-aR) over R >= max |z_i|, that is, to
 * e^(-a max |z_i|).  R is drawn by the identity of Worpitzky,
 *
 *		(R+1)^d = sum_i A(d, i) C(R - i + d, d),
 *
 * A(d, i) being the Eulerian numbers: with b_i = A(d, i) + A(d, i-1),
 *
 *		N(R) = sum_{i=0..d} b_i C(R - i + d, d).
 *
 * So R is i plus d+1 geometric variables of rate a, and i has weight b_i e^(-ai): it is
 * drawn with weight b_i, whose sum is 2 d!, and kept by a coin of probability e^(-ai).
 *
 * Thresholds and deviations are sums over R in floating point.  Nothing secret enters;
 * all terms are positive, and a slack covers their rounding.
 */
#include <math.h>
#include <string.h>

#include <openssl/crypto.h>

#include "mechanism/bernoulli.h"
#include "mechanism/noise.h"
#include "mechanism/noise_internal.h"
#include "mechanism/whole_noise.h"

/* Slack on probabilities, as in gate.c. */
#define SAFETY 1e-9

/* b_i, by d. */
static const int radius_weights[DP_WHOLE_MAX_DIMENSIONS + 1][DP_WHOLE_MAX_DIMENSIONS + 1] = {
	{0}, {1, 1}, {1, 2, 1}, {1, 5, 5, 1}, {1, 12, 22, 12, 1}
};

/*
 * dp_whole_suits
 *		May the noise of a vector with these parameters be drawn by dp_whole_draw?
 *
 * Parameters as for dp_noise_draw; false also outside of their ranges.
 */
bool
dp_whole_suits(int64_t epsilon_nano, int64_t groups, int d)
{
	return epsilon_nano <= DP_MAX_EPSILON_NANO &&
		groups >= 1 && groups <= DP_MAX_GROUPS &&
		epsilon_nano / groups >= DP_WHOLE_MIN_NANO &&
		d >= 1 && d <= DP_WHOLE_MAX_DIMENSIONS;
}

/* *i with weight b_i e^(-i p/q).  Each try succeeds with probability 1/(2 d!) at least. */
static dp_status
draw_offset(dp_random *rng, dp_uint128 p, dp_uint128 q, int d, int *i)
{
	int			sum = 0;

	for (int k = 0; k <= d; k++)
		sum += radius_weights[d][k];
	for (int tries = 0; tries < DP_RANDOM_MAX_TRIES * sum; tries++)
	{
		dp_uint128	place;
		bool		keep;
		dp_status	status = dp_random_below(rng, (dp_uint128) sum, &place);

		for (*i = 0; status == DP_OK && place >= (dp_uint128) radius_weights[d][*i]; (*i)++)
			place -= (dp_uint128) radius_weights[d][*i];
		if (status == DP_OK)
			status = dp_bernoulli_exp(rng, (dp_uint128) *i * p, q, &keep);
		if (status != DP_OK || keep)
			return status;
	}
	return DP_ERR_RANDOM;
}

/* The radius R, with weight N(R) e^(-R p/q). */
static dp_status
draw_radius(dp_random *rng, dp_uint128 p, dp_uint128 q, int d, dp_uint128 *radius)
{
	int			offset;
	dp_status	status = draw_offset(rng, p, q, d, &offset);

	*radius = 0;
	for (int i = 0; i <= d && status == DP_OK; i++)
	{
		dp_uint128	term;

		status = dp_geometric(rng, p, q, &term);
		*radius += term;
	}
	if (status == DP_OK)
		*radius += (dp_uint128) offset;
	return status;
}

/* x^d */
static dp_uint128
power(dp_uint128 x, int d)
{
	dp_uint128	result = 1;

	for (int i = 0; i < d; i++)
		result *= x;
	return result;
}

/*
 * z[0 .. d-1] uniformly among the points of L in the cube of that radius.  The radius is
 * below 2^31, but for less than e^-2^26 of draws, which are an error.
 */
static dp_status
draw_point(dp_random *rng, dp_uint128 radius, int d, dp_int128 *z)
{
	dp_uint128	place;
	dp_uint128	like;			/* numbers in -radius .. radius that are even, or odd, as
								 * radius is */
	dp_status	status;
	bool		as_radius;

	if (radius >= (dp_uint128) 1 << 31)
		return DP_ERR_RANDOM;

	/* of radius, radius - 2, ..., -radius there are radius + 1 */
	like = power(radius + 1, d);
	status = dp_random_below(rng, like + power(radius, d), &place);
	as_radius = place < like;
	for (int i = 0; i < d && status == DP_OK; i++)
	{
		dp_uint128	most = as_radius ? radius : radius - 1;

		status = dp_random_below(rng, most + 1, &place);
		z[i] = (dp_int128) most - 2 * (dp_int128) place;
	}
	OPENSSL_cleanse(&place, sizeof(place));
	return status;
}

/*
 * dp_whole_draw
 *		The noise of one group: z[0 .. d-1], in lattice units, of which it is a
 *		multiple of DP_SCALE.
 *
 * The law is at the top of this file.  Parameters as for dp_noise_draw, for which
 * dp_whole_suits; otherwise DP_ERR_RANGE, and z is not touched.  DP_ERR_RANDOM if
 * the source failed; z is then all zero and must not be used.
 */
dp_status
dp_whole_draw(dp_random *rng, int64_t epsilon_nano, int64_t groups, int d, dp_int128 *z)
{
	dp_uint128	p = (dp_uint128) epsilon_nano;
	dp_uint128	q = (dp_uint128) 1000000000 * (dp_uint128) groups;
	dp_uint128	radius = 0;
	dp_status	status;

	if (!dp_whole_suits(epsilon_nano, groups, d))
		return DP_ERR_RANGE;
	memset(z, 0, sizeof(*z) * (size_t) d);
#ifdef DP_FAULT_NOISELESS
	return DP_OK;
#endif
#ifdef DP_FAULT_NOISE_SCALE
	p *= 5;						/* 1/0.8 */
	q *= 4;
#endif
	status = draw_radius(rng, p, q, d, &radius);
	if (status == DP_OK)
		status = draw_point(rng, radius, d, z);
	for (int i = 0; i < d; i++)
		z[i] *= DP_SCALE;
	OPENSSL_cleanse(&radius, sizeof(radius));
	if (status != DP_OK)
		OPENSSL_cleanse(z, sizeof(*z) * (size_t) d);
	return status;
}

/* ----------
 * The law in floating point
 * ----------
 */

/* epsilon of one group. */
static double
group_rate(int64_t epsilon_nano, int64_t groups)
{
	return (double) epsilon_nano * 1e-9 / (double) groups;
}

/* Radii beyond first + this have less than e^-40 of the weight of those from first on. */
static int
radii(double rate, int d)
{
	return (int) ceil((60.0 + 8.0 * d) / rate);
}

/* x^n, without a call: each release computes these sums before its first group. */
static inline double
float_power(double x, int n)
{
	double		result = 1.0;

	while (n-- > 0)
		result *= x;
	return result;
}

/*
 * e^(-a radius), where that of radius + 1 is `weight` and step is e^a: one product in place of a
 * call, but for rates so large that there are few radii.
 */
static inline double
weight_below(double weight, double step, double rate, int radius)
{
	return rate < 20.0 ? weight * step : exp(-rate * radius);
}

/* N(R) and, below, sums over the points of L in the cube are these of two cubes. */
static double
cube_points(int radius, int d)
{
	return float_power(radius + 1.0, d) + float_power(radius, d);
}

/* The sum of N(R) e^(-aR). */
static double
total_weight(double rate, int d)
{
	const double step = exp(rate);
	double		weight = exp(-rate * radii(rate, d));
	double		sum = 0.0;

	for (int radius = radii(rate, d); radius >= 0; radius--)
	{
		sum += cube_points(radius, d) * weight;
		weight = weight_below(weight, step, rate, radius - 1);
	}
	return sum;
}

/* How many of most, most - 2, ..., -most are t or more, t >= 1. */
static double
numbers_from(int most, int t)
{
	return most < t ? 0.0 : (most - t) / 2 + 1;
}

/*
 * log P(z_0 >= t), t >= 1.  The factor e^(-at) is taken out of the sum, so that nothing
 * underflows.
 */
static double
log_tail(double rate, int d, int t)
{
	const double step = exp(rate);
	double		weight = exp(-rate * radii(rate, d));
	double		sum = 0.0;

	for (int radius = t + radii(rate, d); radius >= t; radius--)
	{
		sum += (numbers_from(radius, t) * float_power(radius + 1.0, d - 1) +
				numbers_from(radius - 1, t) * float_power(radius, d - 1)) * weight;
		weight = weight_below(weight, step, rate, radius - t - 1);
	}
	return log(sum / total_weight(rate, d)) - rate * t;
}

/* The least t >= 1 with log P(z_0 >= t) <= target. */
static int
tail_distance(double rate, int d, double target)
{
	int			low = 0;
	int			high = 1;

	/* at most 70 / 0.0625 and some */
	while (log_tail(rate, d, high) > target)
	{
		low = high;
		high *= 2;
	}
	while (high - low > 1)
	{
		int			middle = low + (high - low) / 2;

		if (log_tail(rate, d, middle) > target)
			low = middle;
		else
			high = middle;
	}
	return high;
}

/*
 * dp_whole_gate_threshold
 *		The threshold tau, in lattice units, for a group whose noise z is that of
 *		dp_whole_draw: it is released if its noisy count reaches tau with a number u added
 *		that is drawn uniformly from 0 .. DP_SCALE - 1 for this alone.
 *
 * As dp_gate_threshold, for parameters that dp_whole_suits; otherwise DP_ERR_RANGE, and
 * *tau is not touched.  A group of exactly `individuals` individuals passes with probability
 * at most delta', and within a few parts in 10^8 of it; tau is at least
 * individuals * DP_SCALE + 1.
 *
 * With t the least whole number such that P(z_0 >= t) <= delta', z_0 = t - 1 passes as well
 * with the probability that is left, (delta' - P(z_0 >= t)) / P(z_0 = t - 1): by u, of which
 * so many values are large enough.
 */
dp_status
dp_whole_gate_threshold(int64_t epsilon_nano, int64_t delta_atto, int64_t groups,
						int d, int64_t individuals, dp_int128 *tau)
{
	double		rate = group_rate(epsilon_nano, groups);
	double		target;
	double		at_least;		/* P(z_0 >= t) / delta' */
	double		at;				/* P(z_0 = t - 1) / delta' */
	double		left;
	int			t;

	if (!dp_whole_suits(epsilon_nano, groups, d) || delta_atto < 1 ||
		delta_atto >= INT64_C(1000000000000000000) || individuals < 1)
		return DP_ERR_RANGE;

	target = log(dp_gate_group_delta(delta_atto, groups)) - SAFETY;
	t = tail_distance(rate, d, target);
	at_least = exp(log_tail(rate, d, t) - target);
	at = t > 1 ? exp(log_tail(rate, d, t - 1) - target) - at_least :
		exp(-target) * (1.0 - 2.0 * exp(log_tail(rate, d, 1)));
	left = (1.0 - at_least) / at * (1.0 - SAFETY);
	*tau = ((dp_int128) individuals + t) * DP_SCALE -
		(dp_int128) fmin(floor(left * (double) DP_SCALE), (double) (DP_SCALE - 1));
	return DP_OK;
}

/* The sum of the squares of most, most - 2, ..., -most: most (most+1) (most+2) / 3. */
static double
sum_of_squares(double most)
{
	return most * (most + 1.0) * (most + 2.0) / 3.0;
}

/*
 * dp_whole_stddev
 *		Standard deviation of one coordinate of dp_whole_draw, in individuals; of a count
 *		that is read from two of them, this over the root of 2.
 *
 * Parameters as for dp_whole_suits; NaN where that is false.  Coordinates are
 * uncorrelated, as the law stays the same when one of them changes its sign.
 */
double
dp_whole_stddev(int64_t epsilon_nano, int64_t groups, int d)
{
	double		rate = group_rate(epsilon_nano, groups);
	const double step = exp(rate);
	double		weight;
	double		sum = 0.0;

	if (!dp_whole_suits(epsilon_nano, groups, d))
		return NAN;
	weight = exp(-rate * radii(rate, d));
	for (int radius = radii(rate, d); radius >= 1; radius--)
	{
		sum += (sum_of_squares(radius) * float_power(radius + 1.0, d - 1) +
				sum_of_squares(radius - 1.0) * float_power(radius, d - 1)) * weight;
		weight = weight_below(weight, step, rate, radius - 1);
	}
	return sqrt(sum / total_weight(rate, d));
}

/*
 * dp_whole_simulate
 *		A vector of the same law, in individuals, for what is computed from the law
 *		and protects nothing.
 *
 * uniform returns numbers in [0, 1).  Parameters must be such that dp_whole_suits.
 */
void
dp_whole_simulate(int64_t epsilon_nano, int64_t groups, int d,
				  double (*uniform) (void *context), void *context, double *noise)
{
	double		rate = group_rate(epsilon_nano, groups);
	double		sum = 0.0;
	double		place;
	double		radius = 0.0;
	double		most;

	for (int i = 0; i <= d; i++)
		sum += radius_weights[d][i] * exp(-rate * i);
	place = uniform(context) * sum;
	for (int i = 0; i < d && (place -= radius_weights[d][i] * exp(-rate * i)) >= 0.0; i++)
		radius += 1.0;
	for (int i = 0; i <= d; i++)
		radius += floor(-log(1.0 - uniform(context)) / rate);
	most = uniform(context) * cube_points((int) radius, d) < pow(radius + 1.0, d) ?
		radius : radius - 1.0;
	for (int i = 0; i < d; i++)
		noise[i] = most - 2.0 * floor(uniform(context) * (most + 1.0));
}
