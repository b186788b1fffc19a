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

#include "core/compat.h"
#include "core/errors.h"
#include "ledger/layout.h"
#include "ledger/tables.h"
#include "ledger/walk.h"

/* The tables, and where their hashes are. */
static const struct
{
	const char *name;
	AttrNumber	prev_hash;
	AttrNumber	hash;
}			kinds[WALK_KINDS] =
{
	[WALK_RELEASE] = {"release", Anum_release_prev_hash, Anum_release_hash},
	[WALK_RAW_READ] = {"raw_read", Anum_raw_read_prev_hash, Anum_raw_read_hash},
	[WALK_ACCOUNT_CHANGE] = {"account_change", Anum_account_change_prev_hash, Anum_account_change_hash},
};

/* Opens one table, at its first entry. */
static void
open_source(WalkSource *source, WalkKind kind, Snapshot snapshot)
{
	const char *name = kinds[kind].name;
	Oid			index;

	source->name = name;
	source->rel = ledger_open(name, AccessShareLock);
	source->desc = RelationGetDescr(source->rel);
	source->prev_hash = kinds[kind].prev_hash;
	source->hash = kinds[kind].hash;
	source->values = palloc(source->desc->natts * sizeof(Datum));
	source->nulls = palloc(source->desc->natts * sizeof(bool));
	index = DP_PRIMARY_KEY_INDEX(source->rel);
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
		open_source(&walk->sources[i], (WalkKind) i, snapshot);
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
