/*
 * canonical.h
 *		The one value that stands for all values equal to it.
 */
#ifndef DP_CANONICAL_H
#define DP_CANONICAL_H

#include "postgres.h"

#include <math.h>

#include "utils/float.h"

/* Kinds of types, by what their canonical form takes. */
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

/* How values of one type are brought into their canonical form; the type is below any domain. */
typedef struct Canonical
{
	CanonicalForm form;
	int16		length;			/* typlen of the type */
	bool		by_value;		/* typbyval of the type */
	char		align;			/* typalign of the type */
	int32		typmod;			/* type modifier, or -1 */
	struct Canonical *element;	/* the elements of an array; NULL for other types */
} Canonical;

extern bool canonical_exists(Oid type);
extern bool canonical_is_plain(Oid type);
extern void canonical_open(Canonical *canonical, Oid type, int32 typmod, MemoryContext context);
extern Datum canonical_datum(const Canonical *canonical, Datum value);

/* A datum passed by value, with the bits that its type of "length" bytes does not use made canonical. */
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

/* A float8: one NaN for all, and 0 for -0. */
static inline Datum
canonical_float8(float8 x)
{
	return Float8GetDatum(isnan(x) ? get_float8_nan() : x == 0 ? 0 : x);
}

/* A float4 in the same way. */
static inline Datum
canonical_float4(float4 x)
{
	return Float4GetDatum(isnan(x) ? get_float4_nan() : x == 0 ? 0 : x);
}

#endif							/* DP_CANONICAL_H */
