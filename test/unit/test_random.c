/*
 * test_random.c
 *		Buffer, wiping, failures and uniformity of the random integers.
 *
 * Statistical checks have a false-alarm rate of ALPHA each; the others have
 * none.
 */
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define DRAWS 1000000

static dp_random rng;

/* Bytes 0, 1, 2, ... 250, 0, ...: a period that does not divide the buffer. */
static int
counting_bytes(void *ctx, unsigned char *buf, size_t len)
{
	unsigned char *next = ctx;

	for (size_t i = 0; i < len; i++)
	{
		buf[i] = *next;
		*next = (unsigned char) ((*next + 1) % 251);
	}
	return 0;
}

/* Two given bytes, then ones, and nothing after one buffer. */
typedef struct pair_source
{
	unsigned char first;
	unsigned char second;
	bool		spent;
} pair_source;

static int
pair_bytes(void *ctx, unsigned char *buf, size_t len)
{
	pair_source *source = ctx;

	if (source->spent)
		return 1;
	source->spent = true;
	memset(buf, 0xff, len);
	buf[0] = source->first;
	buf[1] = source->second;
	return 0;
}

/* Fills the buffer and fails all the same. */
static int
half_failing_bytes(void *ctx, unsigned char *buf, size_t len)
{
	(void) ctx;
	memset(buf, 0xa5, len);
	return 1;
}

static bool
all_zero(const unsigned char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

static void
test_buffer(void)
{
	unsigned char next = 0;
	unsigned char expected = 0;
	bool		in_order = true;
	bool		wiped = true;
	uint64_t	value;
	dp_uint128	below;

	dp_random_init(&rng, counting_bytes, &next);
	/* Draws of 1 and 8 bytes in turn, so that they straddle refills. */
	for (int i = 0; i < 10000; i++)
	{
		if (dp_random_u64(&rng, &value) != DP_OK)
			in_order = false;
		for (int k = 0; k < 8; k++)
		{
			in_order = in_order && (unsigned char) (value >> (8 * k)) == expected;
			expected = (unsigned char) ((expected + 1) % 251);
		}
		wiped = wiped && all_zero(rng.buf, rng.used);
		if (dp_random_below(&rng, 256, &below) != DP_OK)
			in_order = false;
		in_order = in_order && below == expected;
		expected = (unsigned char) ((expected + 1) % 251);
		wiped = wiped && all_zero(rng.buf, rng.used);
	}
	tap_ok(in_order, "every byte of the source is used once, in order");
	tap_ok(wiped, "used bytes are wiped from the buffer");
	dp_random_wipe(&rng);
	tap_ok(all_zero(rng.buf, DP_RANDOM_BUFFER) && rng.used == DP_RANDOM_BUFFER,
		   "dp_random_wipe leaves nothing");
	tap_ok(dp_random_u64(&rng, &value) == DP_OK, "and the generator stays usable");
}

static void
test_failures(void)
{
	constant_source source = {0x5a, 2};
	uint64_t	value = 1;
	dp_uint128	below = 1;
	int			good = 0;
	bool		bounded = true;

	dp_random_init(&rng, half_failing_bytes, NULL);
	tap_ok(dp_random_u64(&rng, &value) == DP_ERR_RANDOM && value == 0 &&
		   all_zero(rng.buf, DP_RANDOM_BUFFER),
		   "a failing source is an error and leaves no byte");
	tap_ok(dp_random_below(&rng, 10, &below) == DP_ERR_RANDOM && below == 0,
		   "dp_random_below reports the failure");

	dp_random_init(&rng, constant_bytes, &source);
	while (good < 1000 && dp_random_u64(&rng, &value) == DP_OK)
		good++;
	tap_ok(good == 2 * DP_RANDOM_BUFFER / 8 && value == 0 &&
		   dp_random_u64(&rng, &value) == DP_ERR_RANDOM,
		   "old bytes are not used again after a failure");
	/* The buffer is no multiple of 3 bytes: this failure is in the middle of a draw. */
	source.fills = 1;
	good = 0;
	while (good < 1000 && dp_random_below(&rng, 1 << 24, &below) == DP_OK)
		good++;
	tap_ok(good == DP_RANDOM_BUFFER / 3 && below == 0,
		   "a failure in the middle of a draw is an error");

	tap_ok(dp_random_below(&rng, 0, &below) == DP_ERR_RANGE, "bound 0 is refused");
	tap_ok(dp_random_below(&rng, 1, &below) == DP_OK && below == 0,
		   "bound 1 needs no randomness");

	for (int byte = 0; byte < 256; byte++)
		for (int bits = 1; bits < 128; bits++)
		{
			dp_status	status;

			source.value = (unsigned char) byte;
			source.fills = -1;
			dp_random_init(&rng, constant_bytes, &source);
			status = dp_random_below(&rng, ((dp_uint128) 1 << bits) + 1, &below);
			bounded = bounded && (status == DP_OK || status == DP_ERR_RANDOM);
			if (byte == 255)
				bounded = bounded && status == DP_ERR_RANDOM;
		}
	tap_ok(bounded, "a constant source ends in a value or an error, never in a loop");
}

/* Every pair of bytes in turn: each value must come from equally many pairs. */
static void
test_exactness(int bound)
{
	static int	seen[65536];
	dp_uint128	value;
	int			pairs = 0;
	int			bits = 0;
	bool		equal = true;

	while ((1 << bits) < bound)
		bits++;
	memset(seen, 0, sizeof(seen));
	for (int pair = 0; pair < 65536; pair++)
	{
		pair_source source = {(unsigned char) pair, (unsigned char) (pair >> 8), false};

		/* A draw of one byte must find only ones if it tries again. */
		if (bits <= 8)
			source.second = 0xff;
		dp_random_init(&rng, pair_bytes, &source);
		if (dp_random_below(&rng, (dp_uint128) bound, &value) != DP_OK)
			continue;
		if (value >= (dp_uint128) bound)
			equal = false;
		else
			seen[(int) value]++;
		pairs++;
	}
	for (int i = 0; i < bound; i++)
		equal = equal && seen[i] == 65536 >> bits;
	tap_ok(equal && pairs == bound * (65536 >> bits),
		   "bound %d: every value from exactly %d of 65536 inputs",
		   bound, 65536 >> bits);
}

/* Small bounds cell by cell. */
static void
test_small_bound(int bound)
{
	long	   *seen = calloc((size_t) bound, sizeof(long));
	double	   *law = calloc((size_t) bound, sizeof(double));
	dp_uint128	value;
	long		n = tap_draws(DRAWS);

	for (long i = 0; i < n; i++)
		if (dp_random_below(&rng, (dp_uint128) bound, &value) == DP_OK &&
			value < (dp_uint128) bound)
			seen[(int) value]++;
	for (int i = 0; i < bound; i++)
		law[i] = 1.0 / bound;
	tap_fits(seen, law, bound, n, "uniform below %d", bound);
	free(seen);
	free(law);
}

/*
 * Large bounds in 16 ranges, and by their remainders modulo 13; a bound is
 * large enough for the unevenness of both to be far below what is measured.
 */
static void
test_large_bound(dp_uint128 bound, const char *name)
{
	long		ranges[16] = {0};
	long		remainders[13] = {0};
	double		range_law[16];
	double		remainder_law[13];
	dp_uint128	value;
	long		n = tap_draws(DRAWS);

	for (int i = 0; i < 16; i++)
		range_law[i] = 1.0 / 16;
	for (int i = 0; i < 13; i++)
		remainder_law[i] = 1.0 / 13;
	for (long i = 0; i < n; i++)
	{
		if (dp_random_below(&rng, bound, &value) != DP_OK || value >= bound)
			continue;
		/* value * 16 would overflow; the last range takes the remainder */
		ranges[value / (bound / 16) > 15 ? 15 : (int) (value / (bound / 16))]++;
		remainders[(int) (value % 13)]++;
	}
	tap_fits(ranges, range_law, 16, n, "uniform below %s, by size", name);
	tap_fits(remainders, remainder_law, 13, n, "uniform below %s, modulo 13", name);
}

static void
test_bits(void)
{
	long		ones[64] = {0};
	uint64_t	value;
	long		n = tap_draws(DRAWS);
	double		p = 1.0;
	double		law[2] = {0.5, 0.5};

	for (long i = 0; i < n; i++)
		if (dp_random_u64(&rng, &value) == DP_OK)
			for (int k = 0; k < 64; k++)
				ones[k] += (long) (value >> k & 1);
	for (int k = 0; k < 64; k++)
	{
		long		seen[2] = {n - ones[k], ones[k]};
		double		one = chi_square_p(seen, law, 2, n);

		if (one < p)
			p = one;
	}
	tap_ok(p >= ALPHA / 64, "64 fair bits (least p = %.3g)", p);
}

int
main(void)
{
	static const int small[] = {2, 3, 7, 10, 256, 257, 1000};

	tap_plan(11 + 4 + 7 + 8 + 1);
	test_buffer();
	test_failures();
	test_exactness(2);
	test_exactness(200);
	test_exactness(300);
	test_exactness(40000);

	dp_random_init(&rng, dp_openssl_bytes, NULL);
	for (size_t i = 0; i < sizeof(small) / sizeof(small[0]); i++)
		test_small_bound(small[i]);
	test_large_bound(((dp_uint128) 1 << 64) + 1, "2^64 + 1");
	test_large_bound((dp_uint128) 1000000000000007 << 30, "(10^15 + 7) 2^30");
	test_large_bound((dp_uint128) 3 << 126, "3 * 2^126");
	test_large_bound(~(dp_uint128) 0, "2^128 - 1");
	test_bits();
	dp_random_wipe(&rng);
	return tap_done();
}
