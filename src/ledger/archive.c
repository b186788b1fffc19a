/*
 * archive.c
 *		Entries of the ledger that were moved to an archive, and what the chain keeps of them.
 *
 * dp_agg.archive_ledger() removes old releases and raw reads.  Of each run of entries that follow each
 * other two hashes stay: what the first of them follows, and that of the last.  With these the chain
 * goes on behind them, and the entries, wherever they are kept, can be proved to have been there.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "utils/rel.h"

#include "core/compat.h"
#include "core/errors.h"
#include "ledger/archive.h"
#include "ledger/layout.h"
#include "ledger/tables.h"

/* Copies a hash of a range; ERRCODE_DP_LEDGER if it is none. */
static void
read_hash(Relation rel, HeapTuple tuple, AttrNumber attno, uint8 *hash)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, attno, RelationGetDescr(rel), &isnull);

	if (!chain_read_hash(value, isnull, hash))
		ereport(ERROR,
				(errcode(ERRCODE_DP_LEDGER),
				 errmsg("a range of archived entries has no valid hash")));
}

/*
 * archive_read
 *		The ranges of archived entries, in the order of their numbers: a list of ArchivedRange.
 *
 * Raises ERRCODE_DP_LEDGER where the table is missing or not as it was installed.
 */
List *
archive_read(Snapshot snapshot)
{
	Relation	rel = ledger_open("ledger_archive", AccessShareLock);
	Oid			primary = DP_PRIMARY_KEY_INDEX(rel);
	Relation	index;
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *ranges = NIL;
	bool		isnull;

	if (!OidIsValid(primary))
		ereport(ERROR,
				(errcode(ERRCODE_DP_LEDGER),
				 errmsg("table \"%s\" of the ledger has lost its primary key",
						RelationGetRelationName(rel))));
	index = index_open(primary, AccessShareLock);
	scan = systable_beginscan_ordered(rel, index, snapshot, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext_ordered(scan, ForwardScanDirection)))
	{
		ArchivedRange *range = palloc(sizeof(ArchivedRange));

		range->first_id = DatumGetInt64(heap_getattr(tuple, Anum_archive_first_id,
													 RelationGetDescr(rel), &isnull));
		range->last_id = DatumGetInt64(heap_getattr(tuple, Anum_archive_last_id,
													RelationGetDescr(rel), &isnull));
		read_hash(rel, tuple, Anum_archive_prev_hash, range->prev_hash);
		read_hash(rel, tuple, Anum_archive_hash, range->hash);
		ranges = lappend(ranges, range);
	}
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(rel, AccessShareLock);
	return ranges;
}
