/*
 * test_whole_noise.c
 *		The noise of counts on whole numbers: its law, deviation and gate.
 *
 * Statistical checks have a false-alarm rate of ALPHA each; the others have
 * none.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mechanism/noise.h"
#include "mechanism/noise_internal.h"
#include "mechanism/whole_noise.h"
#include "tap.h"

#define NANO INT64_C(1000000000)
#define ATTO INT64_C(1000000000000000000)

static dp_random rng;

/* Is the point of the lattice: all of it even, or all odd? */
static bool
in_lattice(const int *z, int d)
{
	for (int i = 1; i < d; i++)
		if (((z[i] - z[0]) & 1) != 0)
			return false;
	return true;
}

/* max_i |z_i| */
static int
norm(const int *z, int d)
{
	int			result = 0;

	for (int i = 0; i < d; i++)
		result = abs(z[i]) > result ? abs(z[i]) : result;
	return result;
}

/* Calls visit for all points of the lattice within -most .. most. */
static void
each_point(int d, int most, void (*visit) (const int *z, int d, double rate, double *sums),
		   double rate, double *sums)
{
	int			z[DP_WHOLE_MAX_DIMENSIONS];

	for (int i = 0; i < d; i++)
		z[i] = -most;
	for (;;)
	{
		int			i = 0;

		if (in_lattice(z, d))
			visit(z, d, rate, sums);
		while (i < d && z[i] == most)
			z[i++] = -most;
		if (i == d)
			return;
		z[i]++;
	}
}

/* sums[0]: weight of all; [1]: squares of z_0; [2]: of (z_0 + z_1)/2; [3 + t]: of z_0 >= t. */
static void
add_point(const int *z, int d, double rate, double *sums)
{
	double		weight = exp(-rate * norm(z, d));
	double		half = d > 1 ? (z[0] + z[1]) / 2.0 : z[0];

	sums[0] += weight;
	sums[1] += weight * z[0] * z[0];
	sums[2] += weight * half * half;
	for (int t = 1; t <= z[0]; t++)
		sums[3 + t] += weight;
}

/* Deviation and gate against sums over the points of the lattice. */
static void
test_sums(int d, double epsilon, int most)
{
	static const double deltas[] = {0.9, 0.3, 0.01, 1e-4, 1e-8};
	double		sums[3 + 1000 + 1] = {0.0};
	double		worst = 0.0;
	bool		safe = true;
	bool		least = true;
	int			compared = 0;

	each_point(d, most, add_point, epsilon, sums);
	worst = fabs(dp_whole_stddev(llround(epsilon * 1e9), 1, d) / sqrt(sums[1] / sums[0]) - 1.0);
	if (d > 1)
		worst = fmax(worst, fabs(sqrt(sums[2] / (0.5 * sums[1])) - 1.0));
	for (int k = 0; k < 5; k++)
	{
		dp_int128	tau = 0;
		int			t;
		double		passes;

		safe = safe && dp_whole_gate_threshold(llround(epsilon * 1e9), llround(deltas[k] * 1e18), 1, d,
											   20, &tau) == DP_OK && tau > 20 * DP_SCALE;
		/* t passes always, t - 1 with the share of u that is large enough */
		t = (int) ((tau + DP_SCALE - 1) / DP_SCALE) - 20;
		/* points beyond most are missing from the sums */
		if (exp(-epsilon * (most - t)) * pow(2.0 * most, d) > 1e-9)
			continue;
		compared++;
		passes = sums[3 + t] + (t > 1 ? sums[3 + t - 1] - sums[3 + t] : sums[0] - 2.0 * sums[3 + 1]) *
			((double) ((t + 20) * DP_SCALE - tau) / (double) DP_SCALE);
		safe = safe && passes / sums[0] <= deltas[k];
		least = least && (passes / sums[0] > deltas[k] * (1.0 - 1e-7) || tau == 20 * DP_SCALE + 1);
	}
	tap_ok(worst < 1e-6, "d = %d, epsilon %g: the deviation is %.4f, within %.1e", d, epsilon,
		   dp_whole_stddev(llround(epsilon * 1e9), 1, d), worst);
	tap_ok(safe && least && compared >= 2,
		   "d = %d, epsilon %g: 20 individuals pass with at most delta, and all of it but 1e-7",
		   d, epsilon);
}

/* The deviations that are promised for a count alone and beside another. */
static void
test_figures(void)
{
	static const double epsilons[] = {1.0, 2.0, 3.0, 5.0};
	static const double figures[] = {1.357, 0.602, 0.332, 0.117};
	bool		fine = true;

	for (int i = 0; i < 4; i++)
	{
		int64_t		nano = llround(epsilons[i] * 1e9);

		fine = fine && fabs(dp_whole_stddev(nano, 1, 1) - figures[i]) < 5e-4 &&
			fabs(dp_whole_stddev(nano, 1, 2) / sqrt(2.0) - figures[i]) < 5e-4;
	}
	tap_ok(fine, "a count has 1.357, 0.602, 0.332, 0.117 at epsilon 1, 2, 3, 5, alone and beside another");
	tap_ok(fabs(dp_whole_stddev(DP_WHOLE_MIN_NANO, 1, 4) /
				dp_noise_stddev(DP_WHOLE_MIN_NANO, 1, 4) - 1.0) < 1e-3,
		   "at the least epsilon it is that of the fine lattice");
}

/*
 * Draws against the law: the points of norm up to 3, each by itself, and the others
 * together.  simulated: those of dp_whole_simulate.
 */
static double
uniform(void *context)
{
	uint64_t	bits = 0;

	(void) context;
	if (dp_random_u64(&rng, &bits) != DP_OK)
		return 0.5;
	return (double) (bits >> 11) * 0x1p-53;
}

static void
test_law(int d, double epsilon, int64_t groups, bool simulated, long draws)
{
	enum
	{
		SIDE = 7,
		CELLS = SIDE * SIDE * SIDE * SIDE + 1
	};
	static long seen[CELLS];
	static double law[CELLS];
	double		sums[3 + 1000 + 1] = {0.0};
	double		rate = epsilon / (double) groups;
	long		n = tap_draws(draws);
	int			cells = 1;
	int			used = 0;
	bool		fine = true;

	each_point(d, d > 2 ? 40 : 100, add_point, rate, sums);
	for (int i = 0; i < d; i++)
		cells *= SIDE;
	memset(seen, 0, sizeof(seen));
	memset(law, 0, sizeof(law));
	law[cells] = 1.0;
	for (int cell = 0; cell < cells; cell++)
	{
		int			z[DP_WHOLE_MAX_DIMENSIONS];

		for (int i = 0, rest = cell; i < d; i++, rest /= SIDE)
			z[i] = rest % SIDE - SIDE / 2;
		if (in_lattice(z, d))
			law[cell] = exp(-rate * norm(z, d)) / sums[0];
		law[cells] -= law[cell];
	}
	for (long i = 0; i < n; i++)
	{
		dp_int128	z[DP_WHOLE_MAX_DIMENSIONS];
		double		noise[DP_WHOLE_MAX_DIMENSIONS];
		int			cell = 0;

		if (simulated)
			dp_whole_simulate(llround(epsilon * 1e9), groups, d, uniform, NULL, noise);
		else
			fine = fine && dp_whole_draw(&rng, llround(epsilon * 1e9), groups, d, z) == DP_OK;
		for (int k = d - 1; k >= 0; k--)
		{
			double		at = simulated ? noise[k] : (double) z[k] / (double) DP_SCALE;

			fine = fine && at == rint(at);
			cell = cell < 0 || fabs(at) > SIDE / 2 ? -1 : cell * SIDE + (int) at + SIDE / 2;
		}
		seen[cell < 0 ? cells : cell]++;
	}
	/* only points of the lattice have a probability */
	for (int cell = 0; cell <= cells; cell++)
	{
		fine = fine && (law[cell] > 0.0 || seen[cell] == 0);
		if (law[cell] > 0.0)
		{
			law[used] = law[cell];
			seen[used++] = seen[cell];
		}
	}
	tap_ok(fine, "d = %d, epsilon %g, %lld groups: points of the lattice%s", d, epsilon,
		   (long long) groups, simulated ? ", simulated" : "");
	tap_fits(seen, law, used, n, "of the law");
}

/* (epsilon, 0) between neighbours, point by point, where all contribute 1 or -1. */
static void
test_privacy(void)
{
	double		greatest = 0.0;

	for (int x = -20; x <= 20; x++)
		for (int y = -20; y <= 20; y++)
			for (int s = -1; s <= 1; s += 2)
			{
				int			z[2] = {x, y};
				int			other[2] = {x - 1, y - s};

				if (in_lattice(z, 2) != in_lattice(other, 2))
					greatest = INFINITY;
				greatest = fmax(greatest, abs(norm(z, 2) - norm(other, 2)));
			}
	tap_ok(greatest == 1.0, "neighbours have the same points, and their norms differ by at most 1");
}

/* Measured: a group of exactly 20. */
static void
test_pass_rate(double epsilon, int64_t groups, int d, long draws)
{
	double		delta = dp_gate_group_delta(ATTO / 100, groups);
	long		n = tap_draws(draws);
	double		band = 5.6 * sqrt(delta * (1.0 - delta) / (double) n);
	dp_int128	tau = 0;
	long		passes = 0;

	if (dp_whole_gate_threshold(llround(epsilon * 1e9), ATTO / 100, groups, d, 20, &tau) == DP_OK)
		for (long i = 0; i < n; i++)
		{
			dp_int128	z[DP_WHOLE_MAX_DIMENSIONS];
			dp_uint128	u;

			if (dp_whole_draw(&rng, llround(epsilon * 1e9), groups, d, z) == DP_OK &&
				dp_random_below(&rng, DP_SCALE, &u) == DP_OK &&
				20 * DP_SCALE + z[0] + (dp_int128) u >= tau)
				passes++;
		}
	tap_ok((double) passes / (double) n <= delta + band &&
		   (double) passes / (double) n >= delta - band,
		   "pass rate at epsilon %g, %lld groups, d = %d: %.6f of at most %.6f (%ld draws)",
		   epsilon, (long long) groups, d, (double) passes / (double) n, delta, n);
}

static void
test_arguments(void)
{
	dp_int128	z[DP_WHOLE_MAX_DIMENSIONS + 1] = {7};
	dp_int128	tau = 7;
	constant_source source = {0x35, 0};
	bool		refused;
	bool		ended = true;
	bool		fine = true;

	tap_ok(dp_whole_suits(NANO, 1, 1) && dp_whole_suits(DP_WHOLE_MIN_NANO, 1, 4) &&
		   dp_whole_suits(DP_MAX_EPSILON_NANO, 16000, 1) &&
		   !dp_whole_suits(DP_WHOLE_MIN_NANO - 1, 1, 1) && !dp_whole_suits(NANO, 17, 1) &&
		   !dp_whole_suits(NANO, 0, 1) && !dp_whole_suits(NANO, 1, 0) &&
		   !dp_whole_suits(NANO, 1, DP_WHOLE_MAX_DIMENSIONS + 1) &&
		   !dp_whole_suits(DP_MAX_EPSILON_NANO + 1, 1, 1), "which parameters suit");
	refused = dp_whole_draw(&rng, NANO / 100, 1, 1, z) == DP_ERR_RANGE && z[0] == 7 &&
		dp_whole_draw(&rng, NANO, 1, DP_WHOLE_MAX_DIMENSIONS + 1, z) == DP_ERR_RANGE &&
		dp_whole_gate_threshold(NANO, 0, 1, 1, 20, &tau) == DP_ERR_RANGE &&
		dp_whole_gate_threshold(NANO, ATTO, 1, 1, 20, &tau) == DP_ERR_RANGE &&
		dp_whole_gate_threshold(NANO, 1, 1, 1, 0, &tau) == DP_ERR_RANGE &&
		dp_whole_gate_threshold(NANO, 1, 100, 1, 20, &tau) == DP_ERR_RANGE && tau == 7 &&
		isnan(dp_whole_stddev(NANO, 100, 1));
	tap_ok(refused, "others are refused");
	for (int d = 1; d <= DP_WHOLE_MAX_DIMENSIONS; d++)
		for (int e = 0; e < 3; e++)
		{
			int64_t		nano = e == 0 ? DP_WHOLE_MIN_NANO : e == 1 ? NANO : DP_MAX_EPSILON_NANO;

			fine = fine && dp_whole_draw(&rng, nano, 1, d, z) == DP_OK &&
				dp_whole_gate_threshold(nano, 1, 1, d, INT64_MAX, &tau) == DP_OK &&
				tau > (dp_int128) INT64_MAX * DP_SCALE &&
				dp_whole_gate_threshold(nano, ATTO - 1, 1, d, 20, &tau) == DP_OK &&
				tau > 20 * DP_SCALE && tau <= 20 * DP_SCALE + 4;
		}
	tap_ok(fine, "the ends of every range");

	for (int byte = 0; byte < 256; byte++)
	{
		source.value = (unsigned char) byte;
		source.fills = -1;
		dp_random_init(&rng, constant_bytes, &source);
		ended = ended && dp_whole_draw(&rng, NANO, 1, 3, z) != DP_ERR_RANGE;
	}
	tap_ok(ended, "a constant source ends in noise or an error");
	source.fills = 0;
	dp_random_init(&rng, constant_bytes, &source);
	z[0] = 7;
	tap_ok(dp_whole_draw(&rng, NANO, 1, 2, z) == DP_ERR_RANDOM && z[0] == 0 && z[1] == 0,
		   "a failing source is an error, and no noise is left");
	dp_random_init(&rng, dp_openssl_bytes, NULL);
}

int
main(void)
{
	tap_plan(2 * 9 + 2 + 2 * 10 + 1 + 6 + 5);
	dp_random_init(&rng, dp_openssl_bytes, NULL);

	test_sums(1, 0.0625, 900);
	test_sums(1, 1.0, 100);
	test_sums(1, 5.0, 60);
	test_sums(2, 0.3, 200);
	test_sums(2, 2.0, 60);
	test_sums(3, 1.0, 60);
	test_sums(3, 4.0, 30);
	test_sums(4, 1.5, 32);
	test_sums(4, 5.0, 16);
	test_figures();
	test_law(1, 1.0, 1, false, 300000);
	test_law(1, 9.0, 3, false, 300000);
	test_law(2, 0.5, 1, false, 300000);
	test_law(2, 2.0, 1, false, 300000);
	test_law(3, 1.0, 1, false, 300000);
	test_law(4, 2.0, 2, false, 300000);
	test_law(4, 4.0, 1, false, 200000);
	test_law(1, 1.0, 1, true, 300000);
	test_law(2, 1.0, 2, true, 300000);
	test_law(4, 1.5, 1, true, 300000);
	test_privacy();
	test_pass_rate(1.0, 1, 1, 1000000);
	test_pass_rate(1.0, 3, 1, 1000000);
	test_pass_rate(0.2, 1, 2, 500000);
	test_pass_rate(3.0, 1, 2, 500000);
	test_pass_rate(1.0, 1, 4, 500000);
	test_pass_rate(10.0, 2, 3, 500000);
	test_arguments();
	return tap_done();
}
