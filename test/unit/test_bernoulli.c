/*
 * test_bernoulli.c
 *		Exact coins and geometric variables against their laws.
 *
 * Statistical checks have a false-alarm rate of ALPHA each; the others have
 * none.
 */
#include <math.h>

#include "mechanism/bernoulli.h"
#include "tap.h"

#define DRAWS 1000000

static dp_random rng;

typedef dp_status (*coin_fn) (dp_random *, dp_uint128, dp_uint128, bool *);

static void
test_coin(coin_fn coin, dp_uint128 p, dp_uint128 q, double expected,
		  const char *name)
{
	long		seen[2] = {0, 0};
	double		law[2] = {1.0 - expected, expected};
	long		n = tap_draws(DRAWS);
	bool		heads;

	for (long i = 0; i < n; i++)
		if (coin(&rng, p, q, &heads) == DP_OK)
			seen[heads ? 1 : 0]++;
	tap_fits(seen, law, 2, n, "%s: %.6g, measured %.6g", name, expected,
			 (double) seen[1] / (double) n);
}

/* A coarse rate: every value is a cell. */
static void
test_geometric_coarse(int p, int q)
{
	enum
	{
		CELLS = 64
	};
	long		seen[CELLS] = {0};
	double		law[CELLS];
	double		rate = (double) p / q;
	long		n = tap_draws(DRAWS);
	dp_uint128	x;

	for (long i = 0; i < n; i++)
		if (dp_geometric(&rng, (dp_uint128) p, (dp_uint128) q, &x) == DP_OK)
			seen[x < CELLS - 1 ? (int) x : CELLS - 1]++;
	for (int i = 0; i < CELLS - 1; i++)
		law[i] = -expm1(-rate) * exp(-rate * i);
	law[CELLS - 1] = exp(-rate * (CELLS - 1));
	tap_fits(seen, law, CELLS, n, "geometric of rate %d/%d", p, q);
}

/* A fine rate: the probability integral transform in 100 cells. */
static void
test_geometric_fine(dp_uint128 p, dp_uint128 q, const char *name)
{
	enum
	{
		CELLS = 100
	};
	long		seen[CELLS] = {0};
	double		law[CELLS];
	double		rate = (double) p / (double) q;
	long		n = tap_draws(DRAWS);
	dp_uint128	x;

	for (long i = 0; i < n; i++)
		if (dp_geometric(&rng, p, q, &x) == DP_OK)
		{
			int			cell = (int) (-expm1(-rate * ((double) x + 0.5)) * CELLS);

			seen[cell < CELLS ? cell : CELLS - 1]++;
		}
	for (int i = 0; i < CELLS; i++)
		law[i] = 1.0 / CELLS;
	tap_fits(seen, law, CELLS, n, "geometric of rate %s", name);
}

/* Values of a coarse rate are independent of each other: pairs in 8 x 8 cells. */
static void
test_geometric_pairs(void)
{
	long		seen[64] = {0};
	double		law[64];
	double		one[8];
	long		n = tap_draws(DRAWS / 2);
	dp_uint128	x;
	dp_uint128	y;

	for (long i = 0; i < n; i++)
		if (dp_geometric(&rng, 1, 3, &x) == DP_OK &&
			dp_geometric(&rng, 1, 3, &y) == DP_OK)
			seen[(x < 7 ? (int) x : 7) * 8 + (y < 7 ? (int) y : 7)]++;
	for (int i = 0; i < 7; i++)
		one[i] = -expm1(-1.0 / 3) * exp(-i / 3.0);
	one[7] = exp(-7.0 / 3);
	for (int i = 0; i < 64; i++)
		law[i] = one[i / 8] * one[i % 8];
	tap_fits(seen, law, 64, n, "consecutive geometrics are independent");
}

static void
test_ranges(void)
{
	const dp_uint128 most = DP_RATE_MAX_DENOMINATOR;
	bool		heads = true;
	dp_uint128	x = 1;

	tap_ok(dp_bernoulli(&rng, 1, 0, &heads) == DP_ERR_RANGE && !heads &&
		   dp_bernoulli(&rng, 2, 1, &heads) == DP_ERR_RANGE,
		   "a probability above 1 is refused");
	tap_ok(dp_bernoulli_exp(&rng, 1, 0, &heads) == DP_ERR_RANGE &&
		   dp_bernoulli_exp(&rng, 1, most + 1, &heads) == DP_ERR_RANGE,
		   "exp: a denominator out of range is refused");
	tap_ok(dp_geometric(&rng, 1, 0, &x) == DP_ERR_RANGE && x == 0 &&
		   dp_geometric(&rng, 0, 1, &x) == DP_ERR_RANGE &&
		   dp_geometric(&rng, 1, most + 1, &x) == DP_ERR_RANGE,
		   "geometric: a rate out of range is refused");
	tap_ok(dp_bernoulli_exp(&rng, ~(dp_uint128) 0, 1, &heads) == DP_OK && !heads,
		   "exp(-(2^128 - 1)) is false, at once");
}

static void
test_bad_sources(void)
{
	constant_source source = {0, 0};
	bool		heads = true;
	bool		bounded = true;
	bool		bad = true;
	dp_uint128	x = 1;

	dp_random_init(&rng, constant_bytes, &source);
	tap_ok(dp_bernoulli(&rng, 1, 3, &heads) == DP_ERR_RANDOM && !heads &&
		   dp_bernoulli_exp(&rng, 1, 3, &heads) == DP_ERR_RANDOM && !heads &&
		   dp_geometric(&rng, 1, 3, &x) == DP_ERR_RANDOM && x == 0,
		   "a failing source is an error");

	for (int byte = 0; byte < 256; byte++)
		for (dp_uint128 q = 3; q < ((dp_uint128) 1 << 99); q = q * 5 + 2)
		{
			dp_status	status;

			source.value = (unsigned char) byte;
			source.fills = -1;
			dp_random_init(&rng, constant_bytes, &source);
			status = dp_geometric(&rng, 1, q, &x);
			bounded = bounded && (status == DP_OK || status == DP_ERR_RANDOM);
			if (byte == 0 || byte == 255)
				bad = bad && status == DP_ERR_RANDOM;
			status = dp_bernoulli_exp(&rng, 10 * q + 1, q, &heads);
			bounded = bounded && (status == DP_OK || status == DP_ERR_RANDOM);
		}
	tap_ok(bounded, "a constant source ends in a value or an error");
	tap_ok(bad, "all zeros and all ones are errors");
}

int
main(void)
{
	const dp_uint128 big = (dp_uint128) 1 << 100;
	const dp_uint128 nano = (dp_uint128) 1000000000 << 30;

	tap_plan(5 + 11 + 6 + 4 + 1 + 4 + 3);
	dp_random_init(&rng, dp_openssl_bytes, NULL);

	test_coin(dp_bernoulli, 0, 5, 0.0, "coin 0/5");
	test_coin(dp_bernoulli, 5, 5, 1.0, "coin 5/5");
	test_coin(dp_bernoulli, 1, 3, 1.0 / 3, "coin 1/3");
	test_coin(dp_bernoulli, 1, 1000, 0.001, "coin 1/1000");
	test_coin(dp_bernoulli, (dp_uint128) 7 << 124, (dp_uint128) 9 << 124, 7.0 / 9,
			  "coin 7 2^124 / 9 2^124");

	test_coin(dp_bernoulli_exp, 0, 1, 1.0, "exp(0)");
	test_coin(dp_bernoulli_exp, 1, 1000, exp(-0.001), "exp(-1/1000)");
	test_coin(dp_bernoulli_exp, 1, 3, exp(-1.0 / 3), "exp(-1/3)");
	test_coin(dp_bernoulli_exp, 1, 2, exp(-0.5), "exp(-1/2)");
	test_coin(dp_bernoulli_exp, 9, 10, exp(-0.9), "exp(-9/10)");
	test_coin(dp_bernoulli_exp, 1, 1, exp(-1.0), "exp(-1)");
	test_coin(dp_bernoulli_exp, 3, 2, exp(-1.5), "exp(-3/2)");
	test_coin(dp_bernoulli_exp, 2, 1, exp(-2.0), "exp(-2)");
	test_coin(dp_bernoulli_exp, 51, 10, exp(-5.1), "exp(-51/10)");
	test_coin(dp_bernoulli_exp, big / 3, big, exp(-1.0 / 3), "exp(-1/3) over 2^100");
	test_coin(dp_bernoulli_exp, 2 * big + big / 2, big, exp(-2.5),
			  "exp(-5/2) over 2^100");

	test_geometric_coarse(1, 10);
	test_geometric_coarse(1, 3);
	test_geometric_coarse(7, 10);
	test_geometric_coarse(1, 1);
	test_geometric_coarse(5, 2);
	test_geometric_coarse(6, 1);
	test_geometric_fine(1, (dp_uint128) 1 << 30, "1/2^30");
	test_geometric_fine(123456789, nano * 7, "123456789/(7 10^9 2^30)");
	test_geometric_fine(1, nano * 1000000, "1/(10^15 2^30), the finest");
	test_geometric_fine(3, big - 1, "3/(2^100 - 1)");
	test_geometric_pairs();

	test_ranges();
	test_bad_sources();
	return tap_done();
}
