/*
 * walk.c
 *		Entries lie in several tables, one for each kind; a walk merges them by number.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "core/errors.h"
#include "ledger/tables.h"
#include "ledger/walk.h"

static const char *const names[WALK_KINDS] = {"release", "raw_read", "account_change"};

/* A column by its name; ERRCODE_DP_LEDGER if the table lacks it. */
static AttrNumber
find_column(TupleDesc desc, const char *table, const char *name)
{
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (!attribute->attisdropped && strcmp(NameStr(attribute->attname), name) == 0)
			return attribute->attnum;
	}
	ereport(ERROR,
			(errcode(ERRCODE_DP_LEDGER),
			 errmsg("table \"%s\" of the ledger lacks column \"%s\"", table, name)));
}

/* Opens one table, at its first entry. */
static void
open_source(WalkSource *source, const char *name, Snapshot snapshot)
{
	Oid			index;

	source->name = name;
	source->rel = table_open(ledger_table_needed(name), AccessShareLock);
	source->desc = RelationGetDescr(source->rel);
	source->prev_hash = find_column(source->desc, name, "prev_hash");
	source->hash = find_column(source->desc, name, "hash");
	source->values = palloc(source->desc->natts * sizeof(Datum));
	source->nulls = palloc(source->desc->natts * sizeof(bool));
	index = RelationGetPrimaryKeyIndex(source->rel);
	if (!OidIsValid(index))
		ereport(ERROR,
				(errcode(ERRCODE_DP_LEDGER),
				 errmsg("table \"%s\" of the ledger has lost its primary key", name)));
	source->index = index_open(index, AccessShareLock);
	source->scan = systable_beginscan_ordered(source->rel, source->index, snapshot, 0, NULL);
	walk_next(source);
}

/*
 * walk_begin
 *		Opens all tables, each at its first entry as the snapshot sees them.
 *
 * Raises ERRCODE_DP_LEDGER where a table is missing or not as it was installed.
 */
Walk *
walk_begin(Snapshot snapshot)
{
	Walk	   *walk = palloc0(sizeof(Walk));

	for (int i = 0; i < WALK_KINDS; i++)
		open_source(&walk->sources[i], names[i], snapshot);
	return walk;
}

/* walk_id: the number of the entry that comes next in a table. */
int64
walk_id(const WalkSource *source)
{
	return DatumGetInt64(source->values[Anum_release_id - 1]);
}

/* walk_first: the table with the entry that comes next; NULL after the last. */
WalkSource *
walk_first(Walk *walk)
{
	WalkSource *first = NULL;

	for (int i = 0; i < WALK_KINDS; i++)
	{
		WalkSource *source = &walk->sources[i];

		if (!source->at_end && (first == NULL || walk_id(source) < walk_id(first)))
			first = source;
	}
	return first;
}

/* walk_next: goes on in one table; the values that it had are gone. */
void
walk_next(WalkSource *source)
{
	HeapTuple	tuple = systable_getnext_ordered(source->scan, ForwardScanDirection);

	source->at_end = !HeapTupleIsValid(tuple);
	if (!source->at_end)
		heap_deform_tuple(tuple, source->desc, source->values, source->nulls);
}

/* walk_end: closes the tables. */
void
walk_end(Walk *walk)
{
	for (int i = 0; i < WALK_KINDS; i++)
	{
		WalkSource *source = &walk->sources[i];

		systable_endscan_ordered(source->scan);
		index_close(source->index, AccessShareLock);
		table_close(source->rel, AccessShareLock);
	}
}
