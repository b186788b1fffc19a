/*
 * cache.c
 *		Per-backend cache of what is known of relations, keyed by OID: whether they are
 *		protected, and how their columns are classified.
 *
 * Most relations of a database are neither, and the planner hook asks
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
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/relcache.h"

#include "policy/cache.h"
#include "policy/label.h"
#include "policy/policy.h"
#include "tier/classes.h"

/* What is asked about a relation. */
typedef enum PolicyQuestion
{
	POLICY_PROTECTION,			/* answered by a ProtectedRelation */
	POLICY_CLASSES,				/* answered by RelationClasses */
	POLICY_QUESTIONS
} PolicyQuestion;

typedef struct PolicyAnswer
{
	bool		valid;
	void	   *value;			/* NULL: not protected, not classified */
	MemoryContext context;		/* holds the value */
} PolicyAnswer;

typedef struct PolicyEntry
{
	Oid			relid;			/* hash key, must be first */
	PolicyAnswer answers[POLICY_QUESTIONS];
} PolicyEntry;

static HTAB *policy_cache = NULL;

static void
invalidate_entry(PolicyEntry *entry)
{
	/*
	 * Only mark: a caller further up the stack may still hold the pointer.  A rebuilt entry
	 * hands the old memory to the transaction.
	 */
	for (int i = 0; i < POLICY_QUESTIONS; i++)
		entry->answers[i].valid = false;
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

/* The relations that a relation is a partition of or inherits from, as OIDs. */
static List *
parents_of(Oid relid)
{
	SysScanDesc scan;
	ScanKeyData key;
	Relation	inherits;
	HeapTuple	tuple;
	List	   *parents = NIL;

	inherits = relation_open(InheritsRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(inherits, InheritsRelidSeqnoIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		parents = lappend_oid(parents,
							  ((Form_pg_inherits) GETSTRUCT(tuple))->inhparent);
	systable_endscan(scan);
	relation_close(inherits, AccessShareLock);
	return parents;
}

/* Reads labels of the relation, else of the nearest labelled ancestor, however far it is. */
static ProtectedRelation *
read_policy(Oid relid)
{
	ProtectedRelation *rel = policy_read_labels(relid);
	ListCell   *lc;

	if (rel != NULL)
		return rel;

	check_stack_depth();
	foreach(lc, parents_of(relid))
	{
		rel = read_policy(lfirst_oid(lc));
		if (rel != NULL)
		{
			rel->relid = relid;
			rel->partition = true;
			return rel;
		}
	}
	return NULL;
}

/* How a column is classified; NULL if it is not. */
static const TierColumn *
find_class(const RelationClasses *classes, AttrNumber attno)
{
	for (int i = 0; classes != NULL && i < classes->ncolumns; i++)
	{
		if (classes->columns[i].attno == attno)
			return &classes->columns[i].column;
	}
	return NULL;
}

/*
 * Adds to the classes of a relation those of an ancestor, for columns that have none yet.
 * Columns are the same if they have the same name; their numbers may differ.
 */
static RelationClasses *
inherit_classes(Oid relid, RelationClasses *classes, Oid ancestor, const RelationClasses *theirs)
{
	for (int i = 0; i < theirs->ncolumns; i++)
	{
		char	   *name = get_attname(ancestor, theirs->columns[i].attno, true);
		AttrNumber	attno = name == NULL ? InvalidAttrNumber : get_attnum(relid, name);
		int			n = classes == NULL ? 0 : classes->ncolumns;

		if (attno <= 0 || find_class(classes, attno) != NULL)
			continue;
		classes = (classes == NULL) ?
			palloc(offsetof(RelationClasses, columns) + sizeof(ColumnClass)) :
			repalloc(classes, offsetof(RelationClasses, columns) + (n + 1) * sizeof(ColumnClass));
		classes->columns[n] = theirs->columns[i];
		classes->columns[n].attno = attno;
		classes->ncolumns = n + 1;
	}
	return classes;
}

/* Reads the classes of columns of the relation, and of those it has them from. */
static RelationClasses *
read_classes(Oid relid)
{
	RelationClasses *result = policy_read_classes(relid);
	ListCell   *lc;

	check_stack_depth();
	foreach(lc, parents_of(relid))
	{
		RelationClasses *theirs = read_classes(lfirst_oid(lc));

		if (theirs != NULL)
			result = inherit_classes(relid, result, lfirst_oid(lc), theirs);
	}
	return result;
}

/* Keeps an answer; a value that was there stays readable for the rest of the transaction. */
static void
keep_answer(Oid relid, PolicyQuestion question, void *value, MemoryContext context)
{
	bool		found;
	PolicyEntry *entry = hash_search(policy_cache, &relid, HASH_ENTER, &found);
	PolicyAnswer *answer = &entry->answers[question];

	if (!found)
		memset(entry->answers, 0, sizeof(entry->answers));
	if (answer->context != NULL)
		MemoryContextSetParent(answer->context, TopTransactionContext);
	answer->context = NULL;
	if (value == NULL)
		MemoryContextDelete(context);
	else
	{
		MemoryContextSetParent(context, CacheMemoryContext);
		answer->context = context;
	}
	answer->value = value;
	answer->valid = true;
}

/*
 * The answer to a question about a relation, from the cache or read anew.  It stays readable
 * for the rest of the statement; must be called inside a transaction.
 */
static const void *
ask(Oid relid, PolicyQuestion question)
{
	PolicyEntry *entry;
	MemoryContext context;
	MemoryContext old;
	void	   *value;

	if (relid < FirstNormalObjectId)
		return NULL;			/* catalogs are neither protected nor classified */
	entry = hash_search(policy_cache, &relid, HASH_FIND, NULL);
	if (entry != NULL && entry->answers[question].valid)
		return entry->answers[question].value;

	context = AllocSetContextCreate(CurrentMemoryContext, "dp_agg policy",
									ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	value = question == POLICY_CLASSES ? (void *) read_classes(relid) :
		(void *) read_policy(relid);
	MemoryContextSwitchTo(old);
	keep_answer(relid, question, value, context);
	return value;
}

/*
 * Returns the protection of a relation, or NULL if it has none.  The result
 * stays readable for the rest of the statement; must be called inside a
 * transaction.
 */
const ProtectedRelation *
policy_lookup(Oid relid)
{
	return ask(relid, POLICY_PROTECTION);
}

/*
 * Returns the classes of a relation's columns, or NULL if none is classified.  A column
 * that has no class itself has that of the column of the same name in the nearest ancestor
 * that the relation inherits from or is a partition of.  Lifetime as for policy_lookup().
 */
const RelationClasses *
policy_classes(Oid relid)
{
	return ask(relid, POLICY_CLASSES);
}

/* How one column is classified; NULL if it is not. */
const TierColumn *
policy_class(Oid relid, AttrNumber attno)
{
	return find_class(policy_classes(relid), attno);
}

/* Is the column a direct identifier, to releases and facades? */
bool
policy_is_direct(Oid relid, AttrNumber attno)
{
	const TierColumn *column = policy_class(relid, attno);

	return column != NULL && tier_is_direct(column);
}

/* Is the column a quasi-identifier, to releases? */
bool
policy_is_quasi(Oid relid, AttrNumber attno)
{
	const TierColumn *column = policy_class(relid, attno);

	return column != NULL && tier_is_quasi(column);
}

/* Declared bounds of a column, or NULL; also those that its type has outlived. */
const ColumnBounds *
policy_any_bounds(const ProtectedRelation *rel, AttrNumber attno)
{
	for (int i = 0; i < rel->nbounds; i++)
	{
		if (rel->bounds[i].attno == attno)
			return &rel->bounds[i];
	}
	return NULL;
}

/* Declared bounds of a column that count, or NULL. */
const ColumnBounds *
policy_bounds(const ProtectedRelation *rel, AttrNumber attno)
{
	const ColumnBounds *bounds = policy_any_bounds(rel, attno);

	return bounds != NULL && bounds->outlived == NULL ? bounds : NULL;
}

/* Declared public values of a column, or NULL; also those that its type has outlived. */
const ColumnDomain *
policy_any_domain(const ProtectedRelation *rel, AttrNumber attno)
{
	for (int i = 0; i < rel->ndomains; i++)
	{
		if (rel->domains[i].attno == attno)
			return &rel->domains[i];
	}
	return NULL;
}

/* Declared public values of a column that count, or NULL. */
const ColumnDomain *
policy_domain(const ProtectedRelation *rel, AttrNumber attno)
{
	const ColumnDomain *domain = policy_any_domain(rel, attno);

	return domain != NULL && domain->outlived == NULL ? domain : NULL;
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
