/*
 * kept.h
 *		Rows that a node has got all at once, and hands out one by one.
 */
#ifndef DP_SHARDS_KEPT_H
#define DP_SHARDS_KEPT_H

#include "postgres.h"

#include "executor/tuptable.h"
#include "utils/tuplestore.h"

typedef struct KeptRows
{
	Tuplestorestate *store;		/* NULL: there are none yet */
	TupleTableSlot *slot;
} KeptRows;

extern void kept_begin(KeptRows *rows, TupleDesc desc);
extern TupleTableSlot *kept_next(KeptRows *rows, TupleTableSlot *slot);
extern void kept_rewind(KeptRows *rows);
extern void kept_end(KeptRows *rows);

#endif							/* DP_SHARDS_KEPT_H */
