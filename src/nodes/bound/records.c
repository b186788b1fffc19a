/*
 * records.c
 *		Rows into records and back.
 */
#include "postgres.h"

#include "nodes/bound/keys.h"
#include "nodes/bound/partitions.h"
#include "nodes/bound/records.h"
#include "spec/spec.h"

/* Numbers of bytes, in this order. */
enum
{
	LENGTH_RECORD,
	LENGTH_UNIT,
	LENGTH_GROUP,
	LENGTH_FIRST_SKETCH
};

/* Lays out the records of a release; unit_seed is to be set before they are read. */
void
record_layout(RecordLayout *layout, const ReleaseSpec *spec, const KeyColumns *units,
			  const KeyColumns *keys)
{
	Size		offset;
	int			nvalues = 0;

	layout->grouped = keys->n > 0;
	layout->narrow_unit = units->is_short && units->readers->length <= (int) sizeof(uint32);
	layout->wide_unit = !units->is_short;
	layout->narguments = spec->narguments;
	layout->nsketches = spec->nsketches;
	for (int i = 0; i < spec->narguments; i++)
	{
		if (spec->arguments[i].bound == 0)
			layout->has_bitmap = true;
		else
		{
			layout->bounded |= ARGUMENT_BIT(i);
			nvalues++;
		}
	}
	layout->id = offset = layout->wide_unit ? (Size) (sizeof(KeyWords) + 1) :
		layout->narrow_unit ? sizeof(uint32) : sizeof(uint64);
	if (layout->grouped)
		offset += sizeof(uint32);
	layout->present = offset;
	layout->wide_bitmap = spec->narguments > 32;
	if (layout->has_bitmap)
		offset += layout->wide_bitmap ? sizeof(uint64) : sizeof(uint32);
	layout->values = offset;
	layout->items = offset + nvalues * sizeof(RecordValue);
	layout->size = layout->items;
	for (int i = 0; i < spec->nsketches; i++)
	{
		layout->kinds[i] = spec->sketches[i].kind;
		layout->size += record_item_size(layout, i);
		if (spec->sketches[i].kind == SPEC_SKETCH_VALUES)
			layout->varies = true;
	}
}

static Size
lengths_size(const RecordLayout *layout)
{
	return (LENGTH_FIRST_SKETCH + layout->nsketches) * sizeof(uint32);
}

/* Does the record have a value for the sketch that comes with bytes? */
static inline bool
has_bytes(const RecordLayout *layout, const Record *record, int sketch)
{
	return layout->kinds[sketch] == SPEC_SKETCH_VALUES && record->has_item[sketch];
}

/* The number of bytes of a unit that do not lie at a fixed place. */
static uint32
more_of_unit(const Record *record)
{
	return key_fits_words(record->unit.length) ? 0 : record->unit.length;
}

static Size
long_size(const RecordLayout *layout, const Record *record)
{
	Size		size = layout->size + lengths_size(layout) + more_of_unit(record);

	if (record->id == RECORD_NO_ID)
		size += sizeof(uint64) + record->group.length;
	for (int i = 0; i < layout->nsketches; i++)
	{
		if (has_bytes(layout, record, i))
			size += record->items[i].key.length;
	}
	return INTALIGN(size);
}

static inline char *
put_bytes(char *to, const void *bytes, uint32 length)
{
	if (length > 0)
		memcpy(to, bytes, length);
	return to + length;
}

static void
write_bytes(const RecordLayout *layout, const Record *record, char *to, Size size)
{
	uint32		lengths[LENGTH_FIRST_SKETCH + DP_MAX_SKETCHES] = {0};
	char	   *next = to + layout->size + lengths_size(layout);

	lengths[LENGTH_RECORD] = (uint32) size;
	lengths[LENGTH_UNIT] = more_of_unit(record);
	next = put_bytes(next, record->unit.bytes, lengths[LENGTH_UNIT]);
	if (record->id == RECORD_NO_ID)
	{
		lengths[LENGTH_GROUP] = record->group.length;
		next = put_bytes(next, &record->group.hash, sizeof(uint64));
		next = put_bytes(next, record->group.bytes, record->group.length);
	}
	for (int i = 0; i < layout->nsketches; i++)
	{
		if (!has_bytes(layout, record, i))
			continue;
		lengths[LENGTH_FIRST_SKETCH + i] = record->items[i].key.length + 1;
		next = put_bytes(next, record->items[i].key.bytes, record->items[i].key.length);
	}
	memcpy(to + layout->size, lengths, lengths_size(layout));
}

/* record_write() for records with more than lies at fixed places. */
void
record_write_long(const RecordLayout *layout, const Record *record, Partitions *partitions,
				  int partition)
{
	Size		size = long_size(layout, record);
	char	   *to = partitions_append(partitions, partition, size);

	record_put(layout, record, to);
	write_bytes(layout, record, to, size);
}

/* Reads what does not lie at fixed places. */
void
record_read_long(const RecordLayout *layout, const char *from, Record *record)
{
	uint32		lengths[LENGTH_FIRST_SKETCH + DP_MAX_SKETCHES];
	const char *next = from + layout->size + lengths_size(layout);

	memcpy(lengths, from + layout->size, lengths_size(layout));
	if (lengths[LENGTH_UNIT] > 0)
	{
		record->unit.bytes = next;
		record->unit.length = lengths[LENGTH_UNIT];
		next += record->unit.length;
	}
	if (record->id == RECORD_NO_ID)
	{
		record->group.hash = record_uint64(next);
		record->group.bytes = next + sizeof(uint64);
		record->group.length = lengths[LENGTH_GROUP];
		next += sizeof(uint64) + record->group.length;
	}
	for (int i = 0; i < layout->nsketches; i++)
	{
		uint32		length = lengths[LENGTH_FIRST_SKETCH + i];

		if (layout->kinds[i] != SPEC_SKETCH_VALUES)
			continue;
		record->has_item[i] = length > 0;
		record->items[i].key.bytes = next;
		record->items[i].key.length = length > 0 ? length - 1 : 0;
		next += record->items[i].key.length;
	}
}
