/*
 * direct.h
 *		Columns of a table's rows, read without forming whole rows.
 *
 * A scan hands out tuples of a heap as they are stored, and whoever wants a column has all columns
 * before it formed.  Here columns that have the same place in every tuple without NULL are read
 * from there.
 */
#ifndef DP_BOUND_DIRECT_H
#define DP_BOUND_DIRECT_H

#include "postgres.h"

#include "access/htup_details.h"
#include "access/tupmacs.h"
#include "executor/tuptable.h"

/* A column before the last that is read, or that one. */
typedef struct DirectColumn
{
	int			column;			/* from 0 */
	int			offset;			/* in the tuple's data; -1: it depends on those before it */
	int16		length;			/* typlen of its type */
	bool		by_value;
	bool		wanted;
	char		align;
} DirectColumn;

typedef struct DirectColumns
{
	int			last;			/* number of columns up to the last one that is read */
	int			n;
	DirectColumn *columns;		/* in their order: those wanted, and those in their way */
} DirectColumns;

extern void direct_columns_open(DirectColumns *direct, TupleDesc desc, const AttrNumber *attnos,
								int n);

/* Where a column is that begins at "offset" or, for the sake of its alignment, after it. */
static inline uint32
direct_offset(const DirectColumn *column, const char *data, uint32 offset)
{
	return column->offset >= 0 ? (uint32) column->offset :
		att_align_pointer(offset, column->align, column->length, data + offset);
}

/* A value of the column that lies there. */
static inline Datum
direct_value(const DirectColumn *column, const char *at)
{
	return fetch_att(at, column->by_value, column->length);
}

/*
 * Puts the columns into the slot's arrays, and nothing else there.  The slot has a tuple of a
 * heap, or anything.
 */
static inline void
direct_columns_read(const DirectColumns *direct, TupleTableSlot *slot)
{
	HeapTupleHeader tuple = TTS_IS_BUFFERTUPLE(slot) ?
		((HeapTupleTableSlot *) slot)->tuple->t_data : NULL;
	const char *data;
	uint32		offset = 0;

	if (unlikely(tuple == NULL || (tuple->t_infomask & HEAP_HASNULL) != 0 ||
				 HeapTupleHeaderGetNatts(tuple) < direct->last))
	{
		slot_getsomeattrs(slot, direct->last);
		return;
	}
	data = (const char *) tuple + tuple->t_hoff;
	for (int i = 0; i < direct->n; i++)
	{
		const DirectColumn *column = &direct->columns[i];
		const char *at = data + direct_offset(column, data, offset);

		if (column->wanted)
		{
			slot->tts_values[column->column] = direct_value(column, at);
			slot->tts_isnull[column->column] = false;
		}
		offset = (uint32) (at - data);
		offset = att_addlength_pointer(offset, column->length, at);
	}
}

#endif							/* DP_BOUND_DIRECT_H */
