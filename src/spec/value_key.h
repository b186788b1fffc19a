/*
 * value_key.h
 *		Values as bytes that are equal if and only if the values are.
 */
#ifndef DP_SKETCH_KEY_H
#define DP_SKETCH_KEY_H

#include "postgres.h"

#include <math.h>

#include "spec/canonical.h"
#include "aggregate/sketch_state.h"
#include "datatype/timestamp.h"
#include "fmgr.h"
#include "utils/float.h"

/* Longest value, in bytes, that can be chosen; see sketch_key.c. */
#define SKETCH_LONGEST_VALUE 1024

typedef enum KeyForm
{
	KEY_BITS,					/* passed by value */
	KEY_FLOAT4,
	KEY_FLOAT8,
	KEY_NUMERIC,
	KEY_INTERVAL,
	KEY_PADDED,					/* character(n) */
	KEY_VARLENA,
	KEY_CANONICAL,				/* of variable length, in canonical form */
	KEY_FIXED					/* of a fixed length, passed by reference */
} KeyForm;

/* How the values of one argument become keys. */
typedef struct KeyReader
{
	KeyForm		form;
	int16		length;			/* typlen */
	uint64		seed;
	Oid			collation;
	bool		hash_typed;		/* distinct_key() uses type_hash */
	FmgrInfo	type_hash;
	Canonical	canonical;		/* of KEY_CANONICAL */
	Datum		bits;			/* of the last value, where they are not its own */
	Interval	interval;
} KeyReader;

extern bool key_is_exact(Oid type, Oid collation);
extern void key_open(KeyReader *reader, Oid type, Oid collation, uint64 seed,
					 MemoryContext context);
extern void key_bytes(KeyReader *reader, Datum value, SketchKey *key);
extern bool key_read(KeyReader *reader, Datum value, SketchKey *key);
extern bool key_other_hash(KeyReader *reader, Datum value, uint64 *hash);
extern Datum key_datum(Oid type, const SketchKey *key);

/* A value passed by value, the same in all bits of the datum. */
static inline Datum
key_plain_bits(Datum value, int16 length)
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
key_plain_float8(float8 x)
{
	return Float8GetDatum(isnan(x) ? get_float8_nan() : x == 0 ? 0 : x);
}

static inline Datum
key_plain_float4(float4 x)
{
	return Float4GetDatum(isnan(x) ? get_float4_nan() : x == 0 ? 0 : x);
}

/* The hash of a value, an odd number, for a set of values; false if it is NaN. */
static inline bool
key_hash(KeyReader *reader, Datum value, uint64 *hash)
{
	if (reader->form != KEY_BITS || reader->hash_typed)
		return key_other_hash(reader, value, hash);
	*hash = sketch_mix((uint64) key_plain_bits(value, reader->length) ^ reader->seed) | 1;
	return true;
}

#endif							/* DP_SKETCH_KEY_H */
