/*
 * enforced.c
 *		Which declarations are believed: those that the server enforces for every row
 *		that a scan can return.
 *
 * A proof may rest on NOT NULL or on a unique index.  Neither is a fact about the
 * rows by itself:
 *
 * - Nobody enforces what is declared of a foreign table.  A child of a table may
 *   have dropped NOT NULL, has indexes of its own, and its columns have other
 *   numbers.
 * - Both were checked for the rows that lived when they were declared.  An older
 *   snapshot sees rows that were deleted before, and they need not obey.  So the
 *   snapshot must see the catalog's row that declares it, which another transaction
 *   must have written.
 *
 * What is believed is noted, and asked for again when a release begins, with its
 * snapshot (nodes/release/recheck.c).
 *
 * The planner believes more, and asks no snapshot: unique indexes and primary keys,
 * in which it takes the first row of a key for the only one, and bounds of
 * partitions.  policy_is_settled() tells whether a snapshot may be too old for that.
 * CHECK, domains and, with constraint_exclusion, NOT NULL and bounds of partitions make
 * it leave out rows that contradict them: that depends on each row alone.  Foreign keys
 * only make estimates.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/partition.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "core/compat.h"
#include "policy/cache.h"
#include "policy/enforced.h"

PG_FUNCTION_INFO_V1(dp_never_null);

/* ----------
 * Rows of catalogs and snapshots
 * ----------
 */

/* Has the transaction under way written this version of a catalog's row? */
static bool
is_own(HeapTuple tuple)
{
	return TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data));
}

/* Does the snapshot see this version of a catalog's row?  NULL: any does. */
static bool
is_seen(HeapTuple tuple, Snapshot snapshot)
{
	TransactionId xmin = HeapTupleHeaderGetXmin(tuple->t_data);

	return !TransactionIdIsNormal(xmin) || snapshot == NULL ||
		!XidInMVCCSnapshot(xmin, snapshot);
}

/*
 * Does a catalog's row, which declares what was checked when it was written, declare it for what the
 * snapshot sees?  Another transaction must have written it, and the snapshot must see that.
 */
bool
policy_row_is_proof(HeapTuple tuple, Snapshot snapshot)
{
	return !is_own(tuple) && is_seen(tuple, snapshot);
}

/* The snapshot that the planning looks with; NULL if there is none. */
static Snapshot
active_snapshot(void)
{
	return ActiveSnapshotSet() ? GetActiveSnapshot() : NULL;
}

/* Has the relation partitions, or others that inherit from it? */
static bool
relation_has_children(Oid relid)
{
	return get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE || has_subclass(relid);
}

/* ----------
 * NOT NULL
 * ----------
 */

/* The relations whose rows a scan of this one returns. */
static List *
scanned_relations(Oid relid)
{
	/* the planner locks those that it reads, and then this is asked again */
	return relation_has_children(relid) ? find_all_inheritors(relid, NoLock, NULL) :
		list_make1_oid(relid);
}

#if PG_VERSION_NUM >= 180000

/*
 * Has NOT NULL, which is declared of the column, been checked for the rows that were there, and does
 * the snapshot see that?  From PostgreSQL 18 on it may be NOT VALID, with attnotnull set.  VALIDATE
 * CONSTRAINT writes the constraint's row alone.
 */
static bool
not_null_is_checked(Oid relid, AttrNumber attno, Snapshot snapshot, bool own)
{
	HeapTuple	tuple = findNotNullConstraintAttnum(relid, attno);
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	result = ((Form_pg_constraint) GETSTRUCT(tuple))->convalidated &&
		((Form_pg_constraint) GETSTRUCT(tuple))->conenforced &&
		(own || (!is_own(tuple) && is_seen(tuple, snapshot)));
	heap_freetuple(tuple);
	return result;
}

#else							/* up to PostgreSQL 17 SET NOT NULL checks them */

static bool
not_null_is_checked(Oid relid, AttrNumber attno, Snapshot snapshot, bool own)
{
	return true;
}

#endif

/*
 * Does the server enforce that a column, so named, of this very relation is not NULL?
 * Materialized views cannot declare it.
 */
static bool
member_is_not_null(Oid relid, const char *column, Snapshot snapshot, bool own)
{
	char		relkind = get_rel_relkind(relid);
	HeapTuple	tuple;
	AttrNumber	attno;
	bool		result;

	if (relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE)
		return false;
	tuple = SearchSysCacheAttName(relid, column);
	if (!HeapTupleIsValid(tuple))
		return false;
	result = ((Form_pg_attribute) GETSTRUCT(tuple))->attnotnull &&
		(own || (!is_own(tuple) && is_seen(tuple, snapshot)));
	attno = ((Form_pg_attribute) GETSTRUCT(tuple))->attnum;
	ReleaseSysCache(tuple);
	return result && !DP_IS_VIRTUAL(relid, attno) &&
		not_null_is_checked(relid, attno, snapshot, own);
}

/*
 * Are the columns NULL in no row that a scan of the relation returns?  For the snapshot, or for
 * any (NULL); own: what the transaction under way has declared counts, too.
 */
static bool
columns_are_not_null(Oid relid, List *attnos, Snapshot snapshot, bool own)
{
	List	   *members = scanned_relations(relid);
	ListCell   *lc;
	ListCell   *lm;

	foreach(lc, attnos)
	{
		char	   *column = get_attname(relid, lfirst_int(lc), true);

		foreach(lm, members)
		{
			if (column == NULL || !member_is_not_null(lfirst_oid(lm), column, snapshot, own))
				return false;
		}
	}
	return true;
}

/* Is a column NULL in no row that a scan of the relation returns?  For the active snapshot. */
bool
policy_not_null(Oid relid, AttrNumber attno)
{
	return columns_are_not_null(relid, list_make1_int(attno), active_snapshot(), false);
}

/* Is each of the columns NULL in no row that the snapshot sees? */
bool
policy_still_not_null(Oid relid, List *attnos, Snapshot snapshot)
{
	return columns_are_not_null(relid, attnos, snapshot, false);
}

/*
 * dp_agg.never_null(relation, column number): what policy_not_null() will say once the
 * transaction has ended.  For messages to who declares something.
 */
PGDLLEXPORT Datum
dp_never_null(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	AttrNumber	attno = PG_GETARG_INT16(1);

	PG_RETURN_BOOL(columns_are_not_null(relid, list_make1_int(attno), NULL, true));
}

/* ----------
 * Unique indexes
 * ----------
 */

/*
 * May this transaction have written to the relation after the snapshot was taken, and
 * another one before that, but after the snapshot, too?  A transaction that keeps one
 * snapshot may, if it has written at all.  So may one of several queries that a rule
 * makes of one: they share a snapshot, of which only the command number goes up.  If
 * no transaction has completed since (GetSnapshotDataReuse() in procarray.c), no
 * other one has written.  Protected relations are not the client's to write to.
 */
static bool
may_have_written_since(Oid relid, Snapshot snapshot)
{
	if (!TransactionIdIsValid(GetTopTransactionIdIfAny()))
		return false;
	if (IsolationUsesXactSnapshot())
		return true;
	if (policy_lookup(relid) != NULL)
		return false;
	return snapshot == NULL ||
		snapshot->snapXactCompletionCount != DP_COMPLETED_TRANSACTIONS;
}

/*
 * Does the index make its columns unique in what the snapshot sees?  It must be
 * complete, valid and immediate, and the snapshot must see that it was built,
 * by another transaction: an older one may see rows that were deleted before.
 * Nor does it hold where the transaction may have written since the snapshot: it
 * may see a row that another deleted since, beside one of its own in its place.
 */
static bool
index_is_proof(Relation index, Snapshot snapshot)
{
	Form_pg_index form = index->rd_index;

	/* the index of a key WITHOUT OVERLAPS is an exclusion */
	return form->indisunique && form->indisvalid && form->indimmediate &&
		form->indislive && !form->indisexclusion && RelationGetIndexPredicate(index) == NIL &&
		!is_own(index->rd_indextuple) && is_seen(index->rd_indextuple, snapshot) &&
		!may_have_written_since(form->indrelid, snapshot);
}

/*
 * Are values equal for the index where they are for the column?  One with another
 * collation tells spellings apart that the column holds for one.
 */
static bool
index_goes_by_column(Relation index, int i, Relation relation)
{
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(relation),
										  index->rd_index->indkey.values[i] - 1);
	TypeCacheEntry *type = lookup_type_cache(getBaseType(att->atttypid), TYPECACHE_BTREE_OPFAMILY);

	return index->rd_indcollation[i] == att->attcollation &&
		index->rd_opfamily[i] == type->btree_opf;
}

/* Does the snapshot see that another transaction made the relation a partition? */
static bool
partition_is_seen(Oid relid, Snapshot snapshot)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	result = policy_row_is_proof(tuple, snapshot);	/* the row is written then, or later */
	ReleaseSysCache(tuple);
	return result;
}

/*
 * Does an index of a partitioned table, which is proof itself, make its columns unique over all partitions?  They
 * are bounded by columns of it, so each may show it for itself.  One that was attached since the snapshot may hold more
 * in the snapshot's eyes.
 */
static bool
partitions_are_proof(Oid relid, Oid indexid, Snapshot snapshot)
{
	ListCell   *lc;

	check_stack_depth();
	foreach(lc, find_inheritance_children(relid, AccessShareLock))
	{
		Oid			member = lfirst_oid(lc);
		Relation	partition = relation_open(member, NoLock);
		Oid			part = index_get_partition(partition, indexid);
		bool		proof = OidIsValid(part) && partition_is_seen(member, snapshot);

		if (proof)
		{
			Relation	index = index_open(part, AccessShareLock);

			proof = index_is_proof(index, snapshot);
			index_close(index, NoLock);
		}
		relation_close(partition, NoLock);
		if (!proof || !partitions_are_proof(member, part, snapshot))
			return false;
	}
	return true;
}

/*
 * Does an index that is proof for the rows of the relation itself cover its children, too?  It does not those of
 * classic inheritance; pg_class goes on to say that there are such when they have been dropped.
 */
static bool
index_covers_children(Oid relid, Oid indexid, Snapshot snapshot)
{
	if (get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE)
		return partitions_are_proof(relid, indexid, snapshot);
	return !has_subclass(relid) || find_inheritance_children(relid, NoLock) == NIL;
}

/*
 * Finds a unique index of a table with or without partitions whose columns are all among "columns" (attribute
 * numbers), for the active snapshot; InvalidOid if there is none.  Rows with
 * NULLs are the caller's to exclude.
 */
Oid
policy_unique_key(Oid relid, const Bitmapset *columns)
{
	Relation	relation = relation_open(relid, AccessShareLock);
	Oid			result = InvalidOid;
	List	   *indexes;
	ListCell   *lc;

	indexes = RelationGetIndexList(relation);
	foreach(lc, indexes)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		bool		covered = index_is_proof(index, active_snapshot());

		for (int i = 0; covered && i < index->rd_index->indnkeyatts; i++)
			covered = index->rd_index->indkey.values[i] > 0 &&
				bms_is_member(index->rd_index->indkey.values[i], columns) &&
				index_goes_by_column(index, i, relation);
		index_close(index, AccessShareLock);
		covered = covered && index_covers_children(relid, lfirst_oid(lc), active_snapshot());
		if (covered)
		{
			result = lfirst_oid(lc);
			break;
		}
	}
	list_free(indexes);
	relation_close(relation, AccessShareLock);
	return result;
}

/* The same of a table that has no partitions. */
Oid
policy_unique_index(Oid relid, const Bitmapset *columns)
{
	return relation_has_children(relid) ? InvalidOid : policy_unique_key(relid, columns);
}

/* Does an index found by policy_unique_index() or policy_unique_key() still prove it, for the snapshot? */
bool
policy_still_unique(Oid indexid, Snapshot snapshot)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(indexid));
	Oid			relid;
	Relation	index;
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	relid = ((Form_pg_index) GETSTRUCT(tuple))->indrelid;
	ReleaseSysCache(tuple);
	index = index_open(indexid, AccessShareLock);
	result = index_is_proof(index, snapshot);
	index_close(index, AccessShareLock);
	return result && index_covers_children(relid, indexid, snapshot);
}

/* ----------
 * What the planner believes
 * ----------
 */

/* Has the snapshot seen all unique indexes that the planner takes for true? */
static bool
indexes_are_settled(Relation relation, Snapshot snapshot)
{
	List	   *indexes = RelationGetIndexList(relation);
	bool		result = true;
	ListCell   *lc;

	foreach(lc, indexes)
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(lc)));

		if (!HeapTupleIsValid(tuple))
			return false;
		if (((Form_pg_index) GETSTRUCT(tuple))->indisunique)
			result = result && (is_own(tuple) || is_seen(tuple, snapshot));
		ReleaseSysCache(tuple);
	}
	list_free(indexes);
	return result;
}

/*
 * Has the snapshot seen the relation become a partition?  Its row in pg_class is written then, or
 * later, so a snapshot that sees that row has.
 */
static bool
partition_is_settled(Oid relid, Snapshot snapshot)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Relation	inherits;
	ScanKeyData key;
	SysScanDesc scan;
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	result = is_seen(tuple, snapshot);
	ReleaseSysCache(tuple);
	if (result)
		return true;

	result = true;
	inherits = table_open(InheritsRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(inherits, InheritsRelidSeqnoIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		result = result && (is_own(tuple) || is_seen(tuple, snapshot));
	systable_endscan(scan);
	table_close(inherits, AccessShareLock);
	return result;
}

/*
 * Does the snapshot see all that the planner takes for true of the relation's rows?  An
 * older one sees rows that were deleted before: two of one key, or outside the bounds of
 * a partition.  What the transaction itself has declared, which takes the owner, counts
 * as seen.  The caller holds a lock.
 */
bool
policy_is_settled(Oid relid, Snapshot snapshot)
{
	Relation	relation = table_open(relid, NoLock);
	bool		result = indexes_are_settled(relation, snapshot) &&
		(!relation->rd_rel->relispartition || partition_is_settled(relid, snapshot));

	table_close(relation, NoLock);
	return result;
}
