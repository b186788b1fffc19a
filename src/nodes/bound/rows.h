/*
 * rows.h
 *		Reads the rows below a node.
 */
#ifndef DP_BOUND_ROWS_H
#define DP_BOUND_ROWS_H

#include "postgres.h"

#include "access/tableam.h"
#include "executor/executor.h"
#include "miscadmin.h"

#include "aggregate/sketch_add.h"
#include "nodes/bound/direct.h"
#include "spec/spec.h"

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
} RowReader;

extern void input_columns_open(InputColumns *columns, List *numbers, TupleDesc desc,
							   const ReleaseSpec *spec);
extern SketchReader *rows_open_values(const ReleaseSpec *spec, ArrayType *params, TupleDesc desc,
									  const InputColumns *columns);

/* Would the sequential scan that has begun only pass on the rows of its table? */
static inline bool
passes_on(const PlanState *child)
{
	return IsA(child, SeqScanState) && child->qual == NULL && child->ps_ProjInfo == NULL &&
		child->instrument == NULL && child->state->es_epq_active == NULL;
}

/* The next row, or NULL: SeqNext() of nodeSeqscan.c where nothing else is to be done. */
static inline TupleTableSlot *
next_row(RowReader *rows)
{
	TupleTableSlot *slot;

	if (likely(rows->scan != NULL))
	{
		slot = rows->scan->ss_ScanTupleSlot;
		CHECK_FOR_INTERRUPTS();
		return table_scan_getnextslot(rows->scan->ss_currentScanDesc, ForwardScanDirection,
									  slot) ? slot : NULL;
	}
	slot = ExecProcNode(rows->child);
	if (TupIsNull(slot))
		return NULL;
	if (passes_on(rows->child))
		rows->scan = (ScanState *) rows->child;
	return slot;
}

#endif							/* DP_BOUND_ROWS_H */
