/*
 * kept.c
 *		Rows that a node has got all at once, and hands out one by one.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "nodes/shards/kept.h"

/* Opens the store for rows of these columns, in the current memory context: in work_mem, and a file beyond. */
void
kept_begin(KeptRows *rows, TupleDesc desc)
{
	rows->store = tuplestore_begin_heap(true, false, work_mem);
	rows->slot = MakeSingleTupleTableSlot(CreateTupleDescCopy(desc), &TTSOpsMinimalTuple);
}

/* The next row, in this slot, which is empty at the end. */
TupleTableSlot *
kept_next(KeptRows *rows, TupleTableSlot *slot)
{
	if (!tuplestore_gettupleslot(rows->store, true, false, rows->slot))
		return ExecClearTuple(slot);
	return ExecCopySlot(slot, rows->slot);
}

/* Goes back to the first row, if there are any. */
void
kept_rewind(KeptRows *rows)
{
	if (rows->store != NULL)
		tuplestore_rescan(rows->store);
}

/* Forgets all, if there is anything. */
void
kept_end(KeptRows *rows)
{
	if (rows->store == NULL)
		return;
	ExecDropSingleTupleTableSlot(rows->slot);
	tuplestore_end(rows->store);
	rows->store = NULL;
	rows->slot = NULL;
}
