/*
 * test_decimal.c
 *		Stored numerics as doubles: what is read must be what strtod() makes of the printed
 *		value, as numeric_float8_no_overflow() does.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "spec/decimal.h"
#include "tap.h"

#define MOST_DIGITS 12

/* Digits of base 10000 and what stands around them. */
typedef struct decimal
{
	bool		negative;
	int			weight;
	int			n;
	int			digits[MOST_DIGITS];
} decimal;

static uint64_t random_state = 1;

/* A number below n; the same in each run. */
static int
below(int n)
{
	random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (int) ((random_state >> 33) % (uint64_t) n);
}

/* The bytes that numeric.c stores (make_result), at an odd address; their number. */
static size_t
store(const decimal *value, bool may_be_short, char *bytes)
{
	uint16_t	words[MOST_DIGITS + 2];
	size_t		n = 0;

	if (may_be_short && value->weight >= -64 && value->weight <= 63)
		words[n++] = (uint16_t) (0x8000 | (value->negative ? 0x2000 : 0) | (2 << 7) |
								 (value->weight & 0x7F));
	else
	{
		words[n++] = (uint16_t) ((value->negative ? 0x4000 : 0) | 2);
		words[n++] = (uint16_t) value->weight;
	}
	for (int i = 0; i < value->n; i++)
		words[n++] = (uint16_t) value->digits[i];
	memcpy(bytes, words, n * sizeof(uint16_t));
	return n * sizeof(uint16_t);
}

static double
printed(const decimal *value)
{
	char		text[MOST_DIGITS * 4 + 32];
	size_t		length = 0;

	if (value->n == 0)
		return 0;
	text[length++] = value->negative ? '-' : '+';
	for (int i = 0; i < value->n; i++)
		length += (size_t) sprintf(text + length, "%04d", value->digits[i]);
	sprintf(text + length, "e%d", 4 * (value->weight - value->n + 1));
	return strtod(text, NULL);
}

/* Without zeros at either end, as numerics are stored. */
static void
trim(decimal *value)
{
	while (value->n > 0 && value->digits[value->n - 1] == 0)
		value->n--;
	while (value->n > 0 && value->digits[0] == 0)
	{
		memmove(value->digits, value->digits + 1, (size_t) --value->n * sizeof(int));
		value->weight--;
	}
	if (value->n == 0)
	{
		value->negative = false;
		value->weight = 0;
	}
}

/* Is what is read exact?  Counts what is left to the ordinary way. */
static bool
reads_exactly(const decimal *value, bool may_be_short, long *left)
{
	char		bytes[1 + (MOST_DIGITS + 2) * sizeof(uint16_t)];
	size_t		length = store(value, may_be_short, bytes + 1);
	double		x = 12345;

	if (!decimal_read(bytes + 1, length, &x))
	{
		(*left)++;
		return x == 12345;
	}
	return x == printed(value);
}

/* Values of up to "most" digits, of weights from -spread to spread. */
static void
test_random(int most, int spread, bool may_be_short, double most_left, const char *name)
{
	long		tries = tap_draws(1000000);
	long		wrong = 0;
	long		left = 0;

	for (long i = 0; i < tries; i++)
	{
		decimal		value = {.negative = below(2) == 1,.weight = below(2 * spread + 1) - spread};

		value.n = 1 + below(most);
		for (int j = 0; j < value.n; j++)
			value.digits[j] = below(4) == 0 ? (below(2) == 0 ? 9999 : 0) : below(10000);
		trim(&value);
		wrong += !reads_exactly(&value, may_be_short, &left);
	}
	tap_ok(wrong == 0 && (double) left <= most_left * (double) tries,
		   "%s: %ld of %ld differ, %ld are left to the ordinary way", name, wrong, tries, left);
}

/* Each amount of money up to 10^10 with two decimals takes the short way. */
static void
test_money(void)
{
	long		wrong = 0;
	long		left = 0;

	for (long i = 0; i < tap_draws(1000000); i++)
	{
		int			size = below(3);
		decimal		value = {.negative = below(2) == 1,.weight = 2,.n = 4};

		value.digits[0] = size == 2 ? below(100) : 0;
		value.digits[1] = size >= 1 ? below(10000) : 0;
		value.digits[2] = below(10000);
		value.digits[3] = below(100) * 100;
		trim(&value);
		wrong += !reads_exactly(&value, true, &left);
	}
	tap_ok(wrong == 0 && left == 0, "numeric(12,2) is read at once: %ld wrong, %ld left", wrong, left);
}

static bool
reads(const char *bytes, size_t length, double expected)
{
	double		x = 12345;

	return decimal_read(bytes, length, &x) && (x == expected || (isnan(x) && isnan(expected)));
}

static bool
leaves(const char *bytes, size_t length)
{
	double		x = 12345;

	return !decimal_read(bytes, length, &x) && x == 12345;
}

/* One digit, or several, by hand. */
static bool
is(uint16_t header, int n, const uint16_t *words, double expected)
{
	uint16_t	stored[8] = {header};

	for (int i = 0; i < n; i++)
		stored[1 + i] = words[i];
	return reads((const char *) stored, (size_t) (n + 1) * sizeof(uint16_t), expected);
}

static void
test_known(void)
{
	tap_ok(is(0xC000, 0, NULL, NAN), "NaN");
	tap_ok(is(0xD000, 0, NULL, INFINITY) && is(0xF000, 0, NULL, -INFINITY), "infinities");
	tap_ok(is(0x8000, 0, NULL, 0) && is(0x8100, 0, NULL, 0), "zero, and 0.00");
	tap_ok(is(0x8000, 1, (uint16_t[]) {7}, 7) && is(0xA000, 1, (uint16_t[]) {7}, -7), "7 and -7");
	tap_ok(is(0x80FF, 1, (uint16_t[]) {5000}, 0.5), "0.5 has the weight -1");
	tap_ok(is(0x8101, 3, (uint16_t[]) {12, 3456, 7800}, 123456.78), "123456.78");
	tap_ok(is(0x8003, 1, (uint16_t[]) {1}, 1e12), "negative scale: 1e12");
	tap_ok(is(0x0002, 2, (uint16_t[]) {0, 42}, 42) && is(0x4002, 2, (uint16_t[]) {0, 42}, -42),
		   "the long form");
	tap_ok(is(0x0002, 2, (uint16_t[]) {(uint16_t) -1, 1}, 1e-4), "the long form, below one");
	tap_ok(is(0x8003, 4, (uint16_t[]) {9007, 1992, 5474, 992}, 9007199254740992.0), "2^53");
	tap_ok(leaves((const char *) (uint16_t[]) {0x8003, 9007, 1992, 5474, 993}, 10),
		   "2^53 + 1 takes the ordinary way");
	tap_ok(leaves((const char *) (uint16_t[]) {0x0002, 30, 1}, 6), "so does 1e120");
	tap_ok(leaves((const char *) (uint16_t[]) {0x0002, (uint16_t) -31, 1}, 6), "so does 1e-124");
	tap_ok(leaves("", 0) && leaves("x", 1) && leaves((const char *) (uint16_t[]) {0x0002}, 2),
		   "less than a numeric is none");
}

/* The decimals a short numeric of these words shows and needs. */
static bool
scales(uint16_t header, int n, const uint16_t *words, int shown, int needed)
{
	uint16_t	stored[8] = {header};
	int			s = -1;
	int			w = -1;

	for (int i = 0; i < n; i++)
		stored[1 + i] = words[i];
	return decimal_scales((const char *) stored, (size_t) (n + 1) * sizeof(uint16_t), &s, &w) &&
		s == shown && w == needed;
}

static void
test_scales(void)
{
	int			s;
	int			w;

	tap_ok(scales(0x8000, 0, NULL, 0, 0) && scales(0x8100, 0, NULL, 2, 0), "decimals of 0 and 0.00");
	tap_ok(scales(0x8000, 1, (uint16_t[]) {7}, 0, 0) && scales(0xA100, 1, (uint16_t[]) {7}, 2, 0),
		   "of 7 and -7.00");
	tap_ok(scales(0x8101, 3, (uint16_t[]) {12, 3456, 7800}, 2, 2) &&
		   scales(0x8181, 3, (uint16_t[]) {12, 3456, 7800}, 3, 2), "of 123456.78 and 123456.780");
	tap_ok(scales(0x80FF, 1, (uint16_t[]) {5000}, 1, 1), "of 0.5");
	tap_ok(scales(0x82FE, 1, (uint16_t[]) {1200}, 5, 6), "of 0.000012, which shows less than it has");
	tap_ok(scales(0x8003, 1, (uint16_t[]) {1}, 0, 0), "of 1e12");
	tap_ok(!decimal_scales((const char *) (uint16_t[]) {0x0002, 0, 42}, 6, &s, &w) &&
		   !decimal_scales((const char *) (uint16_t[]) {0xC000}, 2, &s, &w) &&
		   !decimal_scales("", 0, &s, &w), "the long form, NaN and nothing are left");
	tap_ok(!decimal_scales((const char *) (uint16_t[]) {0x80FF, 0}, 4, &s, &w),
		   "so is a zero digit at the end");
}

int
main(void)
{
	tap_plan(28);
	test_scales();
	test_known();
	test_money();
	test_random(3, 5, true, 0.15, "up to 3 digits");
	test_random(4, 3, true, 0.15, "up to 4 digits");
	test_random(MOST_DIGITS, 80, true, 1, "of all sizes");
	test_random(MOST_DIGITS, 80, false, 1, "of all sizes, in the long form");
	test_random(2, 3, false, 0, "of 2 digits, in the long form");
	return tap_done();
}
