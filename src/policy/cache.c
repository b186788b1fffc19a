/*
 * cache.c
 *		Per-backend cache of protected relations, keyed by OID.
 *
 * Most relations of a database are not protected, and the planner hook asks
 * about every relation of every query, so negative answers are cached too.
 * An entry lives until a relcache invalidation names it (labels invalidate the
 * relation and all its partitions, see label.c).  Entries are rebuilt in a
 * scratch context first: an error leaves no half-built entry behind.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/partition.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "compat.h"
#include "policy/policy.h"

typedef struct PolicyEntry
{
	Oid			relid;			/* hash key, must be first */
	bool		valid;
	ProtectedRelation *rel;		/* NULL: not protected */
	MemoryContext context;		/* holds rel */
} PolicyEntry;

static HTAB *policy_cache = NULL;

static void
invalidate_entry(PolicyEntry *entry)
{
	/*
	 * Only mark: a caller further up the stack may still hold the pointer.  A
	 * rebuilt entry hands the old memory to the transaction.
	 */
	entry->valid = false;
}

static void
relcache_callback(Datum arg, Oid relid)
{
	if (policy_cache == NULL)
		return;
	if (OidIsValid(relid))
	{
		PolicyEntry *entry = hash_search(policy_cache, &relid, HASH_FIND, NULL);

		if (entry != NULL)
			invalidate_entry(entry);
	}
	else
	{
		HASH_SEQ_STATUS scan;
		PolicyEntry *entry;

		hash_seq_init(&scan, policy_cache);
		while ((entry = hash_seq_search(&scan)) != NULL)
			invalidate_entry(entry);
	}
}

/* Registers the invalidation callback; called once per process from _PG_init. */
void
policy_init_cache(void)
{
	HASHCTL		control = {.keysize = sizeof(Oid),.entrysize = sizeof(PolicyEntry)};

	policy_cache = hash_create("dp_agg protected relations", 64, &control,
							   HASH_ELEM | HASH_BLOBS);
	CacheRegisterRelcacheCallback(relcache_callback, (Datum) 0);
}

/* Reads labels of the relation, else of the nearest labelled ancestor. */
static ProtectedRelation *
read_policy(Oid relid, int depth)
{
	ProtectedRelation *rel = policy_read_labels(relid);
	SysScanDesc scan;
	ScanKeyData key;
	Relation	inherits;
	HeapTuple	tuple;
	List	   *parents = NIL;
	ListCell   *lc;

	if (rel != NULL || depth > 64)
		return rel;

	/* pg_inherits covers both partitions and classic inheritance. */
	inherits = relation_open(InheritsRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(inherits, InheritsRelidSeqnoIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		parents = lappend_oid(parents,
							  ((Form_pg_inherits) GETSTRUCT(tuple))->inhparent);
	systable_endscan(scan);
	relation_close(inherits, AccessShareLock);

	foreach(lc, parents)
	{
		rel = read_policy(lfirst_oid(lc), depth + 1);
		if (rel != NULL)
		{
			rel->relid = relid;
			rel->partition = true;
			return rel;
		}
	}
	return NULL;
}

/*
 * Returns the protection of a relation, or NULL if it has none.  The result
 * stays readable for the rest of the statement; must be called inside a
 * transaction.
 */
const ProtectedRelation *
policy_lookup(Oid relid)
{
	PolicyEntry *entry;
	bool		found;
	MemoryContext context;
	MemoryContext old;
	ProtectedRelation *rel;

	if (relid < FirstNormalObjectId)
		return NULL;			/* catalogs are never protected */
	entry = hash_search(policy_cache, &relid, HASH_FIND, NULL);
	if (entry != NULL && entry->valid)
		return entry->rel;

	context = AllocSetContextCreate(CurrentMemoryContext, "dp_agg policy",
									ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	rel = read_policy(relid, 0);
	MemoryContextSwitchTo(old);

	entry = hash_search(policy_cache, &relid, HASH_ENTER, &found);
	if (found && entry->context != NULL)
		MemoryContextSetParent(entry->context, TopTransactionContext);
	if (rel == NULL)
	{
		MemoryContextDelete(context);
		context = NULL;
	}
	else
		MemoryContextSetParent(context, CacheMemoryContext);
	entry->rel = rel;
	entry->context = context;
	entry->valid = true;
	return rel;
}

/* Declared bounds of a column, or NULL. */
const ColumnBounds *
policy_bounds(const ProtectedRelation *rel, AttrNumber attno)
{
	for (int i = 0; i < rel->nbounds; i++)
	{
		if (rel->bounds[i].attno == attno)
			return &rel->bounds[i];
	}
	return NULL;
}

/* Declared public values of a column, or NULL. */
const ColumnDomain *
policy_domain(const ProtectedRelation *rel, AttrNumber attno)
{
	for (int i = 0; i < rel->ndomains; i++)
	{
		if (rel->domains[i].attno == attno)
			return &rel->domains[i];
	}
	return NULL;
}

/* Is the column part of the privacy unit? */
bool
policy_is_unit(const ProtectedRelation *rel, AttrNumber attno)
{
	for (int i = 0; i < rel->nunit; i++)
	{
		if (rel->unit[i] == attno)
			return true;
	}
	return false;
}

/* May releases use the column?  The unit always may: it is only counted. */
bool
policy_column_open(const ProtectedRelation *rel, AttrNumber attno)
{
	return !rel->listed_columns || bms_is_member(attno, rel->open) ||
		policy_is_unit(rel, attno);
}

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
	TransactionId xmin = HeapTupleHeaderGetXmin(index->rd_indextuple->t_data);

	if (!form->indisunique || !form->indisvalid || !form->indimmediate ||
		!form->indislive || RelationGetIndexPredicate(index) != NIL ||
		TransactionIdIsCurrentTransactionId(xmin) ||
		may_have_written_since(form->indrelid, snapshot))
		return false;
	return !TransactionIdIsNormal(xmin) || snapshot == NULL ||
		!XidInMVCCSnapshot(xmin, snapshot);
}

/*
 * An index does not cover the children of classic inheritance; that of a
 * partitioned table covers partitions, but one that was attached since the
 * snapshot may hold more in the snapshot's eyes.
 */
static bool
relation_has_children(Oid relid)
{
	return get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE || has_subclass(relid);
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

/*
 * Finds a unique index whose columns are all among "columns" (attribute
 * numbers), for the active snapshot; InvalidOid if there is none.  Rows with
 * NULLs are the caller's to exclude.
 */
Oid
policy_unique_index(Oid relid, const Bitmapset *columns)
{
	Relation	relation;
	Oid			result = InvalidOid;
	List	   *indexes;
	ListCell   *lc;

	if (relation_has_children(relid))
		return InvalidOid;
	relation = relation_open(relid, AccessShareLock);
	indexes = RelationGetIndexList(relation);
	foreach(lc, indexes)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		bool		covered = index_is_proof(index, ActiveSnapshotSet() ?
											 GetActiveSnapshot() : NULL);

		for (int i = 0; covered && i < index->rd_index->indnkeyatts; i++)
			covered = index->rd_index->indkey.values[i] > 0 &&
				bms_is_member(index->rd_index->indkey.values[i], columns) &&
				index_goes_by_column(index, i, relation);
		index_close(index, AccessShareLock);
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

/* Does an index found by policy_unique_index still prove it, for this snapshot? */
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
	if (relation_has_children(relid))
		return false;
	index = index_open(indexid, AccessShareLock);
	result = index_is_proof(index, snapshot);
	index_close(index, AccessShareLock);
	return result;
}
