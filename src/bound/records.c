/*
 * records.c
 *		Rows into records and back.
 */
#include "postgres.h"

#include "bound/records.h"

enum
{
	LENGTH_RECORD,
	LENGTH_UNIT,
	LENGTH_GROUP,
	LENGTH_FIRST_SKETCH
};

/* Lays out the records of a release. */
void
record_layout(RecordLayout *layout, const ReleaseSpec *spec, const KeyColumns *units,
			  const KeyColumns *keys)
{
	Size		offset = sizeof(uint64);

	layout->grouped = keys->n > 0;
	layout->nsketches = spec->nsketches;
	layout->varies = !units->is_short || (layout->grouped && !keys->is_short);
	if (layout->grouped)
		offset += sizeof(uint64);
	layout->present = offset;
	offset = TYPEALIGN(sizeof(RecordValue), offset + sizeof(uint32));
	layout->values = offset;
	for (int i = 0; i < spec->narguments; i++)
	{
		if (spec->arguments[i].bound > 0)
			layout->nvalues++;
	}
	layout->items = MAXALIGN(offset + layout->nvalues * sizeof(RecordValue));
	for (int i = 0; i < spec->nsketches; i++)
	{
		layout->kinds[i] = spec->sketches[i].kind;
		if (spec->sketches[i].kind == SPEC_SKETCH_VALUES)
			layout->varies = true;
	}
	layout->lengths = layout->items + spec->nsketches * sizeof(uint64);
	layout->size = layout->lengths;
	if (layout->varies)
		layout->size += (LENGTH_FIRST_SKETCH + spec->nsketches) * sizeof(uint32);
}

/* Does the record have a value for the sketch that comes with bytes? */
static inline bool
has_bytes(const RecordLayout *layout, const Record *record, int sketch)
{
	return layout->kinds[sketch] == SPEC_SKETCH_VALUES && record->has_item[sketch];
}

static Size
full_size(const RecordLayout *layout, const Record *record)
{
	Size		size = layout->size + record->unit.length;

	if (layout->grouped)
		size += record->group.length;
	for (int i = 0; i < layout->nsketches; i++)
	{
		if (has_bytes(layout, record, i))
			size += record->items[i].key.length;
	}
	return MAXALIGN(size);
}

static inline char *
put_bytes(char *to, const char *bytes, uint32 length, uint32 *stored)
{
	*stored = length;
	if (length > 0)
		memcpy(to, bytes, length);
	return to + length;
}

static void
write_bytes(const RecordLayout *layout, const Record *record, char *to, Size size)
{
	uint32	   *lengths = (uint32 *) (to + layout->lengths);
	char	   *next = to + layout->size;

	lengths[LENGTH_RECORD] = (uint32) size;
	next = put_bytes(next, record->unit.bytes, record->unit.length, &lengths[LENGTH_UNIT]);
	lengths[LENGTH_GROUP] = 0;
	if (layout->grouped)
		next = put_bytes(next, record->group.bytes, record->group.length,
						 &lengths[LENGTH_GROUP]);
	for (int i = 0; i < layout->nsketches; i++)
	{
		uint32	   *length = &lengths[LENGTH_FIRST_SKETCH + i];

		*length = 0;
		if (has_bytes(layout, record, i))
		{
			next = put_bytes(next, record->items[i].key.bytes, record->items[i].key.length,
							 length);
			(*length)++;
		}
	}
}

/* record_write() for records with more than values. */
void
record_write_long(const RecordLayout *layout, const Record *record, Partitions *partitions,
				  int partition)
{
	Size		size = layout->varies ? full_size(layout, record) : layout->size;
	char	   *to = partitions_append(partitions, partition, size);
	uint64	   *items = (uint64 *) (to + layout->items);

	record_put(layout, record, to);
	for (int i = 0; i < layout->nsketches; i++)
		items[i] = !record->has_item[i] ? 0 :
			layout->kinds[i] == SPEC_SKETCH_CELLS ? (uint64) record->items[i].cell + 1 :
			record->items[i].key.hash;
	if (layout->varies)
		write_bytes(layout, record, to, size);
}

static inline const char *
get_bytes(const char *from, uint32 length, const char **bytes, uint32 *stored)
{
	*bytes = from;
	*stored = length;
	return from + length;
}

/* The part of record_read() for what does not lie at a fixed place. */
void
record_read_bytes(const RecordLayout *layout, const char *from, Record *record)
{
	const uint64 *items = (const uint64 *) (from + layout->items);
	const uint32 *lengths = (const uint32 *) (from + layout->lengths);
	const char *next = from + layout->size;

	for (int i = 0; i < layout->nsketches; i++)
	{
		record->has_item[i] = items[i] != 0;
		if (layout->kinds[i] == SPEC_SKETCH_CELLS)
			record->items[i].cell = (int) items[i] - 1;
		else
			record->items[i].key.hash = items[i];
	}
	if (!layout->varies)
		return;
	next = get_bytes(next, lengths[LENGTH_UNIT], &record->unit.bytes, &record->unit.length);
	if (layout->grouped)
		next = get_bytes(next, lengths[LENGTH_GROUP], &record->group.bytes,
						 &record->group.length);
	for (int i = 0; i < layout->nsketches; i++)
	{
		uint32		length = lengths[LENGTH_FIRST_SKETCH + i];

		if (layout->kinds[i] != SPEC_SKETCH_VALUES)
			continue;
		record->has_item[i] = length > 0;
		if (length > 0)
			next = get_bytes(next, length - 1, &record->items[i].key.bytes,
							 &record->items[i].key.length);
	}
}
