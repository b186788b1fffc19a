/*
 * test_gaussian_noise.c
 *		Gaussian noise of vectors: which law they get, its draws, and its gate.
 *
 * Laws are computed here by sums over the integers, in long double.  Statistical checks have a
 * false-alarm rate of ALPHA each; the others have none.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "accounting/concentrated.h"
#include "mechanism/gaussian.h"
#include "mechanism/gaussian_noise.h"
#include "mechanism/noise.h"
#include "tap.h"

#define NANO INT64_C(1000000000)
#define PICO INT64_C(1000000000000)
#define ATTO INT64_C(1000000000000000000)

static dp_random rng;

/* Numbers up to this are summed over: more than 40 deviations of what is drawn here. */
enum
{
	MOST = 4000
};

/* The probabilities of one draw, and of coordinate 0, at -MOST .. MOST. */
static long double of_one[2 * MOST + 1];
static long double of_coordinate[2 * MOST + 1];

static int64_t
rho_of(double epsilon)
{
	int64_t		rho = 0;

	dp_rho_of_epsilon(llround(epsilon * 1e9), &rho);
	return rho;
}

static dp_gaussian_law
law_of(double epsilon, int64_t groups, int d, bool counts)
{
	dp_gaussian_law law;

	if (!dp_gaussian_law_of(rho_of(epsilon), groups, d, counts, &law))
		abort();
	return law;
}

/*
 * Fills in the probabilities of a law of whole numbers.  The sum of two draws, z = u + v, is
 * summed over all u.
 */
static void
sum_up(const dp_gaussian_law *law)
{
	long double s = (long double) law->sigma / DP_GAUSSIAN_PARTS;
	int			near = (int) fminl(45 * s + 2, MOST / 2);
	long double sum = 0.0;

	memset(of_one, 0, sizeof(of_one));
	for (int z = -near; z <= near; z++)
		sum += of_one[MOST + z] = expl(-(long double) z * z / (2 * s * s));
	for (int z = -near; z <= near; z++)
		of_one[MOST + z] /= sum;
	memcpy(of_coordinate, of_one, sizeof(of_one));
	if (!law->turned)
		return;
	for (int z = -2 * near; z <= 2 * near; z++)
	{
		of_coordinate[MOST + z] = 0.0;
		for (int u = -near; u <= near; u++)
			if (abs(z - u) <= near)
				of_coordinate[MOST + z] += of_one[MOST + u] * of_one[MOST + z - u];
	}
}

/* Its probability of a vector. */
static long double
probability(const dp_gaussian_law *law, const int *z)
{
	long double result = 1.0;

	if (law->turned)
		return (z[0] + z[1]) % 2 != 0 ? 0.0L :
			of_one[MOST + (z[0] + z[1]) / 2] * of_one[MOST + (z[0] - z[1]) / 2];
	for (int i = 0; i < law->d; i++)
		result *= of_one[MOST + z[i]];
	return result;
}

/* ----------
 * Which law
 * ----------
 */

/* Of whole numbers: sigma is the least with sigma^2 >= squares / (2 rho), and the deviation is that of the sums. */
static bool
whole_law_fits(const dp_gaussian_law *law, int64_t rho, int64_t squares)
{
	const dp_int128 least = (dp_int128) squares * DP_GAUSSIAN_PARTS * DP_GAUSSIAN_PARTS * PICO;
	long double variance = 0.0;

	sum_up(law);
	for (int z = -MOST; z <= MOST; z++)
		variance += of_coordinate[MOST + z] * z * z;
	/* exp(-750) is 0 in double */
	return law->sigma >= 1 && (dp_int128) 2 * rho * law->sigma * law->sigma >= least &&
		(law->sigma == 1 || (dp_int128) 2 * rho * (law->sigma - 1) * (law->sigma - 1) < least) &&
		fabsl(law->deviation - sqrtl(variance)) <= 1e-12L * sqrtl(variance) + 1e-150L;
}

/* On the fine lattice: at least that, and less than 2^-24 above it; the deviation is sigma, within one unit. */
static bool
fine_law_fits(const dp_gaussian_law *law, int64_t rho, int64_t squares)
{
	long double least = sqrtl((long double) squares / (2.0L * rho * 1e-12L)) * DP_SCALE;

	return law->sigma >= least && law->sigma - 1 <= least * (1 + 2e-12L) &&
		law->sigma <= least * (1 + 6e-8L) && law->sigma <= DP_GAUSSIAN_MAX_SIGMA &&
		law->deviation * DP_SCALE >= least && law->deviation * DP_SCALE <= law->sigma;
}

static void
test_laws(void)
{
	static const double epsilons[] = {1e-4, 0.01, 0.1, 0.123456789, 0.5, 1, 1.9, 2, 3, 10, 1000};
	static const int64_t groups[] = {1, 2, 3, 7, 100, 4096, 999983, DP_MAX_GROUPS};
	static const int ds[] = {1, 2, 3, 4, 64, DP_MAX_DIMENSIONS};
	int			whole = 0;
	int			turned = 0;
	int			fine = 0;
	int			none = 0;
	int			wrong = 0;

	for (int e = 0; e < 11; e++)
		for (int k = 0; k < 8; k++)
			for (int i = 0; i < 12; i++)
			{
				int64_t		rho = rho_of(epsilons[e]);
				int			d = ds[i / 2];
				bool		counts = i % 2 == 1;
				int64_t		squares = groups[k] * d;
				long double sigma = sqrtl((long double) squares / (2.0L * rho * 1e-12L));
				dp_gaussian_law law;

				if (!dp_gaussian_law_of(rho, groups[k], d, counts, &law))
				{
					none++;
					wrong += sigma < (DP_GAUSSIAN_MAX_SIGMA / DP_SCALE) * (1 - 1e-11L);
					continue;
				}
				wrong += law.d != d || law.whole != (counts && sigma <= 64) ||
					law.turned != (law.whole && d == 2);
				if (law.turned)
					squares = groups[k];
				whole += law.whole;
				turned += law.turned;
				fine += !law.whole;
				wrong += !(law.whole ? whole_law_fits : fine_law_fits) (&law, rho, squares);
			}
	tap_ok(wrong == 0 && whole > 100 && turned > 20 && fine > 100 && none > 10,
		   "sigma is the least that rho allows: %d laws of whole numbers, %d of them of two sets, %d of the lattice, %d too wide",
		   whole, turned, fine, none);
}

/* The deviations that are promised at epsilon 1. */
static void
test_figures(void)
{
	dp_gaussian_law one = law_of(1, 1, 1, true);
	dp_gaussian_law two = law_of(1, 1, 2, true);
	dp_gaussian_law sum = law_of(1, 1, 2, false);

	tap_ok(one.whole && !one.turned && one.sigma == DP_GAUSSIAN_PARTS && fabs(one.deviation - 1.0) < 1e-6,
		   "epsilon 1: a count has a deviation of 1, within 1e-6");
	tap_ok(two.turned && two.sigma == DP_GAUSSIAN_PARTS && fabs(two.deviation - sqrt(2.0)) < 1e-6,
		   "beside another it has the same, each of their sum and difference the root of 2");
	tap_ok(!sum.whole && fabs(sum.deviation - sqrt(2.0)) < 1e-9, "as a count and a sum");
}

/*
 * The divergence of order a between neighbours, one of whom adds 1 or -1 to each coordinate, is at most a rho (Canonne,
 * Kamath and Steinke 2020, Proposition 5): by sums over all vectors, for every choice of the signs.
 */
static void
test_divergence(double epsilon, int d)
{
	static const double orders[] = {1.5, 2, 4, 16};
	dp_gaussian_law law = law_of(epsilon, 1, d, true);
	int			most = (int) (14 * law.sigma / DP_GAUSSIAN_PARTS) + 10;
	bool		fine = true;
	double		closest = 0.0;

	sum_up(&law);
	for (int a = 0; a < 4; a++)
		for (int signs = 0; signs < 1 << (d - 1); signs++)
		{
			long double sum = 0.0;
			double		divergence;

			for (int cell = 0; cell < pow(2 * most + 1, d); cell++)
			{
				int			z[3];
				int			moved[3];
				long double p;
				long double q;

				for (int i = 0, rest = cell; i < d; i++, rest /= 2 * most + 1)
				{
					z[i] = rest % (2 * most + 1) - most;
					moved[i] = z[i] - (i > 0 && (signs >> (i - 1) & 1) ? -1 : 1);
				}
				p = probability(&law, z);
				q = probability(&law, moved);
				fine = fine && (p > 0.0L) == (q > 0.0L);
				if (q > 0.0L)
					sum += powl(p, orders[a]) * powl(q, 1.0 - orders[a]);
			}
			divergence = (double) (logl(sum) / (orders[a] - 1.0));
			closest = fmax(closest, divergence / (orders[a] * rho_of(epsilon) * 1e-12));
		}
	tap_ok(fine && closest <= 1.0 + 1e-9 && closest > 0.9,
		   "epsilon %g, %d counts: neighbours have the same vectors, and divergences are %.6f of what rho allows",
		   epsilon, d, closest);
}

static void
test_shorten(void)
{
	static const int64_t parts[][2] = {
		{1, 2}, {1, 3}, {31, 32}, {1, 32}, {99999999, 100000000}, {1, INT64_C(1) << 39}, {(INT64_C(1) << 39) - 1, INT64_C(1) << 39}
	};
	dp_gaussian_law counts = law_of(1, 1, 2, true);
	dp_gaussian_law law = law_of(1, 1, 2, true);
	bool		fine = true;

	dp_gaussian_shorten(&law, 1, 2);
	tap_ok(memcmp(&law, &counts, sizeof(law)) == 0, "whole numbers are not shortened");
	for (int i = 0; i < 7; i++)
		for (int e = 0; e < 3; e++)
		{
			dp_gaussian_law before = law_of(pow(10, -e), 1, 3, false);
			long double least = sqrtl(3.0L / (2.0L * rho_of(pow(10, -e)) * 1e-12L)) * DP_SCALE *
				parts[i][0] / parts[i][1];

			law = before;
			dp_gaussian_shorten(&law, parts[i][1], parts[i][1]);
			fine = fine && memcmp(&law, &before, sizeof(law)) == 0;
			dp_gaussian_shorten(&law, parts[i][0], parts[i][1]);
			fine = fine && law.sigma >= least && law.sigma - 1 <= least * (1 + 3e-12L) &&
				law.deviation * DP_SCALE >= least && law.deviation * DP_SCALE <= law.sigma &&
				!law.whole && law.d == 3;
		}
	tap_ok(fine, "a shorter step has a sigma as much smaller, and none below");
}

/* ----------
 * Draws
 * ----------
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

/* A vector in individuals, drawn or simulated; false if that failed, or if it is no vector of whole numbers and ought to be. */
static bool
next_vector(const dp_gaussian_law *law, bool simulated, double *noise)
{
	dp_int128	z[DP_MAX_DIMENSIONS];
	bool		fine = true;

	if (simulated)
		dp_gaussian_simulate(law, uniform, NULL, noise);
	else if (dp_gaussian_noise_draw(&rng, law, z) != DP_OK)
		return false;
	for (int i = 0; i < law->d; i++)
	{
		if (!simulated)
			noise[i] = (double) z[i] / (double) DP_SCALE;
		fine = fine && (!law->whole || noise[i] == rint(noise[i]));
	}
	return fine;
}

/*
 * Whole numbers: vectors with coordinates up to 3 or 7 are cells of their own, the others one more.  The variance of
 * coordinate 0 and the covariance of two, which is none, are checked besides.
 */
static void
test_draws(double epsilon, int64_t groups, int d, bool simulated)
{
	enum
	{
		CELLS = 15 * 15 + 1 + 7 * 7 * 7
	};
	static long seen[CELLS];
	static double of_cell[CELLS];
	dp_gaussian_law law = law_of(epsilon, groups, d, true);
	int			side = d == 3 ? 7 : 15;
	int			cells = (int) pow(side, d);
	long		n = tap_draws(400000);
	double		squares = 0.0;
	double		fourth = 0.0;
	double		product = 0.0;
	bool		fine = true;

	sum_up(&law);
	memset(seen, 0, sizeof(seen));
	of_cell[cells] = 1.0;
	for (int cell = 0; cell < cells; cell++)
	{
		int			z[3];

		for (int i = 0, rest = cell; i < d; i++, rest /= side)
			z[i] = rest % side - side / 2;
		of_cell[cell] = (double) probability(&law, z);
		of_cell[cells] -= of_cell[cell];
	}
	of_cell[cells] = fmax(of_cell[cells], 0.0);
	for (int z = -MOST; z <= MOST; z++)
		fourth += of_coordinate[MOST + z] * z * z * z * z;
	for (long i = 0; i < n; i++)
	{
		double		noise[3] = {0};
		int			cell = 0;

		fine = next_vector(&law, simulated, noise) && fine;
		for (int k = d - 1; k >= 0; k--)
			cell = cell < 0 || fabs(noise[k]) > side / 2 ? -1 : cell * side + (int) noise[k] + side / 2;
		seen[cell < 0 ? cells : cell]++;
		squares += noise[0] * noise[0];
		product += noise[0] * noise[d - 1];
	}
	fourth -= pow(law.deviation, 4);
	fine = fine && fabs(squares / n - law.deviation * law.deviation) < Z_ALPHA * sqrt(fourth / n) + 20.0 / n;
	fine = fine && (d == 1 || fabs(product / n) < Z_ALPHA * law.deviation * law.deviation * sqrt(1.5 / n) + 20.0 / n);
	tap_ok(fine, "%sepsilon %g, %lld groups, d = %d: whole numbers with the variance of the law",
		   simulated ? "simulated, " : "", epsilon, (long long) groups, d);
	tap_fits(seen, of_cell, cells + 1, n, "... and its probabilities");
}

/* The fine lattice, as two normal variables: 20 times 20 cells of equal probability. */
static void
test_fine_draws(const char *what, const dp_gaussian_law *law, bool simulated)
{
	enum
	{
		SLICES = 20
	};
	static long seen[SLICES * SLICES];
	static double of_cell[SLICES * SLICES];
	double		sigma = (double) law->sigma / (double) DP_SCALE;
	long		n = tap_draws(400000);
	double		squares = 0.0;
	bool		fine = true;

	memset(seen, 0, sizeof(seen));
	for (long i = 0; i < n; i++)
	{
		double		noise[DP_MAX_DIMENSIONS];
		int			cell = 0;

		fine = next_vector(law, simulated, noise) && fine;
		for (int k = 0; k < 2; k++)
			cell = cell * SLICES + (int) fmin(SLICES * 0.5 * erfc(-noise[k] / sigma / sqrt(2.0)), SLICES - 1);
		seen[cell]++;
		for (int k = 0; k < law->d; k++)
			squares += noise[k] * noise[k] / (sigma * sigma) / law->d;
	}
	for (int i = 0; i < SLICES * SLICES; i++)
		of_cell[i] = 1.0 / (SLICES * SLICES);
	tap_ok(fine && fabs(squares / n - 1.0) < Z_ALPHA * sqrt(2.0 / n / law->d), "%s%s: the variance of the law",
		   simulated ? "simulated, " : "", what);
	tap_fits(seen, of_cell, SLICES * SLICES, n, "... and its probabilities");
}

/* ----------
 * The gate
 * ----------
 */

static long double
group_delta(double delta, int64_t kept)
{
	return -expm1l(log1pl(-(long double) llround(delta * 1e18) * 1e-18L) / kept);
}

/*
 * A group of exactly 20: with z >= t always, with z = t - 1 if the uniform number is large enough.  All of delta' is used but
 * 1e-6, unless one value more of that number would be too many, or the threshold is the least there is.
 */
static void
test_whole_gate(double epsilon, int64_t groups, int d)
{
	static const double deltas[] = {0.9, 0.3, 0.01, 1e-4, 1e-8, 1e-14, 1e-18};
	static const int64_t kepts[] = {1, 3, 1000, DP_MAX_GROUPS};
	dp_gaussian_law law = law_of(epsilon, groups, d, true);
	int			safe = 0;
	int			tight = 0;
	double		least = 1.0;

	sum_up(&law);
	for (int i = 0; i < 7 * 4; i++)
	{
		long double delta = group_delta(deltas[i / 4], kepts[i % 4]);
		long double passes = 0.0;
		long double unit;		/* of passes: one value of the uniform number */
		dp_int128	tau = 0;
		int			t;

		if (dp_gaussian_gate_threshold(&law, llround(deltas[i / 4] * 1e18), kepts[i % 4], 20, DP_SCALE, &tau) != DP_OK)
			continue;
		tau -= 20 * DP_SCALE;
		t = (int) ((tau + DP_SCALE - 1) / DP_SCALE);
		for (int z = MOST; z >= t; z--)
			passes += of_coordinate[MOST + z];
		unit = of_coordinate[MOST + t - 1] / DP_SCALE;
		passes += unit * (long double) (t * DP_SCALE - tau);
		safe += tau >= 1 && passes <= delta;
		tight += passes >= delta * (1 - 1e-6L) || passes + unit > delta * (1 - 1e-6L) || tau == 1;
		if (unit < 1e-6L * delta && tau > 1)
			least = fmin(least, passes / delta);
	}
	tap_ok(safe == 7 * 4 && tight == 7 * 4 && least < 1.0 && least > 1.0 - 1e-6,
		   "gate at epsilon %g, %lld groups, d = %d: 20 individuals pass with at most delta', and %.8f of it",
		   epsilon, (long long) groups, d, least);
}

/* The fine lattice: laws that are made here and narrow enough to be summed up, at any weight. */
static void
test_narrow_gate(int64_t sigma)
{
	static const double deltas[] = {0.9, 0.3, 0.01, 1e-4, 1e-8, 1e-14, 1e-18};
	dp_gaussian_law law = {.d = 1,.sigma = sigma,.deviation = (double) sigma / DP_SCALE};
	int			range = (int) sigma * 50 + 10;
	long double *tail = calloc(range + 2, sizeof(long double));
	int			safe = 0;
	int			tight = 0;

	for (int z = range; z >= 0; z--)
		tail[z] = tail[z + 1] + expl(-(long double) z * z / (2.0L * sigma * sigma));
	for (int i = 0; i < 7; i++)
	{
		dp_int128	tau = 0;
		int64_t		weight = i % 2 == 0 ? DP_SCALE : 12345;

		if (dp_gaussian_gate_threshold(&law, llround(deltas[i] * 1e18), 3, 20, weight, &tau) != DP_OK)
			continue;
		tau -= 20 * weight;
		safe += tau >= 1 && tail[tau] <= group_delta(deltas[i], 3) * (tail[0] + tail[1]);
		tight += tau <= 3 || tail[tau - 3] > group_delta(deltas[i], 3) * (tail[0] + tail[1]);
	}
	tap_ok(safe == 7 && tight == 7, "gate of a lattice with sigma %lld: the least threshold, or three units more", (long long) sigma);
	free(tail);
}

/* Real laws of the lattice, against the normal tail one unit nearer (gaussian_noise.c). */
static void
test_fine_gate(void)
{
	static const double deltas[] = {0.9, 0.3, 0.01, 1e-4, 1e-8, 1e-14, 1e-18};
	static const double epsilons[] = {1e-4, 0.01, 1, 1000};
	int			wrong = 0;

	for (int i = 0; i < 7 * 4; i++)
	{
		dp_gaussian_law law = law_of(epsilons[i % 4], 1, 3, false);

		for (int64_t kept = 1; kept <= DP_MAX_GROUPS; kept *= 1000)
		{
			long double delta = group_delta(deltas[i / 4], kept);
			dp_int128	tau = 0;
			long double passes;

			wrong += dp_gaussian_gate_threshold(&law, llround(deltas[i / 4] * 1e18), kept, 20, 1000, &tau) != DP_OK;
			tau -= 20 * 1000;
			passes = 0.5L * erfcl((long double) (tau - 1) / law.sigma / sqrtl(2.0L));
			wrong += !(tau >= 1 && passes <= delta && (passes >= delta * (1 - 1e-5L) || tau == 1));
		}
	}
	tap_ok(wrong == 0, "gates of lattices: at most delta', and all of it but 1e-5");
}

/* More delta, or fewer groups, never raise the threshold; more individuals raise it by their weight. */
static void
test_order(void)
{
	int			wrong = 0;

	for (int i = 0; i < 6; i++)
	{
		dp_gaussian_law law = law_of(i / 3 == 0 ? 1 : 0.1, i % 3 + 1, i % 3 + 1, i % 2 == 0);
		dp_int128	last = (dp_int128) 1 << 100;
		dp_int128	more = 0;
		dp_int128	tau = 0;

		for (int64_t delta = 1; delta < ATTO; delta += delta / 50 + 1)
		{
			wrong += dp_gaussian_gate_threshold(&law, delta, 10, 20, DP_SCALE, &tau) != DP_OK || tau > last;
			last = tau;
		}
		last = 0;
		for (int64_t kept = 1; kept <= DP_MAX_GROUPS; kept += kept / 20 + 1)
		{
			wrong += dp_gaussian_gate_threshold(&law, ATTO / 1000, kept, 20, DP_SCALE, &tau) != DP_OK || tau < last;
			last = tau;
		}
		wrong += dp_gaussian_gate_threshold(&law, ATTO / 100, 5, 20, DP_SCALE, &tau) != DP_OK ||
			dp_gaussian_gate_threshold(&law, ATTO / 100, 5, 27, DP_SCALE, &more) != DP_OK ||
			more - tau != 7 * DP_SCALE;
	}
	tap_ok(wrong == 0, "thresholds follow delta, groups and individuals");
}

/* Measured: a group of exactly 20. */
static void
test_pass_rate(double epsilon, int64_t kept, int d, bool counts)
{
	double		delta = (double) group_delta(0.03, kept);
	dp_gaussian_law law = law_of(epsilon, kept, d, counts);
	long		n = tap_draws(400000);
	double		band = 5.6 * sqrt(delta * (1.0 - delta) / (double) n);
	dp_int128	tau = 0;
	long		passes = 0;

	if (dp_gaussian_gate_threshold(&law, 3 * (ATTO / 100), kept, 20, DP_SCALE, &tau) == DP_OK)
		for (long i = 0; i < n; i++)
		{
			dp_int128	z[DP_MAX_DIMENSIONS];
			dp_uint128	u = 0;

			if (dp_gaussian_noise_draw(&rng, &law, z) == DP_OK &&
				(!law.whole || dp_random_below(&rng, DP_SCALE, &u) == DP_OK) &&
				20 * DP_SCALE + z[0] + (dp_int128) u >= tau)
				passes++;
		}
	tap_ok(fabs((double) passes / (double) n - delta) <= band,
		   "pass rate at epsilon %g, %lld groups, d = %d, %s: %.6f of at most %.6f (%ld draws)", epsilon,
		   (long long) kept, d, counts ? "counts" : "values", (double) passes / (double) n, delta, n);
}

/* ----------
 * Arguments and sources
 * ----------
 */

static void
test_ranges(void)
{
	dp_gaussian_law whole = law_of(1, 1, 2, true);
	dp_gaussian_law fine = law_of(1, 1, 2, false);
	dp_gaussian_law law;
	dp_int128	tau = 7;

	tap_ok(!dp_gaussian_law_of(0, 1, 1, true, &law) && !dp_gaussian_law_of(-1, 1, 1, false, &law) &&
		   !dp_gaussian_law_of(PICO, 1, 0, true, &law) && !dp_gaussian_law_of(PICO, 1, -1, true, &law) &&
		   !dp_gaussian_law_of(PICO, 1, DP_MAX_DIMENSIONS + 1, true, &law) &&
		   !dp_gaussian_law_of(PICO, 0, 1, true, &law) && !dp_gaussian_law_of(PICO, -1, 1, false, &law) &&
		   !dp_gaussian_law_of(PICO, DP_MAX_GROUPS + 1, 1, true, &law), "parameters out of range have no law");
	tap_ok(!dp_gaussian_law_of(1, 1, 1, false, &law) && !dp_gaussian_law_of(1, 1, 1, true, &law) &&
		   !dp_gaussian_law_of(1, DP_MAX_GROUPS, DP_MAX_DIMENSIONS, true, &law) &&
		   dp_gaussian_law_of(2, 1, 1, false, &law) && law.sigma <= DP_GAUSSIAN_MAX_SIGMA &&
		   dp_gaussian_law_of(INT64_MAX, 1, 1, true, &law) && law.sigma == 1,
		   "nor have those that need a sigma above the largest");
	tap_ok(dp_gaussian_gate_threshold(&whole, 0, 1, 20, DP_SCALE, &tau) == DP_ERR_RANGE &&
		   dp_gaussian_gate_threshold(&whole, ATTO, 1, 20, DP_SCALE, &tau) == DP_ERR_RANGE &&
		   dp_gaussian_gate_threshold(&whole, 1, 0, 20, DP_SCALE, &tau) == DP_ERR_RANGE &&
		   dp_gaussian_gate_threshold(&whole, 1, DP_MAX_GROUPS + 1, 20, DP_SCALE, &tau) == DP_ERR_RANGE &&
		   dp_gaussian_gate_threshold(&whole, 1, 1, 0, DP_SCALE, &tau) == DP_ERR_RANGE &&
		   dp_gaussian_gate_threshold(&whole, 1, 1, 20, DP_SCALE - 1, &tau) == DP_ERR_RANGE &&
		   dp_gaussian_gate_threshold(&fine, 1, 1, 20, 0, &tau) == DP_ERR_RANGE &&
		   dp_gaussian_gate_threshold(&fine, 1, 1, 20, DP_SCALE + 1, &tau) == DP_ERR_RANGE && tau == 7,
		   "a gate out of range is refused");
	tap_ok(dp_gaussian_gate_threshold(&whole, 1, DP_MAX_GROUPS, INT64_MAX, DP_SCALE, &tau) == DP_OK &&
		   tau > (dp_int128) INT64_MAX * DP_SCALE &&
		   dp_gaussian_gate_threshold(&fine, 1, DP_MAX_GROUPS, INT64_MAX, DP_SCALE, &tau) == DP_OK &&
		   tau > (dp_int128) INT64_MAX * DP_SCALE &&
		   dp_gaussian_gate_threshold(&whole, ATTO - 1, 1, 20, DP_SCALE, &tau) == DP_OK && tau > 20 * DP_SCALE &&
		   dp_gaussian_gate_threshold(&fine, ATTO - 1, 1, 20, 1, &tau) == DP_OK && tau > 20, "the ends of its ranges");
}

/* Random bytes, a number of times; then it fails. */
static int
some_bytes(void *context, unsigned char *buffer, size_t length)
{
	int		   *fills = context;

	return (*fills)-- > 0 ? dp_openssl_bytes(NULL, buffer, length) : -1;
}

static bool
all_zero(const dp_int128 *z, int d)
{
	for (int i = 0; i < d; i++)
		if (z[i] != 0)
			return false;
	return true;
}

static void
test_sources(void)
{
	const dp_gaussian_law laws[] = {
		law_of(1, 1, 1, true), law_of(1, 1, 2, true), law_of(1, 1, DP_MAX_DIMENSIONS, true), law_of(1, 1, DP_MAX_DIMENSIONS, false)
	};
	constant_source source = {0x35, 0};
	dp_int128	z[DP_MAX_DIMENSIONS];
	bool		ended = true;
	bool		clean = true;
	int			failed = 0;
	int			drawn = 0;

	for (int i = 0; i < 4 * 256; i++)
	{
		dp_status	status;

		source.value = (unsigned char) (i / 4);
		source.fills = -1;
		dp_random_init(&rng, constant_bytes, &source);
		status = dp_gaussian_noise_draw(&rng, &laws[i % 4], z);
		ended = ended && (status == DP_OK || (status == DP_ERR_RANDOM && all_zero(z, laws[i % 4].d)));
	}
	tap_ok(ended, "a constant source ends in noise or an error");
	for (int i = 0; i < 4 * 50; i++)
	{
		int			fills = i / 4;
		dp_status	status = DP_OK;

		dp_random_init(&rng, some_bytes, &fills);
		for (int draws = 0; status == DP_OK && draws < 10000; draws++)
		{
			memset(z, 1, sizeof(z));
			status = dp_gaussian_noise_draw(&rng, &laws[i % 4], z);
			drawn += status == DP_OK;
		}
		failed += status == DP_ERR_RANDOM;
		clean = clean && (status == DP_OK || all_zero(z, laws[i % 4].d));
	}
	tap_ok(clean && failed > 100 && drawn > 100, "a source that fails midway leaves no noise");
	dp_random_wipe(&rng);
	dp_random_init(&rng, dp_openssl_bytes, NULL);
}

int
main(void)
{
	dp_gaussian_law values = law_of(0.8, 3, 3, false);
	dp_gaussian_law shorter = law_of(1, 1, 2, false);

	tap_plan(1 + 3 + 4 + 2 + 2 * 10 + 2 * 3 + 7 + 4 + 2 + 5 + 4 + 2);
	dp_random_init(&rng, dp_openssl_bytes, NULL);
	dp_gaussian_shorten(&shorter, 5, 7);

	test_laws();
	test_figures();
	test_divergence(1, 1);
	test_divergence(1, 2);
	test_divergence(1.7, 2);
	test_divergence(3, 3);
	test_shorten();
	test_draws(1, 1, 1, false);
	test_draws(3, 1, 1, false);
	test_draws(0.5, 3, 1, false);
	test_draws(1, 1, 2, false);
	test_draws(2, 7, 2, false);
	test_draws(2, 1, 3, false);
	test_draws(0.7, 1, 1, true);
	test_draws(10, 1, 1, true);
	test_draws(1, 2, 2, true);
	test_draws(1.5, 1, 3, true);
	test_fine_draws("three coordinates in three groups", &values, false);
	test_fine_draws("a step of 5/7", &shorter, false);
	test_fine_draws("three coordinates in three groups", &values, true);
	test_whole_gate(1, 1, 1);
	test_whole_gate(0.05, 4, 1);
	test_whole_gate(10, 1, 1);
	test_whole_gate(1, 1, 2);
	test_whole_gate(0.1, 9, 2);
	test_whole_gate(8, 1, 2);
	test_whole_gate(0.5, 2, 4);
	test_narrow_gate(1);
	test_narrow_gate(3);
	test_narrow_gate(50);
	test_narrow_gate(1000);
	test_fine_gate();
	test_order();
	test_pass_rate(1, 1, 1, true);
	test_pass_rate(1, 2, 2, true);
	test_pass_rate(4, 1, 2, true);
	test_pass_rate(0.5, 1, 3, true);
	test_pass_rate(1, 3, 2, false);
	test_ranges();
	test_sources();
	dp_random_wipe(&rng);
	return tap_done();
}
