/*
 * records.h
 *		Rows as they lie in partitions: whose, of which group, with which values.
 */
#ifndef DP_BOUND_RECORDS_H
#define DP_BOUND_RECORDS_H

#include "postgres.h"

#include "aggregate/sketch_add.h"
#include "nodes/bound/keys.h"
#include "nodes/bound/partitions.h"
#include "spec/spec.h"
#include "spec/value_key.h"

/* A value within one unit of the lattice; a fault for testing needs more. */
#ifdef DP_FAULT_CLAMP_OFF
typedef int64 RecordValue;
#define RECORD_NO_VALUE PG_INT64_MIN
#else
typedef int32 RecordValue;
#define RECORD_NO_VALUE PG_INT32_MIN
#endif

/* In place of the number of a unit's bytes. */
#define UNIT_IS_LONG 255

/* Stands for a group that has no number: its key is in the record. */
#define RECORD_NO_ID PG_UINT32_MAX

/* A set of arguments, by their numbers. */
typedef uint64 ArgumentSet;

#define ARGUMENT_BIT(i) ((ArgumentSet) 1 << (i))

StaticAssertDecl(DP_MAX_ARGUMENTS <= 64, "sets of arguments are bitmaps of 64");

/* What a row is made into, and what a record is made into again. */
typedef struct Record
{
	BoundKey	unit;
	uint32		id;				/* of the group, with the process that wrote the record */
	BoundKey	group;			/* if it has none */
	ArgumentSet present;		/* arguments that have a value */
	RecordValue values[DP_MAX_ARGUMENTS];	/* of those with bounds, 0 without a value */
	bool		has_item[DP_MAX_SKETCHES];
	SketchItem	items[DP_MAX_SKETCHES];
} Record;

/*
 * Where what lies in a record.  At fixed places are
 *
 *		the unit: its bits (uint32) if it is that short, its hash (uint64) if it is short, else
 *		its words and the number of its bytes (uint8), or, if these do not fit into words, its
 *		hash in place of the first word, and UNIT_IS_LONG
 *		if there are keys, the id of the group (uint32)
 *		if an argument has no bounds, the set of those that have a value (uint32, or uint64
 *		where there are more than 32)
 *		the RecordValue of each argument with bounds
 *		for each sketch the cell plus one (uint32) or the hash of the value (uint64); 0 if the
 *		row has no value
 *
 * A record has more if values have bytes, or if its unit is long, or its group has no id.  Then numbers
 * of bytes follow (uint32): of the record, of the unit, of the group's key, and, plus one, of
 * each sketch's value; and then these bytes.  Those of the key begin with its hash.
 */
typedef struct RecordLayout
{
	bool		grouped;
	bool		narrow_unit;	/* it is bits */
	bool		wide_unit;		/* it is words */
	bool		has_bitmap;
	bool		varies;			/* there is more in each record */
	uint64		unit_seed;		/* of hashes of units */
	int			narguments;
	int			nsketches;
	bool		wide_bitmap;	/* it has 64 bits */
	ArgumentSet bounded;		/* arguments with bounds */
	SpecSketchKind kinds[DP_MAX_SKETCHES];
	Size		id;				/* offsets */
	Size		present;
	Size		values;
	Size		items;
	Size		size;			/* where there is no more */
} RecordLayout;

extern void record_layout(RecordLayout *layout, const ReleaseSpec *spec,
						  const KeyColumns *units, const KeyColumns *keys);
extern void record_write_long(const RecordLayout *layout, const Record *record,
							  Partitions *partitions, int partition);
extern void record_read_long(const RecordLayout *layout, const char *from, Record *record);

static inline uint32
record_uint32(const char *from)
{
	uint32		result;

	memcpy(&result, from, sizeof(result));
	return result;
}

static inline uint64
record_uint64(const char *from)
{
	uint64		result;

	memcpy(&result, from, sizeof(result));
	return result;
}

/* The number of bytes of a record's unit of words, or UNIT_IS_LONG. */
static inline uint8
record_unit_length(const char *from)
{
	return (uint8) from[sizeof(KeyWords)];
}

/* The hash of a record's unit, which decides who reads it. */
static inline uint64
record_unit_hash(const RecordLayout *layout, const char *from)
{
	KeyWords	words;

	if (layout->narrow_unit)
		return value_mix(record_uint32(from) ^ layout->unit_seed);
	if (!layout->wide_unit || record_unit_length(from) == UNIT_IS_LONG)
		return record_uint64(from);
	memcpy(&words, from, sizeof(words));
	return key_hash_words(&words, record_unit_length(from), layout->unit_seed);
}

/* The number of its group. */
static inline uint32
record_id(const RecordLayout *layout, const char *from)
{
	return layout->grouped ? record_uint32(from + layout->id) : 0;
}

/* Does a record have more than what lies at fixed places? */
static inline bool
record_is_long(const RecordLayout *layout, const char *from)
{
	return layout->varies || record_id(layout, from) == RECORD_NO_ID ||
		(layout->wide_unit && record_unit_length(from) == UNIT_IS_LONG);
}

static inline Size
record_size(const RecordLayout *layout, const char *from)
{
	return record_is_long(layout, from) ? record_uint32(from + layout->size) : layout->size;
}

static inline Size
record_item_size(const RecordLayout *layout, int sketch)
{
	return layout->kinds[sketch] == SPEC_SKETCH_CELLS ? sizeof(uint32) : sizeof(uint64);
}

static inline void
record_put_items(const RecordLayout *layout, const Record *record, char *to)
{
	for (int i = 0; i < layout->nsketches; i++)
	{
		bool		is_cell = layout->kinds[i] == SPEC_SKETCH_CELLS;
		uint32		cell = record->has_item[i] && is_cell ? (uint32) record->items[i].cell + 1 : 0;
		uint64		hash = record->has_item[i] && !is_cell ? record->items[i].key.hash : 0;

		if (is_cell)
			memcpy(to, &cell, sizeof(cell));
		else
			memcpy(to, &hash, sizeof(hash));
		to += record_item_size(layout, i);
	}
}

static inline void
record_get_items(const RecordLayout *layout, const char *from, Record *record)
{
	for (int i = 0; i < layout->nsketches; i++)
	{
		if (layout->kinds[i] == SPEC_SKETCH_CELLS)
		{
			record->items[i].cell = (int) record_uint32(from) - 1;
			record->has_item[i] = record->items[i].cell >= 0;
		}
		else
		{
			record->items[i].key.hash = record_uint64(from);
			record->has_item[i] = record->items[i].key.hash != 0;
		}
		from += record_item_size(layout, i);
	}
}

static inline void
record_put_present(const RecordLayout *layout, ArgumentSet present, char *to)
{
	uint32		narrow = (uint32) present;

	if (layout->wide_bitmap)
		memcpy(to, &present, sizeof(present));
	else
		memcpy(to, &narrow, sizeof(narrow));
}

static inline ArgumentSet
record_get_present(const RecordLayout *layout, const char *from)
{
	if (!layout->has_bitmap)
		return layout->bounded;
	return layout->wide_bitmap ? record_uint64(from) : record_uint32(from);
}

static inline void
record_put_unit(const RecordLayout *layout, const BoundKey *unit, char *to)
{
	if (layout->narrow_unit)
		memcpy(to, &unit->bits, sizeof(uint32));
	else if (!layout->wide_unit)
		memcpy(to, &unit->hash, sizeof(uint64));
	else
	{
		bool		fits = key_fits_words(unit->length);

		memset(to, 0, sizeof(KeyWords));
		if (fits)
			memcpy(to, unit->bytes, unit->length);
		else
			memcpy(to, &unit->hash, sizeof(uint64));
		to[sizeof(KeyWords)] = (char) (fits ? unit->length : UNIT_IS_LONG);
	}
}

/* The unit, but for bytes that do not lie at a fixed place.  Behind those that do are zeros. */
static inline void
record_get_unit(const RecordLayout *layout, const char *from, BoundKey *unit)
{
	unit->hash = record_unit_hash(layout, from);
	unit->bytes = from;
	unit->length = layout->wide_unit && record_unit_length(from) != UNIT_IS_LONG ?
		record_unit_length(from) : 0;
}

/* What lies at fixed places in a record. */
static inline void
record_put(const RecordLayout *layout, const Record *record, char *to)
{
	record_put_unit(layout, &record->unit, to);
	if (layout->grouped)
		memcpy(to + layout->id, &record->id, sizeof(uint32));
	if (layout->has_bitmap)
		record_put_present(layout, record->present, to + layout->present);
	to += layout->values;
	for (int i = 0; i < layout->narguments; i++)
	{
		RecordValue value = record->present & ARGUMENT_BIT(i) ? record->values[i] :
			RECORD_NO_VALUE;

		if ((layout->bounded & ARGUMENT_BIT(i)) == 0)
			continue;
		memcpy(to, &value, sizeof(value));
		to += sizeof(value);
	}
	record_put_items(layout, record, to);
}

/* Appends a record to a partition. */
static inline void
record_write(const RecordLayout *layout, const Record *record, Partitions *partitions,
			 int partition)
{
	if (layout->varies || record->id == RECORD_NO_ID || !key_fits_words(record->unit.length))
		record_write_long(layout, record, partitions, partition);
	else
		record_put(layout, record, partitions_append(partitions, partition, layout->size));
}

/* The arguments of a record alone. */
static inline void
record_read_arguments(const RecordLayout *layout, const char *from, Record *record)
{
	const char *value = from + layout->values;

	record->present = record_get_present(layout, from + layout->present);
	for (int i = 0; i < layout->narguments; i++)
	{
		if ((layout->bounded & ARGUMENT_BIT(i)) == 0)
			continue;
		memcpy(&record->values[i], value, sizeof(RecordValue));
		value += sizeof(RecordValue);
		if (record->values[i] != RECORD_NO_VALUE)
			continue;
		record->values[i] = 0;
		record->present &= ~ARGUMENT_BIT(i);
	}
}

/* The record in these bytes, on which it goes on to rest. */
static inline void
record_read(const RecordLayout *layout, const char *from, Record *record)
{
	record_get_unit(layout, from, &record->unit);
	record->id = record_id(layout, from);
	record_read_arguments(layout, from, record);
	record_get_items(layout, from + layout->items, record);
	if (record_is_long(layout, from))
		record_read_long(layout, from, record);
}

#endif							/* DP_BOUND_RECORDS_H */
