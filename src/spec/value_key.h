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
#include "nodes/pg_list.h"
#include "utils/float.h"

#include "spec/canonical.h"

/* Longest value, in bytes, that can be chosen; see value_key.c. */
#define LONGEST_VALUE 1024

/* A value as bytes. */
typedef struct ValueKey
{
	uint64		hash;			/* hash of the bytes, with the reader's seed */
	const char *bytes;
	uint32		length;			/* number of bytes */
} ValueKey;

/* Kinds of types, by how their values become keys. */
typedef enum KeyForm
{
	KEY_BITS,					/* passed by value */
	KEY_FLOAT4,
	KEY_FLOAT8,
	KEY_NUMERIC,
	KEY_INTERVAL,
	KEY_PADDED,					/* character(n) */
	KEY_VARLENA,				/* of variable length, taken as it is stored */
	KEY_CANONICAL,				/* of variable length, in canonical form */
	KEY_FIXED					/* of a fixed length, passed by reference */
} KeyForm;

/* How the values of one argument become keys. */
typedef struct KeyReader
{
	KeyForm		form;
	int16		length;			/* typlen of the type */
	uint64		seed;			/* seed of hashes */
	Oid			collation;		/* collation of the argument */
	bool		hash_typed;		/* key_hash() uses the type's own hash function */
	FmgrInfo	type_hash;		/* that function */
	Canonical	canonical;		/* how values are made canonical; KEY_CANONICAL only */
	Datum		bits;			/* the last value, if it is passed by value */
	Interval	interval;		/* the last value, if it is an interval */
} KeyReader;

extern bool key_is_exact(Oid type, Oid collation);
extern bool keys_are_exact(List *exprs);
extern void key_open(KeyReader *reader, Oid type, Oid collation, uint64 seed,
					 MemoryContext context);
extern void key_bytes(KeyReader *reader, Datum value, ValueKey *key);
extern bool key_read(KeyReader *reader, Datum value, ValueKey *key);
extern bool key_other_hash(KeyReader *reader, Datum value, uint64 *hash);
extern Datum key_datum(Oid type, const ValueKey *key);

/*
 * A permutation of 64-bit integers whose bits depend on all bits of x: the finalizer of
 * SplitMix64 (Steele, Lea and Flood 2014).
 */
static inline uint64
value_mix(uint64 x)
{
	x ^= x >> 30;
	x *= UINT64CONST(0xbf58476d1ce4e5b9);
	x ^= x >> 27;
	x *= UINT64CONST(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

/*
 * The hash of a value for a set of distinct values: an odd number, as 0 is a free slot
 * there.  False for NaN, which counts as no value.
 */
static inline bool
key_hash(KeyReader *reader, Datum value, uint64 *hash)
{
	if (reader->form != KEY_BITS || reader->hash_typed)
		return key_other_hash(reader, value, hash);
	*hash = value_mix((uint64) canonical_bits(value, reader->length) ^ reader->seed) | 1;
	return true;
}

#endif							/* DP_VALUE_KEY_H */
