/*
 * store.c
 *		The released rows, kept until they are asked for.
 *
 * They come out sorted by key: the order of an exact hash table would tell about groups that
 * were held back.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "miscadmin.h"
#include "parser/parse_oper.h"
#include "utils/tuplesort.h"
#include "utils/tuplestore.h"

#include "nodes/release/store.h"
#include "spec/layout.h"
#include "spec/spec.h"

/*
 * Prepares for rows of a release: they will be in the order of their keys, with NULL last, or
 * one without keys.
 */
void
released_begin(ReleasedRows *rows, const ReleaseSpec *spec, TupleDesc desc)
{
	int			nkeys = spec->nkeys;
	AttrNumber *attnos = palloc(nkeys * sizeof(AttrNumber));
	Oid		   *operators = palloc(nkeys * sizeof(Oid));
	Oid		   *collations = palloc(nkeys * sizeof(Oid));
	bool	   *nulls_first = palloc0(nkeys * sizeof(bool));

	rows->slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	if (nkeys == 0)
	{
		rows->store = tuplestore_begin_heap(false, false, work_mem);
		return;
	}
	for (int i = 0; i < nkeys; i++)
	{
		int			column = release_key_column(spec, i);
		Form_pg_attribute attribute = TupleDescAttr(desc, column);

		attnos[i] = column + 1;
		collations[i] = attribute->attcollation;
		get_sort_group_operators(attribute->atttypid, true, false, false,
								 &operators[i], NULL, NULL, NULL);
	}
	rows->sorted = tuplesort_begin_heap(desc, nkeys, attnos, operators, collations,
										nulls_first, work_mem, NULL,
										TUPLESORT_RANDOMACCESS);
}

/* Keeps a row. */
void
released_put(ReleasedRows *rows, TupleTableSlot *row)
{
	if (rows->sorted != NULL)
		tuplesort_puttupleslot(rows->sorted, row);
	else
		tuplestore_puttupleslot(rows->store, row);
}

/* All rows are there. */
void
released_complete(ReleasedRows *rows)
{
	if (rows->sorted != NULL)
		tuplesort_performsort(rows->sorted);
}

/* The next row, in this slot, which is empty at the end. */
TupleTableSlot *
released_next(ReleasedRows *rows, TupleTableSlot *slot)
{
	bool		found;

	if (rows->sorted != NULL)
		found = tuplesort_gettupleslot(rows->sorted, true, false, rows->slot, NULL);
	else
		found = tuplestore_gettupleslot(rows->store, true, false, rows->slot);
	if (!found)
		return ExecClearTuple(slot);
	return ExecCopySlot(slot, rows->slot);
}

/* Goes back to the first row. */
void
released_rewind(ReleasedRows *rows)
{
	if (rows->sorted != NULL)
		tuplesort_rescan(rows->sorted);
	else
		tuplestore_rescan(rows->store);
}

/* Forgets all, if there is anything. */
void
released_end(ReleasedRows *rows)
{
	if (rows->slot != NULL)
		ExecDropSingleTupleTableSlot(rows->slot);
	if (rows->sorted != NULL)
		tuplesort_end(rows->sorted);
	if (rows->store != NULL)
		tuplestore_end(rows->store);
	memset(rows, 0, sizeof(ReleasedRows));
}
