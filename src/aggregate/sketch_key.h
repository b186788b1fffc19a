/*
 * sketch_key.h
 *		Values as bytes that are equal if and only if the values are.
 */
#ifndef DP_SKETCH_KEY_H
#define DP_SKETCH_KEY_H

#include "postgres.h"

#include "aggregate/sketch_state.h"
#include "datatype/timestamp.h"
#include "fmgr.h"

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
	Datum		bits;			/* of the last value, where they are not its own */
	Interval	interval;
} KeyReader;

extern bool key_is_exact(Oid type, Oid collation);
extern void key_open(KeyReader *reader, Oid type, Oid collation, uint64 seed,
					 MemoryContext context);
extern void key_bytes(KeyReader *reader, Datum value, SketchKey *key);
extern bool key_read(KeyReader *reader, Datum value, SketchKey *key);
extern bool key_hash(KeyReader *reader, Datum value, uint64 *hash);
extern Datum key_datum(Oid type, const SketchKey *key);

#endif							/* DP_SKETCH_KEY_H */
