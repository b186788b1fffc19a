/*
 * writing.h
 *		Writes rows of tables without SQL, as the worker of the ledger does.
 */
#ifndef DP_LEDGER_WRITING_H
#define DP_LEDGER_WRITING_H

#include "postgres.h"

#include "access/tableam.h"
#include "executor/tuptable.h"
#include "nodes/execnodes.h"
#include "utils/rel.h"

/* The tables that one transaction writes. */
typedef struct Writing
{
	EState	   *estate;
	EPQState	epq;			/* asked for by ExecSimpleRelationUpdate(), never run */
	List	   *tables;			/* of ResultRelInfo: those that are open */
	List	   *removed;		/* of ItemPointer: answers that were removed (answers.c) */
} Writing;

extern Writing *writing_begin(void);
extern void writing_renew(Writing *writing);
extern ResultRelInfo *writing_open(Writing *writing, Relation rel);
extern TupleTableSlot *writing_row(Writing *writing, ResultRelInfo *table);
extern bool writing_lock(Writing *writing, ResultRelInfo *table, ItemPointer tid,
						 TupleTableSlot **row);
extern void writing_set(TupleTableSlot *row, AttrNumber attno, Datum value);
extern void writing_insert(Writing *writing, ResultRelInfo *table, TupleTableSlot *row);
extern bool writing_update(Writing *writing, ResultRelInfo *table, TupleTableSlot *row,
						   TupleTableSlot *changed);
extern void writing_delete(Writing *writing, ResultRelInfo *table, TupleTableSlot *row);
extern void writing_end(Writing *writing);

#endif							/* DP_LEDGER_WRITING_H */
