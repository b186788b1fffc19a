/*
 * canonical.h
 *		The one value that stands for all values equal to it.
 */
#ifndef DP_CANONICAL_H
#define DP_CANONICAL_H

#include "postgres.h"

#include <math.h>

#include "utils/float.h"

typedef enum CanonicalForm
{
	CANONICAL_BITS,				/* passed by value */
	CANONICAL_FLOAT4,
	CANONICAL_FLOAT8,
	CANONICAL_NUMERIC,
	CANONICAL_INTERVAL,
	CANONICAL_NAME,
	CANONICAL_FIXED,			/* of a fixed length, passed by reference */
	CANONICAL_PADDED,			/* character(n) */
	CANONICAL_BYTES,			/* of variable length, equal if the bytes are */
	CANONICAL_JSONB,
	CANONICAL_ARRAY
} CanonicalForm;

/* How values of a type are brought into their canonical form. */
typedef struct Canonical
{
	CanonicalForm form;
	int16		length;			/* typlen of the type below domains */
	bool		by_value;
	char		align;
	int32		typmod;			/* or -1 */
	struct Canonical *element;	/* of an array */
} Canonical;

extern bool canonical_exists(Oid type);
extern bool canonical_is_plain(Oid type);
extern void canonical_open(Canonical *canonical, Oid type, int32 typmod, MemoryContext context);
extern Datum canonical_datum(const Canonical *canonical, Datum value);

/* A value passed by value, the same in all bits of the datum. */
static inline Datum
canonical_bits(Datum value, int16 length)
{
	switch (length)
	{
		case sizeof(char):
			return CharGetDatum(DatumGetChar(value));
		case sizeof(int16):
			return Int16GetDatum(DatumGetInt16(value));
		case sizeof(int32):
			return Int32GetDatum(DatumGetInt32(value));
		default:
			return value;
	}
}

/* A float8, where all NaN are one and -0 is 0. */
static inline Datum
canonical_float8(float8 x)
{
	return Float8GetDatum(isnan(x) ? get_float8_nan() : x == 0 ? 0 : x);
}

static inline Datum
canonical_float4(float4 x)
{
	return Float4GetDatum(isnan(x) ? get_float4_nan() : x == 0 ? 0 : x);
}

#endif							/* DP_CANONICAL_H */
