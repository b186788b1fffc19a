/*
 * test_gate.c
 *		The threshold of the gate: tail, lattice slack, measured pass rates.
 *
 * Statistical checks have a false-alarm rate of ALPHA each; the others have
 * none.
 */
#include <math.h>

#include "mechanism/noise.h"
#include "mechanism/noise_internal.h"
#include "tap.h"

#define NANO INT64_C(1000000000)
#define ATTO INT64_C(1000000000000000000)

static dp_random rng;

/*
 * The marginal density of the continuous law at x >= 0 with a = 1, straight
 * from its definition: exp(-||x||)/(2^d d!) integrated over the other d-1
 * coordinates, by shells of their norm r:
 *
 *		(2x)^(d-1) e^-x + integral_x^oo (d-1) 2^(d-1) r^(d-2) e^-r dr,
 *
 * over 2^d d!.  Independent of the derivation in gate.c.
 */
static double
marginal_density(int d, double x)
{
	double		inside = pow(2.0 * x, d - 1) * exp(-x);
	double		outside = 0.0;

	if (d > 1)
		outside = (d - 1) * pow(2.0, d - 1) * exp(lgamma(d - 1)) *
			upper_gamma(d - 1, x);
	return (inside + outside) * exp(-lgamma(d + 1) - d * log(2.0));
}

/* The same integral without upper_gamma, by Simpson's rule. */
static double
marginal_density_by_quadrature(int d, double x)
{
	const int	steps = 600;
	const double width = 80.0 / steps;
	double		sum = 0.0;

	for (int i = 0; i <= steps; i++)
	{
		double		r = x + width * i;
		double		weight = i == 0 || i == steps ? 1.0 : i % 2 == 1 ? 4.0 : 2.0;

		if (d > 1)
			sum += weight * (d - 1) * pow(2.0, d - 1) * pow(r, d - 2) * exp(-r);
	}
	return (pow(2.0 * x, d - 1) * exp(-x) + sum * width / 3.0) *
		exp(-lgamma(d + 1) - d * log(2.0));
}

/* The closed tail against the integral of the density from s to infinity. */
static void
test_tail(int d)
{
	double		worst = 0.0;
	double		worst_difference = 0.0;
	bool		by_quadrature = d <= 3;

	for (double s = 0.0; s <= 40.0; s += 2.5)
	{
		const int	steps = by_quadrature ? 600 : 4000;
		double		width = (by_quadrature ? 60.0 : 300.0) / steps;
		double		sum = 0.0;
		double		tail = exp(dp_noise_log_tail(d, s));
		double		naive = 0.5 * (upper_gamma(d + 1, s) -
								   s / d * upper_gamma(d, s));

		for (int i = 0; i <= steps; i++)
		{
			double		weight = i == 0 || i == steps ? 1.0 : i % 2 == 1 ? 4.0 : 2.0;
			double		x = s + width * i;

			sum += weight * (by_quadrature ? marginal_density_by_quadrature(d, x) :
							 marginal_density(d, x));
		}
		worst = fmax(worst, fabs(sum * width / 3.0 / tail - 1.0));
		worst_difference = fmax(worst_difference, fabs(naive - tail));
	}
	tap_ok(worst < 2e-6 && worst_difference < 1e-12,
		   "tail at d = %d: closed form against the integrated density, within %.1e; "
		   "against Q_{d+1} - (s/d) Q_d, within %.1e", d, worst, worst_difference);
	tap_ok(fabs(dp_noise_log_tail(d, 0.0) - log(0.5)) < 1e-15,
		   "tail at d = %d is 1/2 at 0", d);
}

/* Number of points with z_0 = x and norm r. */
static double
slice(int d, int x, int r)
{
	if (r < x)
		return 0.0;
	if (r == x)
		return pow(2.0 * r + 1.0, d - 1);
	return pow(2.0 * r + 1.0, d - 1) - pow(2.0 * r - 1.0, d - 1);
}

/*
 * The lattice bound, where it matters: at coarse rates the exact tail of the
 * lattice law, summed, is at most delta at the offset.
 */
static void
test_lattice_bound(int d)
{
	static const double rates[] = {1.0, 0.5, 0.2, 0.05};
	static const double deltas[] = {0.45, 0.1, 0.01, 1e-4, 1e-8, 1e-12};
	double		closest = 0.0;
	bool		holds = true;

	for (int i = 0; i < 4; i++)
		for (int k = 0; k < 6; k++)
		{
			int			offset = (int) dp_gate_offset(rates[i], deltas[k], d);
			int			last = offset + (int) ((60.0 + 5 * d) / rates[i]);
			double		total = 0.0;
			double		tail = 0.0;

			for (int r = 0; r <= last; r++)
			{
				double		weight = exp(-rates[i] * r);
				double		below = r >= 1 ? pow(2.0 * r - 1.0, d) : 0.0;

				total += (pow(2.0 * r + 1.0, d) - below) * weight;
				for (int x = offset; x <= r; x++)
					tail += slice(d, x, r) * weight;
			}
			tail /= total;
			holds = holds && offset >= 1 && tail <= deltas[k];
			if (rates[i] == 0.05)
				closest = fmax(closest, tail / deltas[k]);
		}
	tap_ok(holds, "d = %d: the exact lattice tail is within delta (up to %.3f of it "
		   "at rate 0.05)", d, closest);
}

/* The threshold where each individual adds one to coordinate 0, in all its groups. */
static dp_status
threshold_of(int64_t epsilon_nano, int64_t delta_atto, int64_t groups, int d, int64_t individuals,
			 dp_int128 *tau)
{
	return dp_gate_threshold(epsilon_nano, delta_atto, groups, groups, d, individuals, DP_SCALE,
							 tau);
}

/*
 * tau is tight: the continuous tail at tau is delta' but for a few parts in
 * 10^6 (the lattice slack), and never above.
 */
static void
test_tightness(void)
{
	static const int64_t epsilons[] = {1, 1000, NANO / 10, NANO, 50 * NANO, 1000 * NANO};
	static const int64_t deltas[] = {1, 1000000, ATTO / 1000000, ATTO / 100, ATTO / 3};
	static const int64_t groups[] = {1, 3, 100, DP_MAX_GROUPS};
	static const int dimensions[] = {1, 2, 3, 8, DP_MAX_DIMENSIONS};
	bool		in_range = true;
	bool		safe = true;
	double		least = 1.0;

	for (int e = 0; e < 6; e++)
		for (int k = 0; k < 5; k++)
			for (int g = 0; g < 4; g++)
				for (int i = 0; i < 5; i++)
				{
					long double rate = (long double) epsilons[e] / 1e9L / groups[g] / DP_SCALE;
					long double delta = -expm1l(log1pl(-(long double) deltas[k] / 1e18L) / groups[g]);
					dp_int128	tau = 0;
					double		log_ratio;

					in_range = in_range &&
						threshold_of(epsilons[e], deltas[k], groups[g],
									 dimensions[i], 20, &tau) == DP_OK;
					tau -= 20 * DP_SCALE;
					log_ratio = dp_noise_log_tail(dimensions[i],
												  (double) (rate * ((long double) tau - 0.5L))) +
						(double) (rate - logl(delta));
					safe = safe && log_ratio < 0.0;
					least = fmin(least, exp(log_ratio));
				}
	tap_ok(in_range, "thresholds over the whole range");
	tap_ok(safe, "the bound of the tail at tau is never above delta'");
	tap_ok(least > 1.0 - 5e-6, "and not below %.9f of it", least);
}

static void
test_group_delta(void)
{
	static const int64_t groups[] = {1, 2, 3, 1000, DP_MAX_GROUPS};
	static const int64_t deltas[] = {1, 1000, ATTO / 1000000, ATTO / 100, ATTO / 2, ATTO - 1000, ATTO - 1};
	bool		safe = true;
	bool		close = true;

	for (int i = 0; i < 5; i++)
		for (int k = 0; k < 7; k++)
		{
			long double delta = (long double) deltas[k] / 1e18L;
			double		rounded = dp_gate_group_delta(deltas[k], groups[i]);

			/* 1 - (1 - delta')^groups */
			long double total = -expm1l((long double) groups[i] * log1pl(-(long double) rounded));

			safe = safe && rounded > 0.0 && total <= delta;
			close = close && total >= delta * (1.0L - 1e-11L);
		}
	tap_ok(safe, "groups at delta' stay within delta");
	tap_ok(close, "and use all of it but 1e-11");
}

static void
test_order(void)
{
	dp_int128	tau = 7;
	dp_int128	other = 0;
	bool		refused;

	tap_ok(threshold_of(NANO, ATTO / 2, 1, 1, 20, &tau) == DP_OK &&
		   tau > 20 * DP_SCALE && tau < 20 * DP_SCALE + 10 &&
		   threshold_of(NANO, ATTO - 1, 1, 8, 20, &tau) == DP_OK &&
		   tau == 20 * DP_SCALE + 1,
		   "a delta of 1/2 or more leaves the least threshold above the minimum");
	tap_ok(threshold_of(NANO, ATTO / 100000, 1, 2, 20, &tau) == DP_OK &&
		   threshold_of(NANO, ATTO / 1000000, 1, 2, 20, &other) == DP_OK &&
		   other > tau, "a smaller delta raises the threshold");
	tap_ok(threshold_of(NANO, ATTO / 100000, 2, 2, 20, &other) == DP_OK &&
		   other > tau, "more groups raise it");
	tap_ok(threshold_of(NANO, ATTO / 100000, 1, 3, 20, &other) == DP_OK &&
		   other > tau, "more coordinates raise it");
	tap_ok(threshold_of(NANO / 2, ATTO / 100000, 1, 2, 20, &other) == DP_OK &&
		   other > tau, "a smaller epsilon raises it");
	tap_ok(threshold_of(NANO, ATTO / 100000, 1, 2, 50, &other) == DP_OK &&
		   other - tau == 30 * (dp_int128) DP_SCALE, "the minimum shifts it");
	/* d = 1: t = ln(1/(2 delta)) individuals at epsilon 1. */
	tap_ok(threshold_of(NANO, ATTO / 1000000, 1, 1, 20, &tau) == DP_OK &&
		   fabs((double) tau / (double) DP_SCALE - 20.0 - log(5e5)) < 1e-6,
		   "d = 1 is ln(1/(2 delta)) above the minimum");
	tap_ok(threshold_of(1, 1, DP_MAX_GROUPS, DP_MAX_DIMENSIONS, INT64_MAX,
						&tau) == DP_OK && tau > 0, "the greatest threshold fits");

	tau = 7;
	refused = threshold_of(NANO, 0, 1, 1, 20, &tau) == DP_ERR_RANGE &&
		threshold_of(NANO, -1, 1, 1, 20, &tau) == DP_ERR_RANGE &&
		threshold_of(NANO, ATTO, 1, 1, 20, &tau) == DP_ERR_RANGE &&
		threshold_of(0, ATTO / 100, 1, 1, 20, &tau) == DP_ERR_RANGE &&
		threshold_of(DP_MAX_EPSILON_NANO + 1, ATTO / 100, 1, 1, 20, &tau) == DP_ERR_RANGE &&
		threshold_of(NANO, ATTO / 100, 0, 1, 20, &tau) == DP_ERR_RANGE &&
		threshold_of(NANO, ATTO / 100, DP_MAX_GROUPS + 1, 1, 20, &tau) == DP_ERR_RANGE &&
		threshold_of(NANO, ATTO / 100, 1, 0, 20, &tau) == DP_ERR_RANGE &&
		threshold_of(NANO, ATTO / 100, 1, DP_MAX_DIMENSIONS + 1, 20, &tau) == DP_ERR_RANGE &&
		threshold_of(NANO, ATTO / 100, 1, 1, 0, &tau) == DP_ERR_RANGE &&
		threshold_of(NANO, ATTO / 100, 1, 1, -20, &tau) == DP_ERR_RANGE;
	tap_ok(refused && tau == 7, "parameters out of range are refused");
}

/*
 * Measured pass rate of a group of exactly 20.  Under delta' the count of
 * passes is above delta' n + 5.6 sqrt(delta' (1 - delta') n) with probability
 * below 1e-7 (the binomial tail is a little heavier than the normal one, hence
 * 5.6 and not 5.2); the same below 0.9 delta' for a law that passes at delta'.
 */
static void
test_pass_rate(double epsilon, int64_t groups, int d, long draws)
{
	int64_t		epsilon_nano = llround(epsilon * 1e9);
	double		delta = dp_gate_group_delta(ATTO / 100, groups);
	long		n = tap_draws(draws);
	double		band = 5.6 * sqrt(delta * (1.0 - delta) / (double) n);
	dp_int128	tau = 0;
	long		passes = 0;
	double		rate;

	if (threshold_of(epsilon_nano, ATTO / 100, groups, d, 20, &tau) == DP_OK)
		for (long i = 0; i < n; i++)
		{
			dp_int128	z[DP_MAX_DIMENSIONS];

			if (dp_noise_draw(&rng, epsilon_nano, groups, d, z) == DP_OK &&
				20 * DP_SCALE + z[0] >= tau)
				passes++;
		}
	rate = (double) passes / (double) n;
	tap_ok(rate <= delta + band && rate >= 0.9 * delta - (n < draws ? band : 0.0),
		   "pass rate at epsilon %g, %lld groups, d = %d: %.6f of at most %.6f "
		   "(band %.6f, %ld draws)",
		   epsilon, (long long) groups, d, rate, delta, band, n);
}

int
main(void)
{
	static const int tails[] = {1, 2, 3, 8, DP_MAX_DIMENSIONS};

	tap_plan(2 * 5 + 4 + 3 + 2 + 9 + 9);
	dp_random_init(&rng, dp_openssl_bytes, NULL);

	for (int i = 0; i < 5; i++)
		test_tail(tails[i]);
	test_lattice_bound(1);
	test_lattice_bound(2);
	test_lattice_bound(3);
	test_lattice_bound(8);
	test_tightness();
	test_group_delta();
	test_order();

	/* Draws enough for the band to be below a tenth of delta'. */
	test_pass_rate(1.0, 1, 1, 1000000);
	test_pass_rate(1.0, 3, 1, 1000000);
	test_pass_rate(1.0, 1, 2, 500000);
	test_pass_rate(0.1, 3, 2, 1000000);
	test_pass_rate(0.5, 1, 3, 500000);
	test_pass_rate(10.0, 3, 3, 1000000);
	test_pass_rate(1.0, 1, 8, 350000);
	test_pass_rate(1.0, 3, 8, 1000000);
	test_pass_rate(1000.0, 1, 1, 1000000);
	return tap_done();
}
