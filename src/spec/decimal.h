/*
 * decimal.h
 *		A stored numeric as the nearest double, without going through text.
 *
 * A numeric is stored (src/backend/utils/adt/numeric.c, "NumericShort", "NumericLong") as a
 * header of 16 bits and digits of base 10000, the first of the weight that the header tells:
 * the value is the sum of digit[i] * 10000^(weight - i).  The header's two highest bits are
 *
 *		00, 01	positive, negative; a second word holds the weight
 *		10		short: 0x2000 is the sign, the lowest 7 bits are the weight, signed
 *		11		special: 0xC000 NaN, 0xD000 Infinity, 0xF000 -Infinity
 *
 * A short header holds in bits 7 to 12 the number of decimals that the numeric shows.  There
 * are no digits of 0 at either end, and 0 itself has no digits.
 *
 * Let m be the integer that the digits make when they are written one after the other, so
 * that the value is m * 10^e.  If m <= 2^53 and |e| <= 22, both m and 10^|e| are doubles, so
 * that one multiplication or division rounds once.  The result is the nearest double, the
 * same as that of numeric_float8_no_overflow(), which prints and reads (Clinger, "How to Read
 * Floating Point Numbers Accurately", 1990).  That covers up to 15 decimal digits from the
 * first to the last; other values take the ordinary way.
 *
 * The file does without postgres.h, so that test/unit can include it.
 */
#ifndef DP_DECIMAL_H
#define DP_DECIMAL_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define DECIMAL_SIGN_MASK 0xC000
#define DECIMAL_NEGATIVE 0x4000
#define DECIMAL_SHORT 0x8000
#define DECIMAL_SPECIAL 0xC000
#define DECIMAL_EXTENDED_MASK 0xF000
#define DECIMAL_NAN 0xC000
#define DECIMAL_INFINITY 0xD000
#define DECIMAL_SHORT_NEGATIVE 0x2000
#define DECIMAL_SHORT_SCALE_MASK 0x1F80
#define DECIMAL_SHORT_SCALE_SHIFT 7
#define DECIMAL_SHORT_WEIGHT_MASK 0x007F
#define DECIMAL_SHORT_WEIGHT_SIGN 0x0040

/* More digits of base 10000 than this exceed 2^53 anyway; as many fit into 64 bits. */
#define DECIMAL_MAX_DIGITS 4
#define DECIMAL_MAX_EXPONENT 22

/* Word i of a stored numeric, from 0. */
static inline uint16_t
decimal_word(const char *data, size_t i)
{
	uint16_t	word;

	memcpy(&word, data + i * sizeof(word), sizeof(word));	/* may be unaligned */
	return word;
}

/* The double for the header of a special numeric: NaN or an infinity. */
static inline double
decimal_special(uint16_t header)
{
	if ((header & DECIMAL_EXTENDED_MASK) == DECIMAL_NAN)
		return (double) NAN;
	return (header & DECIMAL_EXTENDED_MASK) == DECIMAL_INFINITY ? (double) INFINITY :
		-(double) INFINITY;
}

/* The weight of the first digit, from the header of a short numeric. */
static inline int
decimal_short_weight(uint16_t header)
{
	int			weight = header & DECIMAL_SHORT_WEIGHT_MASK;

	return weight - ((weight & DECIMAL_SHORT_WEIGHT_SIGN) << 1);
}

/*
 * The number of decimals that a stored numeric shows, and the number that it needs, without
 * zeros at the end.  data are the "length" bytes after its varlena header.  False if it is not
 * stored in the short form.
 */
static inline bool
decimal_scales(const char *data, size_t length, int *shown, int *needed)
{
	size_t		n = length / sizeof(uint16_t) - 1;
	uint16_t	header;
	uint16_t	last;
	int			fraction;

	if (length < sizeof(uint16_t))
		return false;
	header = decimal_word(data, 0);
	if ((header & DECIMAL_SIGN_MASK) != DECIMAL_SHORT)
		return false;
	*shown = (header & DECIMAL_SHORT_SCALE_MASK) >> DECIMAL_SHORT_SCALE_SHIFT;
	*needed = 0;
	fraction = (int) n - 1 - decimal_short_weight(header);
	if (n == 0 || fraction <= 0)
		return true;
	last = decimal_word(data, n);
	if (last == 0)
		return false;			/* not as PostgreSQL writes it */
	*needed = 4 * fraction - (last % 1000 == 0 ? 3 : last % 100 == 0 ? 2 : last % 10 == 0 ? 1 : 0);
	return true;
}

/*
 * The double nearest to a stored numeric, in *x.  data are the "length" bytes after its
 * varlena header.  False, and *x untouched, if more than one operation would be needed.
 */
static inline bool
decimal_read(const char *data, size_t length, double *x)
{
	static const double powers[DECIMAL_MAX_EXPONENT + 1] = {
		1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
		1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22
	};
	size_t		words = length / sizeof(uint16_t);
	uint16_t	header;
	bool		negative;
	int			exponent;
	size_t		first = 1;
	size_t		n;
	int64_t		m = 0;
	double		magnitude;

	if (words < 1)
		return false;			/* no numeric at all */
	header = decimal_word(data, 0);
	if ((header & DECIMAL_SIGN_MASK) == DECIMAL_SPECIAL)
	{
		*x = decimal_special(header);
		return true;
	}
	if ((header & DECIMAL_SIGN_MASK) == DECIMAL_SHORT)
	{
		negative = (header & DECIMAL_SHORT_NEGATIVE) != 0;
		exponent = decimal_short_weight(header);
	}
	else
	{
		if (words < 2)
			return false;
		first = 2;
		negative = (header & DECIMAL_SIGN_MASK) == DECIMAL_NEGATIVE;
		exponent = (int16_t) decimal_word(data, 1);
	}
	n = words - first;
	if (n > DECIMAL_MAX_DIGITS)
		return false;
	for (size_t i = 0; i < n; i++)
		m = m * 10000 + decimal_word(data, first + i);
	exponent = 4 * (exponent - (int) n + 1);
	if (m > INT64_C(1) << 53)
		return false;
	if (m == 0)
		exponent = 0;
	if (exponent > DECIMAL_MAX_EXPONENT || exponent < -DECIMAL_MAX_EXPONENT)
		return false;
	magnitude = exponent < 0 ? (double) m / powers[-exponent] : (double) m * powers[exponent];
	*x = negative ? -magnitude : magnitude;
	return true;
}

#endif							/* DP_DECIMAL_H */
