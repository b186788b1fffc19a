/*
 * test_gaussian.c
 *		The discrete Gaussian against its law.
 */
#include <math.h>
#include <string.h>

#include "mechanism/gaussian.h"
#include "tap.h"

static dp_random rng;

/* Points -RADIUS .. RADIUS are cells of their own, and the rest one more. */
enum
{
	RADIUS = 40,
	CELLS = 2 * RADIUS + 2
};

static double
weight(double sigma, int z)
{
	return exp(-0.5 * z * z / (sigma * sigma));
}

static void
test_law(const char *what, double sigma, dp_status (*draw) (dp_random *, int64_t, dp_int128 *), int64_t parameter)
{
	static long seen[CELLS];
	static double law[CELLS];
	double		total = 0.0;
	long		n = tap_draws(1000000);
	long		failed = 0;

	memset(seen, 0, sizeof(seen));
	for (int z = -1000; z <= 1000; z++)
		total += weight(sigma, z);
	law[CELLS - 1] = 1.0;
	for (int i = 0; i < CELLS - 1; i++)
		law[CELLS - 1] -= law[i] = weight(sigma, i - RADIUS) / total;
	law[CELLS - 1] = fmax(law[CELLS - 1], 0.0);
	for (long i = 0; i < n; i++)
	{
		dp_int128	z;

		if (draw(&rng, parameter, &z) != DP_OK)
			failed++;
		seen[z < -RADIUS || z > RADIUS ? CELLS - 1 : (int) z + RADIUS]++;
	}
	tap_ok(failed == 0, "%s: no draw fails", what);
	tap_fits(seen, law, CELLS, n, "%s: all points have their probabilities", what);
}

/* On a fine lattice the law is the normal one: 40 cells of equal probability. */
static void
test_fine(int64_t sigma)
{
	enum
	{
		SLICES = 40
	};
	long		seen[SLICES] = {0};
	double		law[SLICES];
	double		sum = 0.0;
	long		n = tap_draws(1000000);

	for (long i = 0; i < n; i++)
	{
		dp_int128	z = 0;
		double		x;

		dp_gaussian_draw(&rng, sigma, &z);
		x = (double) z / (double) sigma;
		sum += x * x;
		seen[(int) fmin(SLICES * 0.5 * erfc(-x / sqrt(2.0)), SLICES - 1)]++;
	}
	for (int i = 0; i < SLICES; i++)
		law[i] = 1.0 / SLICES;
	tap_fits(seen, law, SLICES, n, "sigma 2^%d: the law is normal", (int) log2((double) sigma));
	tap_ok(fabs(sum / n - 1.0) < Z_ALPHA * sqrt(2.0 / n), "... and the variance sigma^2");
}

static void
test_ranges(void)
{
	dp_int128	z = 7;
	constant_source zeros = {0x00, -1};
	constant_source ones = {0xff, -1};
	constant_source none = {0x5a, 0};
	dp_random	constant;

	tap_ok(dp_gaussian_draw(&rng, 0, &z) == DP_ERR_RANGE && z == 0, "sigma 0 is refused");
	tap_ok(dp_gaussian_draw(&rng, DP_GAUSSIAN_MAX_SIGMA + 1, &z) == DP_ERR_RANGE, "a sigma over the largest is refused");
	tap_ok(dp_gaussian_draw_parts(&rng, 0, &z) == DP_ERR_RANGE &&
		   dp_gaussian_draw_parts(&rng, DP_GAUSSIAN_PARTS * DP_GAUSSIAN_PARTS + 1, &z) == DP_ERR_RANGE, "also in parts");
	z = 7;
	dp_random_init(&constant, constant_bytes, &none);
	tap_ok(dp_gaussian_draw(&constant, 5, &z) == DP_ERR_RANDOM && z == 0, "a source that fails is an error");
	dp_random_init(&constant, constant_bytes, &zeros);
	tap_ok(dp_gaussian_draw(&constant, 5, &z) == DP_ERR_RANDOM, "a source of zeros ends");
	dp_random_init(&constant, constant_bytes, &ones);
	tap_ok(dp_gaussian_draw(&constant, 5, &z) == DP_ERR_RANDOM, "a source of ones ends");
}

int
main(void)
{
	tap_plan(6 + 2 * 6 + 2 * 3);
	dp_random_init(&rng, dp_openssl_bytes, NULL);
	test_ranges();
	test_law("sigma 1", 1.0, dp_gaussian_draw, 1);
	test_law("sigma 3", 3.0, dp_gaussian_draw, 3);
	test_law("sigma 1 in parts", 1.0, dp_gaussian_draw_parts, DP_GAUSSIAN_PARTS);
	test_law("sigma 0.2", 205.0 / DP_GAUSSIAN_PARTS, dp_gaussian_draw_parts, 205);
	test_law("sigma 1.7", 1741.0 / DP_GAUSSIAN_PARTS, dp_gaussian_draw_parts, 1741);
	test_law("sigma 9.3", 9523.0 / DP_GAUSSIAN_PARTS, dp_gaussian_draw_parts, 9523);
	test_fine(INT64_C(1) << 20);
	test_fine(INT64_C(1) << 31);
	test_fine(DP_GAUSSIAN_MAX_SIGMA);
	dp_random_wipe(&rng);
	return tap_done();
}
