/*
 * records.h
 *		Rows as they lie in partitions: whose, of which group, with which values.
 */
#ifndef DP_BOUND_RECORDS_H
#define DP_BOUND_RECORDS_H

#include "postgres.h"

#include "aggregate/contribution.h"
#include "aggregate/sketch_add.h"
#include "bound/keys.h"
#include "bound/partitions.h"

/* A value within one unit of the lattice; a fault for testing needs more. */
#ifdef DP_FAULT_CLAMP_OFF
typedef int64 RecordValue;
#else
typedef int32 RecordValue;
#endif

StaticAssertDecl(DP_MAX_ARGUMENTS <= 32, "presence of arguments is a bitmap of 32");

/* What a row is made into, and what a record is made into again. */
typedef struct Record
{
	BoundKey	unit;
	BoundKey	group;			/* if there are keys */
	uint32		present;		/* bitmap of arguments that have a value */
	const RecordValue *values;	/* of arguments with bounds, 0 without a value */
	bool		has_item[DP_MAX_SKETCHES];
	SketchItem	items[DP_MAX_SKETCHES];
} Record;

/*
 * uint64 hash of the unit, [uint64 hash of the group,] uint32 bitmap of arguments that have
 * a value, RecordValue of each with bounds, uint64 of each sketch (the cell plus one or the
 * hash, 0 without a value) and, if sizes vary, uint32 numbers of bytes: of the record, the
 * unit, the group, each sketch's value plus one; then these bytes.
 */
typedef struct RecordLayout
{
	bool		grouped;
	bool		varies;			/* records have different sizes */
	int			nvalues;
	int			nsketches;
	SpecSketchKind kinds[DP_MAX_SKETCHES];
	Size		present;		/* offsets */
	Size		values;
	Size		items;
	Size		lengths;
	Size		size;			/* of the part that does not vary */
} RecordLayout;

extern void record_layout(RecordLayout *layout, const ReleaseSpec *spec,
						  const KeyColumns *units, const KeyColumns *keys);
extern void record_write_long(const RecordLayout *layout, const Record *record,
							  Partitions *partitions, int partition);
extern void record_read_bytes(const RecordLayout *layout, const char *from, Record *record);

/* The hash of a record's unit, which decides who reads it. */
static inline uint64
record_unit_hash(const char *bytes)
{
	return *(const uint64 *) bytes;
}

static inline Size
record_size(const RecordLayout *layout, const char *bytes)
{
	return layout->varies ? *(const uint32 *) (bytes + layout->lengths) : layout->size;
}

/* The part of a record that all have. */
static inline void
record_put(const RecordLayout *layout, const Record *record, char *to)
{
	((uint64 *) to)[0] = record->unit.hash;
	if (layout->grouped)
		((uint64 *) to)[1] = record->group.hash;
	*(uint32 *) (to + layout->present) = record->present;
	for (int i = 0; i < layout->nvalues; i++)
		((RecordValue *) (to + layout->values))[i] = record->values[i];
}

/* Appends a record to a partition. */
static inline void
record_write(const RecordLayout *layout, const Record *record, Partitions *partitions,
			 int partition)
{
	if (layout->varies || layout->nsketches > 0)
		record_write_long(layout, record, partitions, partition);
	else
		record_put(layout, record, partitions_append(partitions, partition, layout->size));
}

/* The record in these bytes, on which it goes on to rest. */
static inline void
record_read(const RecordLayout *layout, const char *from, Record *record)
{
	record->unit.hash = ((const uint64 *) from)[0];
	record->unit.length = 0;
	record->group.hash = layout->grouped ? ((const uint64 *) from)[1] : 0;
	record->group.length = 0;
	record->present = *(const uint32 *) (from + layout->present);
	record->values = (const RecordValue *) (from + layout->values);
	if (layout->varies || layout->nsketches > 0)
		record_read_bytes(layout, from, record);
}

#endif							/* DP_BOUND_RECORDS_H */
