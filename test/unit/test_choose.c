/*
 * test_choose.c
 *		Permute-and-flip against its law, and the law against its promise.
 *
 * Statistical checks have a false-alarm rate of ALPHA each; the others have
 * none.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "choose_law.h"
#include "mechanism/bernoulli.h"
#include "mechanism/choose.h"
#include "tap.h"

static dp_random rng;

/* Draws against the law, every candidate a cell. */
static void
test_law(const int *deficits, int m, dp_uint128 p, dp_uint128 q, long draws,
		 const char *name)
{
	static dp_uint128 exact[LAW_MAX];
	static int32_t work[LAW_MAX];
	static double scores[LAW_MAX];
	static double law[LAW_MAX];
	static long seen[LAW_MAX];
	long		n = tap_draws(draws);

	for (int i = 0; i < m; i++)
	{
		exact[i] = (dp_uint128) deficits[i];
		scores[i] = -deficits[i];
		seen[i] = 0;
	}
	choose_law(scores, m, (double) p / (double) q, law);
	for (long i = 0; i < n; i++)
	{
		int			chosen;

		if (dp_choose(&rng, exact, m, p, q, work, &chosen) == DP_OK)
			seen[chosen]++;
	}
	tap_fits(seen, law, m, n, "%s", name);
}

static void
test_laws(void)
{
	static const int one[] = {0};
	static const int pair[] = {0, 1};
	static const int few[] = {3, 0, 1, 1, 7};
	static const int ties[] = {0, 0, 2, 0, 2, 0};
	static const int far[] = {1000, 0, 2000000000, 3};
	static int	many[200];
	const dp_uint128 fine = DP_RATE_MAX_DENOMINATOR;

	for (int i = 0; i < 200; i++)
		many[i] = i * 7 % 60;

	test_law(one, 1, 1, 1, 1000, "one candidate");
	test_law(pair, 2, 1, 1000, 300000, "two, deficit 1/1000");
	test_law(pair, 2, 1, 3, 300000, "two, deficit 1/3");
	test_law(pair, 2, 1, 1, 300000, "two, deficit 1: one coin 2/e");
	test_law(pair, 2, 2, 1, 300000, "two, deficit 2: two of them");
	test_law(pair, 2, 7, 2, 500000, "two, deficit 7/2");
	test_law(pair, 2, 6, 1, 2000000, "two, deficit 6");
	test_law(few, 5, 1, 2, 500000, "five candidates");
	test_law(few, 5, 13, 10, 500000, "five candidates, steeper");
	test_law(few, 5, fine / 3, fine - 1, 200000, "five candidates over 2^100");
	test_law(ties, 6, 1, 1, 500000, "ties at the best and below");
	test_law(far, 4, 2, 3, 200000, "some far below");
	test_law(many, 200, 1, 10, 200000, "200 candidates");
	/* Rates of releases: nano-epsilon over 10^9 weight units of 2^24. */
	test_law(few, 5, 1000, 1000000000, 200000, "epsilon 1e-6");
	test_law(many, 200, 1000, 1000000000, 200000, "epsilon 1e-6, 200 candidates");
	test_law(few, 5, INT64_C(50000000000), 1000000000, 50000, "epsilon 50");
}

/*
 * Many candidates at each of several deficits: coins of e^-3 to e^-11, of which
 * some show heads because there are thousands of candidates.  The law is computed
 * by another form, P(i) = c_i * integral_0^1 prod_{j != i} (1 - c_j + c_j s) ds,
 * as 1/(k+1) is the integral of s^k.  runs: each deficit's candidates are a run,
 * not single candidates.
 */
static void
test_classes(bool runs)
{
	enum
	{
		CLASSES = 10,
		STEPS = 20000
	};
	static const int deficit[CLASSES] = {0, 6, 7, 9, 11, 12, 15, 18, 20, 22};
	static const int size[CLASSES] = {1, 20, 40, 90, 200, 400, 800, 800, 800, 800};
	static dp_uint128 deficits[4096];
	static int	member[4096];
	static int32_t work[4096];
	dp_uint128	of_runs[CLASSES];
	int32_t		starts[CLASSES + 1] = {0};
	long		seen[CLASSES] = {0};
	double		law[CLASSES] = {0};
	double		coin[CLASSES];
	long		n = tap_draws(30000);
	int			m = 0;

	for (int c = 0; c < CLASSES; c++)
	{
		coin[c] = exp(-0.5 * deficit[c]);
		for (int i = 0; i < size[c]; i++)
		{
			member[m] = c;
			deficits[m++] = (dp_uint128) deficit[c];
		}
		of_runs[c] = (dp_uint128) deficit[c];
		starts[c + 1] = m;
	}
	for (int i = 0; i <= STEPS; i++)
	{
		double		s = (double) i / STEPS;
		double		weight = i == 0 || i == STEPS ? 1.0 : i % 2 == 1 ? 4.0 : 2.0;

		for (int c = 0; c < CLASSES; c++)
		{
			double		product = 1.0;

			for (int k = 0; k < CLASSES; k++)
				product *= pow(1.0 - coin[k] + coin[k] * s, size[k] - (k == c));
			law[c] += weight / (3.0 * STEPS) * size[c] * coin[c] * product;
		}
	}
	for (long i = 0; i < n; i++)
	{
		int			chosen;

		if ((runs ? dp_choose_runs(&rng, of_runs, starts, CLASSES, 1, 2, work, &chosen) :
			 dp_choose(&rng, deficits, m, 1, 2, work, &chosen)) == DP_OK)
			seen[member[chosen]]++;
	}
	tap_fits(seen, law, CLASSES, n, "%d candidates in classes%s", m, runs ? ", as runs" : "");
}

/* The coins of the others do not depend on where a candidate stands. */
static void
test_order(void)
{
	static dp_uint128 deficits[100];
	static int32_t work[100];
	long		seen[100] = {0};
	double		even[100];
	long		n = tap_draws(300000);

	for (int i = 0; i < 100; i++)
		even[i] = 0.01;
	for (long i = 0; i < n; i++)
	{
		int			chosen;

		if (dp_choose(&rng, deficits, 100, 1, 1, work, &chosen) == DP_OK)
			seen[chosen]++;
	}
	tap_fits(seen, even, 100, n, "all equally good");
}

/* Within a run, too: each of 300 has the same coin, whatever the place in a word. */
static void
test_places(void)
{
	enum
	{
		PLACES = 300
	};
	static const dp_uint128 deficits[3] = {5, 0, 100000};
	static const int32_t starts[4] = {0, PLACES, PLACES + 1, 2 * PLACES};
	static int32_t work[2 * PLACES];
	static long seen[PLACES + 1];
	static double law[PLACES + 1];
	double		coin = exp(-5);
	double		best = -expm1((PLACES + 1) * log1p(-coin)) / ((PLACES + 1) * coin);
	long		n = tap_draws(300000);
	bool		far = false;

	/* the best shows heads always: P = E(1/(1 + others)), and the others share the rest */
	for (int i = 0; i < PLACES; i++)
		law[i] = (1 - best) / PLACES;
	law[PLACES] = best;
	for (long i = 0; i < n; i++)
	{
		int			chosen;

		if (dp_choose_runs(&rng, deficits, starts, 3, 1, 1, work, &chosen) != DP_OK || chosen > PLACES)
			far = true;
		else
			seen[chosen]++;
	}
	tap_fits(seen, law, PLACES + 1, n, "a run of %d", (int) PLACES);
	tap_ok(!far, "a run too far from the best is never chosen");
}

/*
 * The law of report-noisy-max with exponential noise of rate lambda, by
 * Simpson's rule: P(i) = integral over e of lambda exp(-lambda e)
 * prod_{j != i} P(E_j < u_i + e - u_j).  The integrand has kinks where
 * u_i + e = u_j: scores are multiples of 1/2, and so are the pieces.
 */
static double
noisy_max(const double *scores, int m, double lambda, int i)
{
	const int	pieces = 200;
	const int	steps = 200;
	double		width = 0.5 / steps;
	double		sum = 0.0;

	for (int piece = 0; piece < pieces; piece++)
		for (int k = 0; k <= steps; k++)
		{
			double		e = 0.5 * piece + width * k;
			double		weight = k == 0 || k == steps ? 1.0 : k % 2 == 1 ? 4.0 : 2.0;
			double		value = lambda * exp(-lambda * e);

			for (int j = 0; j < m; j++)
				if (j != i)
					value *= -expm1(-lambda * fmax(0.0, scores[i] + e - scores[j]));
			sum += weight * value;
		}
	return sum * width / 3.0;
}

static void
test_noisy_max(void)
{
	static const double scores[][6] = {
		{0.0, 0.0, 0.0, 0.0, 0.0, 0.0},
		{0.0, -0.5, -1.0, -1.5, -2.0, -2.5},
		{3.0, 3.0, 1.0, -4.0, 2.5, 0.0},
		{0.0, -10.0, -10.0, -10.0, -10.0, -3.0},
	};
	double		worst = 0.0;

	for (int s = 0; s < 4; s++)
		for (int l = 0; l < 3; l++)
		{
			double		lambda = l == 0 ? 0.4 : l == 1 ? 1.0 : 2.0;
			double		law[6];

			choose_law(scores[s], 6, lambda, law);
			for (int i = 0; i < 6; i++)
				worst = fmax(worst, fabs(law[i] - noisy_max(scores[s], 6, lambda, i)));
		}
	tap_ok(worst < 1e-9,
		   "the law is that of report-noisy-max with exponential noise, within %.1e", worst);
}

/*
 * Every pair of neighbours with scores 0 .. 4 and changes in {0, 1/2, 1}: the
 * range of the change is at most 1, and with lambda = epsilon no probability
 * changes by more than e^epsilon.
 */
static void
test_privacy(double epsilon)
{
	double		greatest = 0.0;

	for (int code = 0; code < 5 * 5 * 5 * 5; code++)
	{
		double		scores[4];
		double		law[4];

		for (int i = 0, rest = code; i < 4; i++, rest /= 5)
			scores[i] = rest % 5;
		choose_law(scores, 4, epsilon, law);
		for (int change = 0; change < 3 * 3 * 3 * 3; change++)
		{
			double		others[4];
			double		other_law[4];

			for (int i = 0, rest = change; i < 4; i++, rest /= 3)
				others[i] = scores[i] + 0.5 * (rest % 3);
			choose_law(others, 4, epsilon, other_law);
			greatest = fmax(greatest, greatest_loss(law, other_law, 4));
		}
	}
	tap_ok(greatest <= epsilon * (1.0 + 1e-12) && greatest >= 0.99 * epsilon,
		   "a range of 1 costs at most epsilon = %g, and that is reached: %.6f",
		   epsilon, greatest);
}

static void
test_arguments(void)
{
	const dp_uint128 most = ~(dp_uint128) 0;
	dp_uint128	deficits[3] = {0, most, 1};
	dp_uint128	none[2] = {1, 2};
	constant_source source = {0, 0};
	int32_t		work[3];
	int			chosen = 7;
	bool		refused;

	dp_random_init(&rng, constant_bytes, &source);
	refused = dp_choose(&rng, deficits, 0, 1, 1, work, &chosen) == DP_ERR_RANGE &&
		dp_choose(&rng, deficits, -1, 1, 1, work, &chosen) == DP_ERR_RANGE &&
		dp_choose(&rng, deficits, DP_CHOOSE_MAX + 1, 1, 1, work, &chosen) == DP_ERR_RANGE &&
		dp_choose(&rng, deficits, 3, 0, 1, work, &chosen) == DP_ERR_RANGE &&
		dp_choose(&rng, deficits, 3, 1, 0, work, &chosen) == DP_ERR_RANGE &&
		dp_choose(&rng, deficits, 3, 1, DP_RATE_MAX_DENOMINATOR + 1, work, &chosen) == DP_ERR_RANGE;
	tap_ok(refused && chosen == -1, "parameters out of range are refused");
	tap_ok(dp_choose(&rng, none, 2, 1, 1, work, &chosen) == DP_ERR_RANGE && chosen == -1,
		   "no candidate without a deficit is refused");
	tap_ok(dp_choose(&rng, deficits, 3, 2, 1, work, &chosen) == DP_ERR_RANGE && chosen == -1,
		   "a product of 2^128 or more is refused");

	refused = dp_choose_runs(&rng, deficits, (int32_t[]) {0, 0, 2}, 2, 1, 1, work, &chosen) == DP_ERR_RANGE &&
		dp_choose_runs(&rng, deficits, (int32_t[]) {1, 2}, 1, 1, 1, work, &chosen) == DP_ERR_RANGE &&
		dp_choose_runs(&rng, deficits, (int32_t[]) {0}, 0, 1, 1, work, &chosen) == DP_ERR_RANGE &&
		dp_choose_runs(&rng, deficits, (int32_t[]) {0, DP_CHOOSE_MAX + 1}, 1, 1, 1, work, &chosen) == DP_ERR_RANGE;
	tap_ok(refused && chosen == -1, "so are runs that are none");

	dp_random_init(&rng, dp_openssl_bytes, NULL);
	tap_ok(dp_choose(&rng, deficits, 2, 1, 1, work, &chosen) == DP_OK && chosen == 0,
		   "a deficit of 2^128 - 1 is not, nor is it chosen");
	deficits[1] = 1;
	tap_ok(dp_choose(&rng, deficits, 2, most, 1, work, &chosen) == DP_OK && chosen == 0,
		   "nor a rate of 2^128 - 1");
}

static void
test_bad_sources(void)
{
	static dp_uint128 deficits[2000];
	static int32_t work[2000];
	constant_source source;
	bool		failed = true;
	bool		bounded = true;
	bool		ones;
	int			chosen;

	for (int i = 0; i < 2000; i++)
		deficits[i] = (dp_uint128) (i % 50);

	for (int fills = 0; fills < 5; fills++)
	{
		dp_status	status = DP_OK;

		source.value = 0x35;
		source.fills = fills;
		dp_random_init(&rng, constant_bytes, &source);
		for (int i = 0; i < 1000 && status == DP_OK; i++)
		{
			chosen = 7;
			status = dp_choose(&rng, deficits, 2000, 1, 1, work, &chosen);
		}
		failed = failed && status == DP_ERR_RANDOM && chosen == -1;
	}
	tap_ok(failed, "a failing source is an error");

	for (int byte = 0; byte < 256; byte++)
		for (dp_uint128 q = 1; q < ((dp_uint128) 1 << 99); q = q * 40 + 3)
		{
			dp_status	status;

			source.value = (unsigned char) byte;
			source.fills = -1;
			dp_random_init(&rng, constant_bytes, &source);
			status = dp_choose(&rng, deficits, 2000, q / 3 + 1, q, work, &chosen);
			bounded = bounded && ((status == DP_OK && chosen >= 0 && chosen < 2000) ||
								  (status == DP_ERR_RANDOM && chosen == -1));
		}
	tap_ok(bounded, "a constant source ends in a candidate or an error");

	source.value = 255;
	source.fills = -1;
	dp_random_init(&rng, constant_bytes, &source);
	ones = dp_choose(&rng, deficits, 2000, 1, 1, work, &chosen) == DP_ERR_RANDOM;
	tap_ok(ones, "all ones are an error: heads without end");
	dp_random_init(&rng, dp_openssl_bytes, NULL);
}

/* Not a test: how long one selection among 65,536 takes. */
static void
note_speed(const char *name, dp_uint128 step, dp_uint128 p, dp_uint128 q)
{
	enum
	{
		M = 65536
	};
	static dp_uint128 deficits[M];
	static int32_t work[M];
	long		n = tap_draws(200);
	struct timespec start;
	struct timespec end;
	int			chosen;

	for (int i = 0; i < M; i++)
		deficits[i] = (dp_uint128) abs(i - M / 3) * step;
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (long i = 0; i < n; i++)
		if (dp_choose(&rng, deficits, M, p, q, work, &chosen) != DP_OK)
			return;
	clock_gettime(CLOCK_MONOTONIC, &end);
	printf("# 65536 candidates, %s: %.3f ms\n", name,
		   ((double) (end.tv_sec - start.tv_sec) * 1e3 +
			(double) (end.tv_nsec - start.tv_nsec) * 1e-6) / (double) n);
}

int
main(void)
{
	const dp_uint128 q = (dp_uint128) 1000000000 * ((dp_uint128) 1 << 24) * 1000000;

	tap_plan(16 + 2 + 1 + 2 + 1 + 3 + 6 + 3);
	dp_random_init(&rng, dp_openssl_bytes, NULL);

	test_laws();
	test_classes(false);
	test_classes(true);
	test_order();
	test_places();
	test_noisy_max();
	test_privacy(0.1);
	test_privacy(1.0);
	test_privacy(5.0);
	test_arguments();
	test_bad_sources();

	/* Deficits of step individuals per cell, at the rates of a median. */
	note_speed("one individual per cell, epsilon 1",
			   ((dp_uint128) 1 << 24) * 1000000, 1000000000, q);
	note_speed("1000 per cell, epsilon 1",
			   ((dp_uint128) 1000 << 24) * 1000000, 1000000000, q);
	note_speed("one per cell, epsilon 1e-6",
			   ((dp_uint128) 1 << 24) * 1000000, 1000, q);
	note_speed("all equal", 0, 1000000000, q);
	return tap_done();
}
