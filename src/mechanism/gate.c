/*
 * gate.c
 *		The threshold of the gate: how large the noisy number of individuals
 *		must be for a group to be released.
 *
 * Two conditions stand before a release, and both are needed: the true number
 * of individuals is at least a public minimum, and the noisy number reaches the
 * threshold tau computed here.  The first alone would show whether one individual
 * is there.  With both, the only outputs whose probability one individual can
 * change by more than the factor of epsilon are those of groups that have
 * exactly the minimum: tau makes such a group pass with probability at most
 * delta' = 1 - (1 - delta)^(1/groups), so that of the at most `groups` groups
 * of an individual any passes with probability at most delta (Desfontaines,
 * Voss, Gipson and Mandayam 2022 treat thresholds in this way).
 *
 * Floating point is allowed here: nothing is random, nothing secret enters,
 * and every rounding is covered by a slack that raises tau.
 */
#include <math.h>

#include "mechanism/noise.h"
#include "mechanism/noise_internal.h"

/*
 * Relative slack on the probability, far above all rounding errors below
 * (each function used is good to a few units of 2^-53 ~ 1.1e-16, at most a few
 * hundred operations of positive terms, logarithms below 10^3 in size: 1e-12
 * in all).
 */
#define SAFETY 1e-9

/*
 * dp_noise_log_tail
 *		log P(x_0 >= t) for one coordinate of the continuous law, density
 *		proportional to exp(-a * max_i |x_i|), as a function of s = a * t >= 0.
 *
 * d in 1 .. DP_MAX_DIMENSIONS, s in 0 .. 700.
 *
 * x_0 = R * V, with aR a Gamma(d+1) variable and V uniform in [-1, 1]
 * (noise.c; in the limit of a fine lattice).  P(V >= v) = (1 - v)/2 on [0, 1],
 * hence, with Q_m(s) = e^-s sum_{i<m} s^i/i! = P(Gamma(m) >= s),
 *
 *		P(x_0 >= t) = 1/2 E[(1 - s/(aR)); aR >= s]
 *					= 1/2 [Q_{d+1}(s) - (s/d) Q_d(s)],
 *
 * because E[1/(aR); aR >= s] = integral_s^oo r^(d-1) e^-r / d! dr = Q_d(s)/d.
 * The difference cancels; but s * s^(i-1)/(i-1)! = i * s^i/i!, so that
 *
 *		P(x_0 >= t) = 1/2 e^-s sum_{i=0}^{d-1} (1 - i/d) s^i/i!,
 *
 * in which every term is positive: e^-s/2 for d = 1, e^-s (1 + s/2)/2 for
 * d = 2, e^-s (1 + 2s/3 + s^2/6)/2 for d = 3.  The sum is at most e^s.
 */
double
dp_noise_log_tail(int d, double s)
{
	double		power = 1.0;	/* s^i / i! */
	double		sum = 1.0;

	for (int i = 1; i < d; i++)
	{
		power *= s / i;
		sum += power * (double) (d - i) / d;
	}
	return log(sum) - s - log(2.0);
}

/*
 * dp_gate_group_delta
 *		delta' = 1 - (1 - delta)^(1/groups), rounded down.
 *
 * delta_atto in 1 .. 10^18 - 1, groups in 1 .. DP_MAX_GROUPS.
 */
double
dp_gate_group_delta(int64_t delta_atto, int64_t groups)
{
	/* Rounded down, which also keeps it below 1 and the logarithm finite. */
	double		delta = (double) delta_atto * 1e-18 * (1.0 - 1e-15);

	return -expm1(log1p(-delta) / (double) groups) * (1.0 - 1e-12);
}

/*
 * dp_gate_offset
 *		A lattice distance t >= 1 with P(z_0 >= t) <= delta, z of the lattice
 *		law with `rate` per lattice unit.
 *
 * delta in 1e-30 .. 1, d in 1 .. DP_MAX_DIMENSIONS, rate in 1e-25 .. 1.
 *
 * From the lattice to the continuous law.  Let U = z + W, with W uniform in
 * [-1/2, 1/2]^d.  Its density at x is C_l exp(-rate * ||round(x)||), and since
 * | ||round(x)|| - ||x|| | <= 1/2 in the max-norm, it is at most
 * C_l e^(rate/2) exp(-rate * ||x||).  In the same way
 *
 *		1/C_l = sum_z exp(-rate * ||z||) = integral exp(-rate * ||round(x)||) dx
 *			 >= e^(-rate/2) integral exp(-rate * ||x||) dx = e^(-rate/2)/C_c,
 *
 * so C_l <= e^(rate/2) C_c, and the density of U is at most e^rate times the
 * continuous one everywhere.  As z_0 >= t if and only if U_0 >= t - 1/2 (almost
 * surely, t an integer),
 *
 *		P(z_0 >= t) <= e^rate * P_continuous(x_0 >= t - 1/2).
 *
 * So it is enough that log_tail(rate * (t - 1/2)) <= log(delta) - rate; the
 * tail decreases in s, which bisection solves.  If delta is so large that s = 0
 * already satisfies this (about 1/2), t = 1, the least noise that is positive:
 * P(z_0 >= 1) < 1/2 by symmetry.
 */
dp_int128
dp_gate_offset(double rate, double delta, int d)
{
	double		target = log(delta) - rate - SAFETY;
	double		low = 0.0;
	double		high = 1.0;

	if (dp_noise_log_tail(d, 0.0) <= target)
		return 1;
	while (dp_noise_log_tail(d, high) > target)
		high *= 2.0;

	/* Always tail(low) > target >= tail(high); high is what is used. */
	while (high - low > 1e-12 * high)
	{
		double		middle = 0.5 * (low + high);

		if (dp_noise_log_tail(d, middle) > target)
			low = middle;
		else
			high = middle;
	}

	/*
	 * Upwards, past the errors of rate and of this quotient.  At most 512 / 1e-25 < 2^93.
	 */
	return (dp_int128) ceil(high / rate * (1.0 + 1e-13) + 0.5);
}

/*
 * dp_gate_threshold
 *		The least noisy coordinate 0, tau in lattice units, at which a group is
 *		released, where an individual adds at most `weight` lattice units to it and is
 *		in at most `kept` groups.
 *
 * A group of exactly `individuals` individuals has
 *
 *		P(individuals * weight + z_0 >= tau) <= 1 - (1 - delta)^(1/kept),
 *
 * for z of dp_noise_draw with the same epsilon_nano, groups and d.  tau is
 * within a few millionths, in probability, of the least such number; it is
 * at least individuals * weight + 1, also where a delta of 1/2 or more would
 * allow less.
 *
 * epsilon_nano, groups and d as for dp_noise_draw, kept as groups; delta_atto (1e-18)
 * in 1 .. 10^18 - 1: without a delta no group could be shown; individuals >= 1; weight in
 * 1 .. DP_SCALE.  Otherwise DP_ERR_RANGE, and *tau is not touched.
 */
dp_status
dp_gate_threshold(int64_t epsilon_nano, int64_t delta_atto, int64_t groups, int64_t kept,
				  int d, int64_t individuals, int64_t weight, dp_int128 *tau)
{
	double		rate;

	if (epsilon_nano < DP_MIN_EPSILON_NANO ||
		epsilon_nano > DP_MAX_EPSILON_NANO ||
		groups < 1 || groups > DP_MAX_GROUPS || kept < 1 || kept > DP_MAX_GROUPS ||
		d < 1 || d > DP_MAX_DIMENSIONS ||
		delta_atto < 1 || delta_atto >= INT64_C(1000000000000000000) ||
		individuals < 1 || weight < 1 || weight > DP_SCALE)
		return DP_ERR_RANGE;

	rate = (double) epsilon_nano * 1e-9 / (double) groups / (double) DP_SCALE;
	*tau = (dp_int128) individuals * weight +
		dp_gate_offset(rate, dp_gate_group_delta(delta_atto, kept), d);
	return DP_OK;
}
