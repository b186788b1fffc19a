/*
 * test_decimal_sum.c
 *		Sums, differences and products of stored numerics: the words must be those that numeric.c stores for
 *		the exact result, here computed with 128 bits.
 */
#include <stdio.h>

#include "spec/decimal_sum.h"
#include "tap.h"

/* The result has this exponent before it is written: below those of all operands and products. */
#define LEAST_EXPONENT (-4)

static uint64_t random_state = 1;

/* A number below n; the same in each run. */
static int
below(int n)
{
	random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (int) ((random_state >> 33) % (uint64_t) n);
}

/* The words of value * 10000^LEAST_EXPONENT as numeric.c writes them (make_result), which shows so many decimals; their number. */
static int
write_words(__int128 value, int shown, uint16_t *words)
{
	unsigned __int128 m = value < 0 ? -(unsigned __int128) value : (unsigned __int128) value;
	uint16_t	digits[16];
	int			n = 0;
	int			weight;
	int			last = 0;

	for (; m != 0; m /= 10000)
		digits[n++] = (uint16_t) (m % 10000);
	weight = n == 0 ? 0 : LEAST_EXPONENT + n - 1;
	while (last < n && digits[last] == 0)
		last++;
	words[0] = (uint16_t) (0x8000 | (value < 0 ? 0x2000 : 0) | (shown << 7) | (weight < 0 ? 0x40 : 0) | (weight & 0x3F));
	for (int i = last; i < n; i++)
		words[n - i] = digits[i];
	return n - last + 1;
}

/* An operand: up to so many digits, of which the last has the exponent 0, -1 or -2; its value at LEAST_EXPONENT. */
static __int128
operand(int most, uint16_t *words, int *n, int *shown)
{
	int			exponent = -below(3);
	__int128	value = 0;

	for (int i = below(most + 1); i > 0; i--)
		value = value * 10000 + (below(4) == 0 ? (below(2) == 0 ? 9999 : 0) : below(10000));
	for (int i = LEAST_EXPONENT; i < exponent; i++)
		value *= 10000;
	if (below(2) == 0)
		value = -value;
	*shown = -4 * exponent + below(4);
	*n = write_words(value, *shown, words);
	return value;
}

typedef enum operation
{
	ADD,
	SUBTRACT,
	MULTIPLY
} operation;

static bool
compute(operation how, const uint16_t *a, int na, const uint16_t *b, int nb, uint16_t *words, int *n)
{
	Decimal		x;
	Decimal		y;
	Decimal		z;

	return decimal_open((const char *) a, (size_t) na * 2, &x) && decimal_open((const char *) b, (size_t) nb * 2, &y) &&
		(how == MULTIPLY ? decimal_multiply(x, y, &z) : decimal_add(x, y, how == SUBTRACT, &z)) &&
		decimal_store(&z, words, n);
}

/* Operands of up to "most" digits; how many may be left to the ordinary way. */
static void
test_random(operation how, int most, double most_left, const char *name)
{
	long		tries = tap_draws(1000000);
	long		wrong = 0;
	long		left = 0;

	for (long i = 0; i < tries; i++)
	{
		uint16_t	a[16];
		uint16_t	b[16];
		uint16_t	got[DECIMAL_MAX_WORDS];
		uint16_t	right[16];
		int			na;
		int			nb;
		int			ngot;
		int			nright;
		int			shown_a;
		int			shown_b;
		__int128	x = operand(most, a, &na, &shown_a);
		__int128	y = operand(most, b, &nb, &shown_b);
		__int128	result = how == ADD ? x + y : how == SUBTRACT ? x - y : 0;
		int			shown = how == MULTIPLY ? shown_a + shown_b : shown_a > shown_b ? shown_a : shown_b;

		/* no operand has digits below the exponent -2 */
		if (how == MULTIPLY && __builtin_mul_overflow(x / 100000000, y / 100000000, &result))
			continue;
		nright = write_words(result, shown, right);
		if (!compute(how, a, na, b, nb, got, &ngot))
			left++;
		else
			wrong += ngot != nright || memcmp(got, right, (size_t) nright * 2) != 0;
	}
	tap_ok(wrong == 0 && (double) left <= most_left * (double) tries,
		   "%s: %ld of %ld differ, %ld are left to the ordinary way", name, wrong, tries, left);
}

/* Does the operation leave these? */
static bool
leaves(operation how, const uint16_t *a, int na, const uint16_t *b, int nb)
{
	uint16_t	words[DECIMAL_MAX_WORDS];
	int			n;

	return !compute(how, a, na, b, nb, words, &n);
}

static void
test_known(void)
{
	static const uint16_t one[] = {0x8000, 1};
	static const uint16_t discount[] = {0x817F, 700};	/* 0.07, shown with 2 decimals */
	static const uint16_t large[] = {0x8003, 9223, 3720, 3685, 4775};
	static const uint16_t wide[] = {0x8004, 1, 0, 0, 0, 1};
	static const uint16_t nan[] = {0xC000};
	static const uint16_t infinity[] = {0xD000};
	static const uint16_t long_form[] = {0x0002, 0, 42};
	static const uint16_t many_decimals[] = {0x90FF, 1};	/* 33 decimals */
	static const uint16_t high[] = {0x803F, 1}; /* 10000^63 */
	uint16_t	words[DECIMAL_MAX_WORDS];
	int			n;

	tap_ok(compute(SUBTRACT, one, 2, discount, 2, words, &n) && n == 2 && words[0] == 0x817F && words[1] == 9300,
		   "1 - 0.07 is 0.93");
	tap_ok(compute(SUBTRACT, discount, 2, discount, 2, words, &n) && n == 1 && words[0] == 0x8100, "0.07 - 0.07 is 0.00");
	tap_ok(compute(SUBTRACT, discount, 2, one, 2, words, &n) && n == 2 && words[0] == 0xA17F, "0.07 - 1 is negative");
	tap_ok(leaves(MULTIPLY, large, 5, large, 5), "what exceeds 64 bits is left");
	tap_ok(leaves(ADD, wide, 6, one, 2), "so are five digits");
	tap_ok(leaves(ADD, nan, 1, one, 2) && leaves(MULTIPLY, one, 2, infinity, 1), "so are NaN and infinities");
	tap_ok(leaves(ADD, long_form, 3, one, 2), "so is the long form");
	tap_ok(leaves(MULTIPLY, many_decimals, 2, many_decimals, 2), "so are 66 decimals");
	tap_ok(leaves(MULTIPLY, high, 2, high, 2), "so is 10000^126");
	tap_ok(leaves(ADD, high, 2, one, 2), "so are numbers too far from each other");
	tap_ok(!decimal_open("", 0, &(Decimal) {0}) && !decimal_open("x", 1, &(Decimal) {0}), "less than a numeric is none");
}

int
main(void)
{
	tap_plan(17);
	test_known();
	test_random(ADD, 3, 0.05, "sums of up to 3 digits");
	test_random(SUBTRACT, 3, 0.05, "differences of up to 3 digits");
	test_random(MULTIPLY, 2, 0, "products of up to 2 digits");
	test_random(ADD, 4, 0.3, "sums of up to 4 digits");
	test_random(SUBTRACT, 4, 0.3, "differences of up to 4 digits");
	test_random(MULTIPLY, 3, 0.5, "products of up to 3 digits");
	return tap_done();
}
