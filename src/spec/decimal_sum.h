/*
 * decimal_sum.h
 *		Sums, differences and products of stored numerics of few digits, as integers.
 *
 * Prices and rates have few digits, and numeric_mul() and the like take most of their time to unpack
 * them, to allocate and to pack.  Here a numeric is an integer of 64 bits times 10000^exponent
 * (decimal.h tells how it is stored).  The results are those of numeric_add(), numeric_sub() and numeric_mul() to
 * the byte: a sum shows as many decimals as the operand that shows more, a product as many as both together, and
 * neither is ever rounded.  What does not fit is left to these functions: digits that exceed 64 bits, numerics in the long
 * form, NaN and infinities.
 *
 * The file does without postgres.h, so that test/unit can include it.
 */
#ifndef DP_DECIMAL_SUM_H
#define DP_DECIMAL_SUM_H

#include "spec/decimal.h"

/* Most decimals, and weights of the first digit, that a numeric of the short form has. */
#define DECIMAL_SHORT_SCALE_MAX 63
#define DECIMAL_SHORT_WEIGHT_MAX 63
#define DECIMAL_SHORT_WEIGHT_MIN (-64)

/* Words of a result: a header, and the digits of 64 bits. */
#define DECIMAL_MAX_WORDS 6

typedef struct Decimal
{
	int64_t		m;				/* the value is m * 10000^exponent */
	int			exponent;
	int			shown;			/* decimals that it shows */
} Decimal;

/* Opens a stored numeric: the "length" bytes after its varlena header.  False if it does not fit. */
static inline bool
decimal_open(const char *data, size_t length, Decimal *decimal)
{
	size_t		n = length / sizeof(uint16_t) - 1;
	uint16_t	header;
	int64_t		m = 0;

	if (length < sizeof(uint16_t) || n > DECIMAL_MAX_DIGITS)
		return false;
	header = decimal_word(data, 0);
	if ((header & DECIMAL_SIGN_MASK) != DECIMAL_SHORT)
		return false;
	for (size_t i = 1; i <= n; i++)
		m = m * 10000 + decimal_word(data, i);
	decimal   ->m = header & DECIMAL_SHORT_NEGATIVE ? -m : m;
	decimal   ->exponent = decimal_short_weight(header) - (int) n + 1;
	decimal   ->shown = (header & DECIMAL_SHORT_SCALE_MASK) >> DECIMAL_SHORT_SCALE_SHIFT;

	return true;
}

/* a + b, or a - b, in *sum.  False if it does not fit. */
static inline bool
decimal_add(Decimal a, Decimal b, bool subtract, Decimal *sum)
{
	/*
	 * what has the higher exponent is brought to the lower one; 0 has no digits, and any
	 * exponent
	 */
	if (a.m == 0)
		a.exponent = b.exponent;
	if (b.m == 0)
		b.exponent = a.exponent;
	for (; a.exponent > b.exponent; a.exponent--)
	{
		if (__builtin_mul_overflow(a.m, INT64_C(10000), &a.m))
			return false;
	}
	for (; b.exponent > a.exponent; b.exponent--)
	{
		if (__builtin_mul_overflow(b.m, INT64_C(10000), &b.m))
			return false;
	}
	sum->exponent = a.exponent;
	sum->shown = a.shown > b.shown ? a.shown : b.shown;
	return subtract ? !__builtin_sub_overflow(a.m, b.m, &sum->m) :
		!__builtin_add_overflow(a.m, b.m, &sum->m);
}

/* a * b in *product.  False if it does not fit. */
static inline bool
decimal_multiply(Decimal a, Decimal b, Decimal *product)
{
	product->exponent = a.exponent + b.exponent;
	product->shown = a.shown + b.shown;
	return !__builtin_mul_overflow(a.m, b.m, &product->m);
}

/*
 * Writes a decimal as it is stored, behind the varlena header: words[0 .. *n - 1].  False if it has no
 * short form.
 */
static inline bool
decimal_store(const Decimal *decimal, uint16_t words[DECIMAL_MAX_WORDS], int *n)
{
	uint64_t	m = decimal->m < 0 ? -(uint64_t) decimal->m : (uint64_t) decimal->m;
	uint16_t	digits[DECIMAL_MAX_WORDS];
	int			ndigits = 0;
	int			weight = decimal->exponent - 1;
	uint16_t	header = DECIMAL_SHORT;

	for (; m != 0; m /= 10000, weight++)
	{
		if (ndigits > 0 || m % 10000 != 0)	/* no zeros at the end */
			digits[ndigits++] = (uint16_t) (m % 10000);
	}
	if (ndigits == 0)
		weight = 0;
	if (decimal->shown > DECIMAL_SHORT_SCALE_MAX ||
		weight > DECIMAL_SHORT_WEIGHT_MAX || weight < DECIMAL_SHORT_WEIGHT_MIN)
		return false;
	if (decimal->m < 0)
		header |= DECIMAL_SHORT_NEGATIVE;
	header |= (uint16_t) (decimal->shown << DECIMAL_SHORT_SCALE_SHIFT);
	header |= (uint16_t) (weight & DECIMAL_SHORT_WEIGHT_MASK);
	words[0] = header;
	for (int i = 0; i < ndigits; i++)
		words[i + 1] = digits[ndigits - 1 - i];
	*n = ndigits + 1;
	return true;
}

#endif							/* DP_DECIMAL_SUM_H */
