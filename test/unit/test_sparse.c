/*
 * test_sparse.c
 *		Histograms, the most frequent value, and their thresholds.
 *
 * Statistical checks have a false-alarm rate of ALPHA each; the others have
 * none.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "choose_law.h"
#include "mechanism/noise_internal.h"
#include "mechanism/rank.h"
#include "mechanism/sparse.h"
#include "tap.h"

#define NANO INT64_C(1000000000)
#define ATTO INT64_C(1000000000000000000)

static dp_random rng;
static dp_uint128 work_deficits[LAW_MAX + 1];
static int32_t work_order[LAW_MAX + 1];
static const dp_choose_work work = {work_deficits, work_order, NULL};

/*
 * The noise of two cells of a histogram of m: each in 16 cells of equal
 * probability by the Laplace law, jointly uniform if they are independent.
 */
static void
test_noise(double epsilon, int64_t groups, int m, long draws)
{
	static int64_t weights[64];
	dp_int128	noisy[64];
	long		seen[256] = {0};
	double		even[256];
	double		rate = epsilon / (double) groups / (double) DP_SCALE;
	long		n = tap_draws(draws);

	for (int i = 0; i < 256; i++)
		even[i] = 1.0 / 256;
	for (int i = 0; i < m; i++)
		weights[i] = (int64_t) i * i * DP_CELL_SCALE / 3;
	for (long i = 0; i < n; i++)
	{
		int			code = 0;

		if (dp_sparse_noise(&rng, llround(epsilon * 1e9), groups, weights, m, noisy) != DP_OK)
			continue;
		for (int k = 0; k < 2; k++)
		{
			int			cell = k == 0 ? 0 : m - 1;
			double		z = (double) (noisy[cell] - (dp_int128) weights[cell] * 64);
			double		tail = 0.5 * exp(-rate * fabs(z));
			int			part = (int) ((z < 0 ? tail : 1.0 - tail) * 16);

			code = code * 16 + (part < 16 ? part : 15);
		}
		seen[code]++;
	}
	tap_fits(seen, even, 256, n, "noise of two of %d cells at epsilon %g, %lld groups",
			 m, epsilon, (long long) groups);
}

static void
test_noise_arguments(void)
{
	int64_t		weights[3] = {0, 1, INT64_C(1) << 57};
	int64_t		negative[3] = {0, -1, 0};
	dp_int128	noisy[3] = {7, 7, 7};
	constant_source source = {0x35, 1};
	bool		refused;

	refused = dp_sparse_noise(&rng, NANO, 1, weights, 0, noisy) == DP_ERR_RANGE &&
		noisy[0] == 7;
	refused = refused && dp_sparse_noise(&rng, 0, 1, weights, 3, noisy) == DP_ERR_RANGE &&
		noisy[0] == 0 && noisy[2] == 0;
	refused = refused && dp_sparse_noise(&rng, NANO, 0, weights, 3, noisy) == DP_ERR_RANGE;
	refused = refused && dp_sparse_noise(&rng, NANO, 1, negative, 3, noisy) == DP_ERR_RANGE &&
		noisy[0] == 0;
	tap_ok(refused, "noise: parameters out of range are refused");
	tap_ok(dp_sparse_noise(&rng, 1000 * NANO, 1, weights, 3, noisy) == DP_OK &&
		   noisy[2] > (dp_int128) 1 << 62, "the largest weight");

	dp_random_init(&rng, constant_bytes, &source);
	refused = false;
	for (int i = 0; i < 1000 && !refused; i++)
		refused = dp_sparse_noise(&rng, NANO, 1, weights, 3, noisy) == DP_ERR_RANDOM;
	tap_ok(refused && noisy[0] == 0 && noisy[1] == 0 && noisy[2] == 0,
		   "a failing source is an error, and no noise is left");
	dp_random_init(&rng, dp_openssl_bytes, NULL);
}

/*
 * P(sum of m Laplace variables >= s), otherwise than in sparse.c: the sum is
 * X - Y of two Gamma(m) variables, integrated over Y by Simpson's rule.
 */
static double
sum_tail(int m, double s)
{
	const int	steps = 4000;
	double		spread = 14.0 * sqrt(m) + 40.0;
	double		from = fmax(0.0, m - spread);
	double		width = (m + spread - from) / steps;
	double		sum = 0.0;

	for (int i = 0; i <= steps; i++)
	{
		double		weight = i == 0 || i == steps ? 1.0 : i % 2 == 1 ? 4.0 : 2.0;
		double		y = from + width * i;
		double		density = y > 0.0 ? exp((m - 1) * log(y) - y - lgamma(m)) :
			m == 1 ? 1.0 : 0.0;

		sum += weight * density * upper_gamma(m, y + s);
	}
	return sum * width / 3.0;
}

/* The threshold of the total in a histogram's gate, which has 7/8 of delta' if m > 1. */
static dp_status
sum_threshold(int64_t epsilon_nano, int64_t delta_atto, int64_t groups, int m,
			  int64_t individuals, dp_int128 *tau)
{
	dp_histogram_gate gate = {0, 0};
	dp_status	status = dp_histogram_gate_threshold(epsilon_nano, delta_atto, groups,
													 groups, m, individuals, DP_SCALE, &gate);

	if (status == DP_OK)
		*tau = gate.sum;
	return status;
}

/* Thresholds against this tail: never above the share of delta', and how near. */
static void
test_sum_threshold(int m, double least)
{
	static const int64_t groups[] = {1, 5, 1000};
	static const double deltas[] = {0.4, 0.05, 1e-4, 1e-8};
	bool		safe = true;
	double		nearest = 1.0;
	double		greatest = 0.0;

	for (int g = 0; g < 3; g++)
		for (int k = 0; k < 4; k++)
			for (int e = 0; e < 3; e++)
			{
				double		epsilon = e == 0 ? 1e-3 : e == 1 ? 1.0 : 50.0;
				int64_t		delta_atto = llround(deltas[k] * 1e18);
				double		delta = dp_gate_group_delta(delta_atto, groups[g]) * (m > 1 ? 0.875 : 1.0);
				dp_int128	tau = 0;
				double		s;
				double		tail;

				safe = safe &&
					sum_threshold(llround(epsilon * 1e9), delta_atto,
								  groups[g], m, 20, &tau) == DP_OK;
				s = (double) (tau - 20 * (dp_int128) DP_SCALE) * epsilon /
					(double) groups[g] / (double) DP_SCALE;
				tail = sum_tail(m, s);
				safe = safe && tail <= delta * (1.0 + 1e-7);
				nearest = fmin(nearest, tail / delta);
				greatest = fmax(greatest, tail / delta);
			}
	tap_ok(safe && nearest > least && greatest < 1.0 + 1e-7,
		   "sum of %d cells: the tail at tau is %.5f to %.5f of delta'", m, nearest, greatest);
}

static void
test_sum_thresholds(void)
{
	static const int64_t epsilons[] = {1, NANO / 10, NANO, DP_MAX_EPSILON_NANO};
	static const int64_t deltas[] = {1, ATTO / 1000000, ATTO / 20, ATTO - 1};
	bool		same = true;
	bool		ascending = true;
	bool		ends = true;
	dp_int128	before = 0;
	dp_int128	tau = 7;
	dp_int128	other = 0;
	double		jump;

	for (int e = 0; e < 4; e++)
		for (int k = 0; k < 4; k++)
		{
			same = same &&
				sum_threshold(epsilons[e], deltas[k], 3, 1, 20, &tau) == DP_OK &&
				dp_gate_threshold(epsilons[e], deltas[k], 3, 3, 1, 20, DP_SCALE, &other) == DP_OK &&
				fabs((double) (tau - other)) <= 1e-9 * (double) other;
			ends = ends && sum_threshold(epsilons[e], deltas[k], DP_MAX_GROUPS,
										 INT32_MAX, INT64_MAX, &tau) == DP_OK &&
				tau > (dp_int128) INT64_MAX * DP_SCALE;
		}
	tap_ok(same, "one cell: the threshold of the gate at d = 1");
	tap_ok(ends, "the ends of every range");

	for (int m = 1; m <= DP_SUM_EXACT_CELLS; m++)
	{
		ascending = ascending &&
			sum_threshold(NANO, ATTO / 100000000, 1, m, 20, &tau) == DP_OK &&
			tau > before;
		before = tau;
	}
	tap_ok(ascending, "more cells raise it");
	jump = sum_threshold(NANO, ATTO / 100000000, 1, DP_SUM_EXACT_CELLS + 1, 20,
						 &tau) == DP_OK ? (double) tau / (double) before : 0.0;
	tap_ok(jump > 1.0 && jump < 1.08, "the bound of Chernoff costs %.4f", jump);

	test_sum_threshold(1, 0.99999);
	test_sum_threshold(2, 0.99999);
	test_sum_threshold(3, 0.99999);
	test_sum_threshold(30, 0.9999);
	test_sum_threshold(DP_SUM_EXACT_CELLS, 0.999);
	/* A bound beyond: it is up to some factor of 20 in probability. */
	test_sum_threshold(1000, 0.02);
	test_sum_threshold(65536, 0.02);
}

/*
 * Measured: the gate of m noisy cells of exactly 20 individuals of that weight, which are spread over
 * them, or all in one.  It passes at delta' at most, and nearly that often where either way
 * is likely to be met.
 */
static void
test_histogram_gate(int m, bool spread, int64_t weight, double least, long draws)
{
	static int64_t weights[400];
	static dp_int128 noisy[400];
	const double delta = 0.05;
	long		n = tap_draws(draws);
	double		band = 5.6 * sqrt(delta * (1.0 - delta) / (double) n);
	dp_histogram_gate gate;
	long		passes = 0;

	memset(weights, 0, sizeof(weights));
	for (int i = 0; i < 20; i++)
		weights[spread ? i % m : 0] += weight;
	if (dp_histogram_gate_threshold(NANO, ATTO / 20, 1, 1, m, 20,
									weight * (DP_SCALE / DP_CELL_SCALE), &gate) == DP_OK)
		for (long i = 0; i < n; i++)
		{
			dp_int128	total = 0;
			dp_int128	largest = 0;

			if (dp_sparse_noise(&rng, NANO, 1, weights, m, noisy) != DP_OK)
				continue;
			for (int k = 0; k < m; k++)
			{
				total += noisy[k];
				largest = noisy[k] > largest ? noisy[k] : largest;
			}
			if (total >= gate.sum || largest >= gate.largest)
				passes++;
		}
	tap_ok((double) passes / (double) n <= delta + band &&
		   (n < draws || (double) passes / (double) n >= least * delta - band),
		   "20 individuals in %d cells%s, of weight %.2f each, pass at %.4f of at most %.4f (%ld draws)",
		   m, spread ? "" : ", all in one", (double) weight / (double) DP_CELL_SCALE, (double) passes / (double) n, delta, n);
}

/*
 * The threshold of the largest cell is 2.1 individuals above that of bins, which has all of
 * delta', whatever m is; that of a single cell has all of it, too.
 */
static void
test_histogram_thresholds(void)
{
	static const int cells[] = {1, 2, 10, 1000};
	bool		fine = true;

	for (int i = 0; i < 4; i++)
	{
		dp_histogram_gate gate = {0, 0};
		dp_int128	bins = 0;
		double		above;

		fine = fine &&
			dp_histogram_gate_threshold(NANO, ATTO / 100000000, 1, 1, cells[i], 20, DP_SCALE,
										&gate) == DP_OK &&
			dp_bins_threshold(NANO, ATTO / 100000000, 1, cells[i], 20, &bins) == DP_OK;
		above = (double) (gate.largest - bins) / (double) DP_SCALE;
		fine = fine && fabs(above - (cells[i] > 1 ? log(8.0) : 0.0)) < 1e-6 &&
			gate.largest <= gate.sum + (cells[i] > 1 ? 0 : 2);
	}
	tap_ok(fine, "the threshold of the largest cell does not grow with their number");
}

/* The exact tail P(z >= t) of a discrete Laplace variable. */
static long double
exact_tail(long double rate, dp_int128 t)
{
	return expl(-rate * (long double) t) / (1.0L + expl(-rate));
}

static void
test_category_threshold(void)
{
	static const int64_t rows[] = {1, 2, 30, DP_SPARSE_MAX_ROWS};
	static const int64_t groups[] = {1, 7, DP_MAX_GROUPS};
	static const int64_t deltas[] = {1, ATTO / 1000000, ATTO / 20, ATTO / 2};
	bool		safe = true;
	double		nearest = 1.0;
	dp_int128	tau = 7;
	dp_int128	other = 0;

	for (int r = 0; r < 4; r++)
		for (int g = 0; g < 3; g++)
			for (int k = 0; k < 4; k++)
			{
				long double rate = 1.0L / groups[g] / DP_SCALE;
				long double tail;
				long double delta = -expm1l(log1pl(-(long double) deltas[k] / 1e18L) / groups[g]);
				long double any;

				safe = safe && dp_category_threshold(NANO, deltas[k], groups[g], rows[r],
													 20, &tau) == DP_OK;
				tail = exact_tail(rate, tau - 20 * (dp_int128) DP_SCALE);
				any = -expm1l(rows[r] * log1pl(-tail));
				safe = safe && any <= delta;
				nearest = fmin(nearest, (double) (any / delta));
			}
	tap_ok(safe && nearest > 0.9999,
		   "any of `rows` categories reaches tau with delta' at most, and %.6f of it",
		   nearest);
	tap_ok(dp_category_threshold(NANO, ATTO / 100, 3, 1, 20, &tau) == DP_OK &&
		   dp_gate_threshold(NANO, ATTO / 100, 3, 3, 1, 20, DP_SCALE, &other) == DP_OK && tau == other,
		   "one row: the threshold of the gate");
	tau = 7;
	tap_ok(dp_category_threshold(0, 1, 1, 1, 20, &tau) == DP_ERR_RANGE &&
		   dp_category_threshold(NANO, 0, 1, 1, 20, &tau) == DP_ERR_RANGE &&
		   dp_category_threshold(NANO, 1, 0, 1, 20, &tau) == DP_ERR_RANGE &&
		   dp_category_threshold(NANO, 1, 1, 0, 20, &tau) == DP_ERR_RANGE &&
		   dp_category_threshold(NANO, 1, 1, DP_SPARSE_MAX_ROWS + 1, 20, &tau) == DP_ERR_RANGE &&
		   dp_category_threshold(NANO, 1, 1, 1, 0, &tau) == DP_ERR_RANGE &&
		   dp_bins_threshold(0, 1, 1, 1, 20, &tau) == DP_ERR_RANGE &&
		   dp_bins_threshold(NANO, ATTO, 1, 1, 20, &tau) == DP_ERR_RANGE &&
		   dp_bins_threshold(NANO, 1, 1, 0, 20, &tau) == DP_ERR_RANGE &&
		   dp_bins_threshold(NANO, 1, 1, 1, -1, &tau) == DP_ERR_RANGE &&
		   sum_threshold(0, 1, 1, 1, 20, &tau) == DP_ERR_RANGE &&
		   sum_threshold(NANO, 0, 1, 1, 20, &tau) == DP_ERR_RANGE &&
		   sum_threshold(NANO, 1, 1, 0, 20, &tau) == DP_ERR_RANGE &&
		   sum_threshold(NANO, 1, DP_MAX_GROUPS + 1, 1, 20, &tau) == DP_ERR_RANGE &&
		   tau == 7,
		   "thresholds: parameters out of range are refused");
}

/* 20 individuals over m bins in several ways; the exact law of the maximum. */
static void
test_bins_threshold(void)
{
	static const double epsilons[] = {0.001, 0.1, 1.0, 50.0};
	static const int bins[] = {1, 2, 20, 128, 2000};
	bool		safe = true;
	double		nearest = 1.0;

	for (int e = 0; e < 4; e++)
		for (int b = 0; b < 5; b++)
			for (int k = 0; k < 3; k++)
			{
				int64_t		delta_atto = k == 0 ? ATTO / 2 : k == 1 ? ATTO / 100 : ATTO / 1000000000;
				long double rate = (long double) epsilons[e] / 3 / DP_SCALE;
				long double delta = -expm1l(log1pl(-(long double) delta_atto / 1e18L) / 3);
				double		worst = 0.0;
				dp_int128	tau = 0;

				safe = safe && dp_bins_threshold(llround(epsilons[e] * 1e9), delta_atto, 3,
												 bins[b], 20, &tau) == DP_OK;
				/* `full` bins share them all evenly. */
				for (int full = 1; full <= bins[b] && full <= 20; full++)
				{
					long double with = exact_tail(rate, tau - 20 / full * (dp_int128) DP_SCALE);
					long double without = exact_tail(rate, tau);
					long double any = -expm1l(full * log1pl(-with) +
											  (bins[b] - full) * log1pl(-without));

					safe = safe && any <= delta;
					worst = fmax(worst, (double) (any / delta));
				}
				/* The union bound is near where delta' is small. */
				if (k == 2)
					nearest = fmin(nearest, worst);
			}
	tap_ok(safe && nearest > 0.99999,
		   "any bin reaches tau with delta' at most, and %.6f of it", nearest);
}

/* Draws of the most frequent category against its law. */
static void
test_mode(double epsilon, double delta, int64_t groups, int64_t rows, long draws,
		  const char *name)
{
	enum
	{
		M = 7
	};
	static const int64_t individuals[M] = {19, 20, 25, 40, 19, 30, 0};
	static const double sizes[M] = {19.0, 18.5, 25.0, 33.25, 10.0, 30.0, 0.0};
	static const int visible[4] = {1, 2, 3, 5};
	int64_t		weights[M];
	double		scores[5];
	double		law[M + 1] = {0.0};
	double		part[5];
	long		seen[M + 1] = {0};
	long		n = tap_draws(draws);
	dp_int128	threshold = 0;
	bool		exact;

	exact = dp_mode_threshold(llround(epsilon * 1e9), llround(delta * 1e18), groups,
							  rows, 20, &threshold) == DP_OK;
	for (int i = 0; i < M; i++)
		weights[i] = (int64_t) (sizes[i] * (double) DP_CELL_SCALE);
	for (int i = 0; i < 4; i++)
		scores[i] = sizes[visible[i]];
	scores[4] = (double) threshold / (double) DP_CELL_SCALE;
	choose_law(scores, 5, epsilon / (double) groups, part);
	for (int i = 0; i < 4; i++)
		law[visible[i]] = part[i];
	law[M] = part[4];
	for (long i = 0; i < n && exact; i++)
	{
		int			chosen;

		if (dp_mode_choose(&rng, llround(epsilon * 1e9), llround(delta * 1e18), groups,
						   rows, 20, weights, individuals, M, &work, &chosen) == DP_OK)
			seen[chosen < 0 ? M : chosen]++;
	}
	tap_fits(seen, law, M + 1, n, "mode, %s: none has %.4f", name, law[M]);
}

/*
 * (epsilon, delta) by enumeration.  Four categories of 0 .. 5 individuals, of
 * which those with 3 or more are visible, and an individual that enters up to
 * `rows` of them with weights that sum to 1; some become visible by that.  In
 * both directions the probabilities above e^epsilon times the others sum to at
 * most delta.
 */
static void
test_mode_privacy(double epsilon, double delta, int rows)
{
	enum
	{
		M = 4
	};
	double		worst = 0.0;
	double		loss = 0.0;
	dp_int128	threshold = 0;
	bool		found;

	found = dp_mode_threshold(llround(epsilon * 1e9), llround(delta * 1e18), 1, rows, 3,
							  &threshold) == DP_OK;
	for (int code = 0; code < 6 * 6 * 6 * 6; code++)
		for (int mask = 1; mask < 1 << M; mask++)
			for (int uneven = 0; uneven < 2; uneven++)
			{
				double		law[2][M + 1] = {{0.0}};
				double		excess[2] = {0.0};
				int			touched = __builtin_popcount((unsigned) mask);

				if (touched > rows)
					continue;
				for (int k = 0; k < 2; k++)
				{
					double		scores[M + 1];
					double		part[M + 1];
					int			index[M + 1];
					int			n = 0;

					for (int i = 0, rest = code; i < M; i++, rest /= 6)
					{
						bool		enters = k == 1 && (mask >> i & 1) == 1;
						bool		first = (mask & ((1 << i) - 1)) == 0;
						double		weight = rest % 6;

						/* Evenly, or all in the first of them. */
						if (enters)
							weight += uneven ? (first ? 1.0 : 0.0) : 1.0 / touched;
						if (rest % 6 + (enters ? 1 : 0) < 3)
							continue;
						scores[n] = weight;
						index[n++] = i;
					}
					scores[n] = (double) threshold / (double) DP_CELL_SCALE;
					index[n++] = M;
					choose_law(scores, n, epsilon, part);
					for (int i = 0; i < n; i++)
						law[k][index[i]] = part[i];
				}
				for (int i = 0; i <= M; i++)
				{
					excess[0] += fmax(0.0, law[1][i] - exp(epsilon) * law[0][i]);
					excess[1] += fmax(0.0, law[0][i] - exp(epsilon) * law[1][i]);
					if (law[0][i] > 0.0 && law[1][i] > 0.0)
						loss = fmax(loss, fabs(log(law[0][i] / law[1][i])));
				}
				worst = fmax(worst, fmax(excess[0], excess[1]));
			}
	tap_ok(found && worst <= delta && worst >= 0.3 * delta,
		   "mode at epsilon %g, delta %g, %d rows: delta %.3g is used (loss elsewhere %.3f)",
		   epsilon, delta, rows, worst, loss);
}

static void
test_mode_arguments(void)
{
	int64_t		weights[2] = {30 * DP_CELL_SCALE, 5 * DP_CELL_SCALE};
	int64_t		heavy[2] = {30 * DP_CELL_SCALE + 1, 0};
	int64_t		negative[2] = {0, -1};
	int64_t		individuals[2] = {30, 19};
	const int64_t most = DP_RANK_MAX_INDIVIDUALS;
	constant_source no_source = {0, 0};
	int			chosen = 7;
	dp_int128	threshold = 7;
	bool		refused;
	bool		accepted = true;

#define TRY(e, d, g, r, min, w, m) \
	dp_mode_choose(&rng, (e), (d), (g), (r), (min), (w), individuals, (m), &work, &chosen)
	refused = TRY(0, 1, 1, 1, 20, weights, 2) == DP_ERR_RANGE &&
		TRY(NANO, 0, 1, 1, 20, weights, 2) == DP_ERR_RANGE &&
		TRY(NANO, ATTO, 1, 1, 20, weights, 2) == DP_ERR_RANGE &&
		TRY(NANO, 1, 0, 1, 20, weights, 2) == DP_ERR_RANGE &&
		TRY(NANO, 1, 1, 0, 20, weights, 2) == DP_ERR_RANGE &&
		TRY(NANO, 1, 1, DP_SPARSE_MAX_ROWS + 1, 20, weights, 2) == DP_ERR_RANGE &&
		TRY(NANO, 1, 1, 1, 0, weights, 2) == DP_ERR_RANGE &&
		TRY(NANO, 1, 1, 1, most + 1, weights, 2) == DP_ERR_RANGE &&
		TRY(NANO, 1, 1, 1, 20, weights, -1) == DP_ERR_RANGE &&
		TRY(NANO, 1, 1, 1, 20, weights, DP_CHOOSE_MAX) == DP_ERR_RANGE &&
		TRY(NANO, 1, 1, 1, 20, heavy, 2) == DP_ERR_RANGE &&
		TRY(NANO, 1, 1, 1, 20, negative, 2) == DP_ERR_RANGE &&
		dp_mode_threshold(NANO, 1, 1, 0, 20, &threshold) == DP_ERR_RANGE && threshold == 7;
	tap_ok(refused && chosen == -1, "mode: parameters out of range are refused");
	tap_ok(TRY(DP_MAX_EPSILON_NANO, ATTO - 1, 1, 1, 20, weights, 2) == DP_OK && chosen == 0,
		   "a clear one is chosen");
	tap_ok(TRY(NANO, ATTO / 2, 1, 1, 20, weights, 0) == DP_OK && chosen == -1 &&
		   TRY(NANO, ATTO / 2, 1, 1, 31, weights, 2) == DP_OK && chosen == -1,
		   "none, where none is visible");

	individuals[0] = most;
	weights[0] = most * DP_CELL_SCALE;
	for (int e = 0; e < 2; e++)
		for (int d = 0; d < 2; d++)
			for (int g = 0; g < 2; g++)
				for (int r = 0; r < 2; r++)
					accepted = accepted &&
						TRY(e ? DP_MAX_EPSILON_NANO : 1, d ? ATTO - 1 : 1,
							g ? DP_MAX_GROUPS : 1, r ? DP_SPARSE_MAX_ROWS : 1,
							r ? most : 1, weights, 2) == DP_OK;
	tap_ok(accepted, "the ends of every range are accepted");

	dp_random_init(&rng, constant_bytes, &no_source);
	chosen = 7;
	tap_ok(TRY(NANO, ATTO / 2, 1, 1, 1, weights, 2) == DP_ERR_RANDOM && chosen == -1,
		   "a failing source is an error");
	dp_random_init(&rng, dp_openssl_bytes, NULL);
#undef TRY
}

/* Not a test: how long a histogram takes. */
static void
note_speed(void)
{
	enum
	{
		M = 10000
	};
	static int64_t weights[M];
	static dp_int128 noisy[M];
	struct timespec start;
	struct timespec end;

	clock_gettime(CLOCK_MONOTONIC, &start);
	if (dp_sparse_noise(&rng, NANO, 1, weights, M, noisy) != DP_OK)
		return;
	clock_gettime(CLOCK_MONOTONIC, &end);
	printf("# noise of %d cells: %.3f ms\n", M,
		   (double) (end.tv_sec - start.tv_sec) * 1e3 +
		   (double) (end.tv_nsec - start.tv_nsec) * 1e-6);
}

int
main(void)
{
	tap_plan(5 + 3 + 11 + 6 + 4 + 7 + 4 + 5);
	dp_random_init(&rng, dp_openssl_bytes, NULL);

	test_noise(1.0, 1, 2, 150000);
	test_noise(0.1, 7, 5, 60000);
	test_noise(1e-6, 1, 2, 100000);
	test_noise(50.0, 1, 2, 100000);
	test_noise(1.0, 1, 64, 10000);
	test_noise_arguments();
	test_sum_thresholds();
	test_histogram_gate(1, true, DP_CELL_SCALE, 0.99, 100000);
	test_histogram_gate(2, false, DP_CELL_SCALE, 0.8, 100000);
	test_histogram_gate(10, true, DP_CELL_SCALE, 0.8, 50000);
	test_histogram_gate(10, false, DP_CELL_SCALE, 0.8, 50000);
	test_histogram_gate(400, false, DP_CELL_SCALE, 0.6, 1500);
	test_histogram_gate(10, true, DP_CELL_SCALE / 5, 0.8, 50000);
	test_histogram_thresholds();
	test_category_threshold();
	test_bins_threshold();
	test_mode(1.0, 1e-4, 1, 3, 200000, "epsilon 1");
	test_mode(1.0, 1e-4, 3, 3, 200000, "3 groups");
	test_mode(0.2, 0.05, 1, 1, 200000, "epsilon 0.2");
	test_mode(2.0, 1e-8, 1, 100, 200000, "100 rows");
	test_mode(1e-6, 0.5, 1, 1, 200000, "epsilon 1e-6");
	test_mode(50.0, 1e-9, 1, 1, 100000, "epsilon 50");
	test_mode_privacy(1.0, 0.01, 1);
	test_mode_privacy(1.0, 0.1, 2);
	test_mode_privacy(0.3, 0.05, 4);
	test_mode_privacy(3.0, 1e-6, 3);
	test_mode_arguments();
	note_speed();
	return tap_done();
}
