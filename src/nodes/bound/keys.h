/*
 * keys.h
 *		The columns of a unit or of group keys as one key, and back.
 */
#ifndef DP_BOUND_KEYS_H
#define DP_BOUND_KEYS_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "executor/tuptable.h"
#include "lib/stringinfo.h"

#include "mechanism/status.h"
#include "spec/value_key.h"

/*
 * A key is a hash and bytes.  Of "short" columns the hash alone is the key: it is a
 * permutation of the value's bits, and there are no bytes.  Otherwise bytes are equal if
 * and only if the values are.
 */
typedef struct BoundKey
{
	uint64		hash;
	const char *bytes;
	uint32		length;
	uint32		bits;			/* of a short one of at most 4 bytes that is not NULL */
} BoundKey;

typedef struct KeyColumns
{
	int			n;
	bool		is_short;
	bool		nullable;		/* of groups; those of units are not */
	uint64		seed;			/* of hashes */
	const AttrNumber *attnos;	/* of the rows that are read */
	TupleDesc	desc;			/* of these rows */
	KeyReader  *readers;
	StringInfoData buffer;
} KeyColumns;

extern void key_columns_open(KeyColumns *columns, TupleDesc desc, const AttrNumber *attnos,
							 int n, bool nullable);
extern bool key_columns_read_long(KeyColumns *columns, TupleTableSlot *slot, BoundKey *key);
extern void key_columns_values(KeyColumns *columns, const BoundKey *key, Datum *values,
							   bool *isnull);

/* Few bytes of a unit's key, with zeros behind them. */
typedef struct KeyWords
{
	uint64		words[2];
} KeyWords;

/* Do words hold all bytes of a key? */
static inline bool
key_fits_words(uint32 length)
{
	return length <= sizeof(KeyWords);
}

/*
 * A hash of some words goes on to the next one: both halves of a product, which depend on all
 * bits.  The last word is mixed instead.
 */
static inline uint64
key_hash_step(uint64 hash, uint64 word)
{
	dp_uint128	product = (dp_uint128) (hash ^ word) * UINT64CONST(0x9e3779b97f4a7c15);

	return (uint64) product ^ (uint64) (product >> 64);
}

/* The seeded hash of a unit's key that words hold. */
static inline uint64
key_hash_words(const KeyWords *key, uint32 length, uint64 seed)
{
	return value_mix(key_hash_step(seed, key->words[0]) ^ (key->words[1] + length));
}

/* The bits that are the key of a short column; NULL is one bit more than a value has. */
static inline uint64
short_key_bits(KeyReader *reader, Datum value)
{
	ValueKey	key;
	uint64		bits;

	if (likely(reader->form == KEY_BITS))
		switch (reader->length)
		{
			case sizeof(int64):
				return DatumGetUInt64(value);
			case sizeof(int32):
				return DatumGetUInt32(value);
			case sizeof(int16):
				return DatumGetUInt16(value);
			default:
				return DatumGetUInt8(value);
		}
	key_bytes(reader, value, &key);
	memcpy(&bits, key.bytes, sizeof(bits));
	return reader->length == sizeof(int64) ? bits : (uint32) bits;
}

#define SHORT_KEY_NULL (UINT64CONST(1) << 32)

/*
 * Reads the key of a row, valid until the next call and the end of the row; false if it
 * is NULL where it must not be.
 */
static inline bool
key_columns_read(KeyColumns *columns, TupleTableSlot *slot, BoundKey *key)
{
	int			i;
	uint64		bits;

	if (!columns->is_short)
		return key_columns_read_long(columns, slot, key);
	i = columns->attnos[0] - 1;
	if (likely(!slot->tts_isnull[i]))
		bits = short_key_bits(columns->readers, slot->tts_values[i]);
	else if (!columns->nullable)
		return false;
	else
		bits = SHORT_KEY_NULL;
	key->hash = value_mix(bits ^ columns->seed);
	key->bits = (uint32) bits;
	key->bytes = NULL;
	key->length = 0;
	return true;
}

#endif							/* DP_BOUND_KEYS_H */
