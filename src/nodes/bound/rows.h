/*
 * rows.h
 *		Reads the rows below a node.
 */
#ifndef DP_BOUND_ROWS_H
#define DP_BOUND_ROWS_H

#include "postgres.h"

#include "access/heapam.h"
#include "access/tableam.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/bufmgr.h"

#include "aggregate/sketch_add.h"
#include "nodes/bound/direct.h"
#include "nodes/bound/prefetch.h"
#include "spec/spec.h"

/* A row of a page is asked for when this many rows before it are read. */
#define ROWS_AHEAD 8

/* The columns of the rows, by attribute number; "arguments" has that of each argument etc. */
typedef struct InputColumns
{
	int			nkeys;
	int			nunits;			/* 0: each row is an individual */
	const AttrNumber *keys;
	const AttrNumber *units;
	const AttrNumber *arguments;
	const AttrNumber *values;	/* of sketches */
	DirectColumns direct;		/* all of them */
} InputColumns;

typedef struct RowReader
{
	PlanState  *child;
	ScanState  *scan;			/* the child, if it is read past the executor; else NULL */
	HeapScanDesc heap;			/* its scan, if that is of a heap, a page at a time; else NULL */
} RowReader;

extern void input_columns_open(InputColumns *columns, List *numbers, TupleDesc desc,
							   const ReleaseSpec *spec);
extern void rows_read_past(RowReader *rows);
extern SketchReader *rows_open_values(const ReleaseSpec *spec, ArrayType *params, TupleDesc desc,
									  const InputColumns *columns);

/*
 * Goes on to the next row of the page that the scan is at, as heap_getnextslot() does after it has
 * looked at whatever it is asked for; false if there is none.  The slot has the row before, whose
 * tuple is that of the scan, and a pin on the page.
 */
static inline bool
next_row_of_page(HeapScanDesc heap, TupleTableSlot *slot)
{
	uint32		next = (uint32) heap->rs_cindex + 1;
	HeapTuple	tuple = &heap->rs_ctup;
	Page		page;
	ItemId		item;

	if (next >= (uint32) heap->rs_ntuples)
		return false;
	page = BufferGetPage(heap->rs_cbuf);
	item = PageGetItemId(page, heap->rs_vistuples[next]);
	tuple->t_data = (HeapTupleHeader) PageGetItem(page, item);
	if (next + ROWS_AHEAD < (uint32) heap->rs_ntuples)
		dp_prefetch(PageGetItem(page, PageGetItemId(page, heap->rs_vistuples[next + ROWS_AHEAD])));
	tuple->t_len = ItemIdGetLength(item);
	ItemPointerSet(&tuple->t_self, heap->rs_cblock, heap->rs_vistuples[next]);
	heap->rs_cindex = next;
	slot->tts_nvalid = 0;
	ItemPointerSet(&slot->tts_tid, heap->rs_cblock, heap->rs_vistuples[next]);
	pgstat_count_heap_getnext(heap->rs_base.rs_rd);
	return true;
}

/* The next row, or NULL: SeqNext() of nodeSeqscan.c where nothing else is to be done. */
static inline TupleTableSlot *
next_row(RowReader *rows)
{
	TupleTableSlot *slot;

	if (likely(rows->scan != NULL))
	{
		slot = rows->scan->ss_ScanTupleSlot;
		if (rows->heap != NULL && likely(next_row_of_page(rows->heap, slot)))
			return slot;
		CHECK_FOR_INTERRUPTS();
		return table_scan_getnextslot(rows->scan->ss_currentScanDesc, ForwardScanDirection,
									  slot) ? slot : NULL;
	}
	slot = ExecProcNode(rows->child);
	if (TupIsNull(slot))
		return NULL;
	rows_read_past(rows);
	return slot;
}

#endif							/* DP_BOUND_ROWS_H */
