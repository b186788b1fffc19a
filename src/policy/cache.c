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
#include "catalog/partition.h"
#include "catalog/pg_inherits.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/relcache.h"

#include "policy/cache.h"
#include "policy/label.h"
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
	 * Only mark: a caller further up the stack may still hold the pointer.  A rebuilt entry
	 * hands the old memory to the transaction.
	 */
	entry->valid = false;
}

/* Forgets one relation, or all of them (InvalidOid). */
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

/* Does the column belong to the privacy unit? */
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
