/*
 * value_key.h
 *		Values as bytes that are equal if and only if the values are.
 */
#ifndef DP_VALUE_KEY_H
#define DP_VALUE_KEY_H

#include "postgres.h"

#include <math.h>

#include "datatype/timestamp.h"
#include "fmgr.h"
#include "utils/float.h"

#include "spec/canonical.h"

/* Longest value, in bytes, that can be chosen; see sketch_key.c. */
#define LONGEST_VALUE 1024

/* A value as it is stored. */
typedef struct ValueKey
{
	uint64		hash;
	const char *bytes;
	uint32		length;
} ValueKey;

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
extern void key_bytes(KeyReader *reader, Datum value, ValueKey *key);
extern bool key_read(KeyReader *reader, Datum value, ValueKey *key);
extern bool key_other_hash(KeyReader *reader, Datum value, uint64 *hash);
extern Datum key_datum(Oid type, const ValueKey *key);

/* A permutation of 64-bit integers whose bits all depend on each other. */
static inline uint64
value_mix(uint64 x)
{
	x ^= x >> 30;
	x *= UINT64CONST(0xbf58476d1ce4e5b9);
	x ^= x >> 27;
	x *= UINT64CONST(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

/* The hash of a value, an odd number, for a set of values; false if it is NaN. */
static inline bool
key_hash(KeyReader *reader, Datum value, uint64 *hash)
{
	if (reader->form != KEY_BITS || reader->hash_typed)
		return key_other_hash(reader, value, hash);
	*hash = value_mix((uint64) canonical_bits(value, reader->length) ^ reader->seed) | 1;
	return true;
}

#endif							/* DP_VALUE_KEY_H */
