/*
 * store.h
 *		The released rows, kept until they are asked for.
 */
#ifndef DP_STORE_H
#define DP_STORE_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "executor/tuptable.h"
#include "utils/tuplesort.h"
#include "utils/tuplestore.h"

#include "spec/spec.h"

typedef struct ReleasedRows
{
	Tuplesortstate *sorted;		/* by key, if there are keys */
	Tuplestorestate *store;		/* else the one row */
	TupleTableSlot *slot;		/* reads them back */
} ReleasedRows;

extern void released_begin(ReleasedRows *rows, const ReleaseSpec *spec, TupleDesc desc);
extern void released_put(ReleasedRows *rows, TupleTableSlot *row);
extern void released_complete(ReleasedRows *rows);
extern TupleTableSlot *released_next(ReleasedRows *rows, TupleTableSlot *slot);
extern void released_rewind(ReleasedRows *rows);
extern void released_end(ReleasedRows *rows);

#endif							/* DP_STORE_H */
