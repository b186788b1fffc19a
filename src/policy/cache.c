/*
 * cache.c
 *		Per-backend cache of what is known of relations, keyed by OID: whether they are
 *		protected, and how their columns are classified.
 *
 * Most relations of a database are neither, and the planner hook asks
 * about every relation of every query, so negative answers are cached too.
 * An entry lives until a relcache invalidation names it (labels invalidate the
 * relation and all its partitions, see label.c), or, where the answer also rests on its
 * parents and children, any of these (family.c).  Entries are rebuilt in a
 * scratch context first: an error leaves no half-built entry behind.
 */
#include "postgres.h"

#include "access/transam.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/syscache.h"

#include "policy/cache.h"
#include "policy/family.h"
#include "policy/label.h"
#include "policy/policy.h"
#include "tier/classes.h"

/* What is asked about a relation. */
typedef enum PolicyQuestion
{
	POLICY_PROTECTION,			/* answered by a ProtectedRelation */
	POLICY_DECLARED,			/* of what is not protected; the same, with bounds and lengths
								 * only */
	POLICY_CLASSES,				/* answered by RelationClasses */
	POLICY_READ_CLASSES,		/* the same, with those of its children */
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
	bool		family;			/* it has parents or children, which answers rest on, too */
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

/* Forgets all relations, or those that have parents or children. */
static void
invalidate_entries(bool families)
{
	HASH_SEQ_STATUS scan;
	PolicyEntry *entry;

	hash_seq_init(&scan, policy_cache);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		if (entry->family || !families)
			invalidate_entry(entry);
	}
}

/* Forgets one relation and what rests on it, or all of them (InvalidOid). */
static void
relcache_callback(Datum arg, Oid relid)
{
	PolicyEntry *entry;

	if (policy_cache == NULL)
		return;
	if (!OidIsValid(relid))
	{
		invalidate_entries(false);
		return;
	}
	entry = hash_search(policy_cache, &relid, HASH_FIND, NULL);
	if (entry != NULL)
		invalidate_entry(entry);
	if (family_forget(relid))
		invalidate_entries(true);
}

/* Has this session planned a release whose limits rest on how many labels an enum has? */
static bool labels_counted = false;

/* Such a release is being planned: plans are made anew from now on when an enum changes. */
void
policy_labels_counted(void)
{
	labels_counted = true;
}

/* An enum changes.  PostgreSQL's own plans do not rest on its labels. */
static void
enum_callback(Datum arg, int cacheid, uint32 hash)
{
	if (labels_counted)
		ResetPlanCache();
}

/* Registers the invalidation callbacks; called once per process from _PG_init. */
void
policy_init_cache(void)
{
	HASHCTL		control = {.keysize = sizeof(Oid),.entrysize = sizeof(PolicyEntry)};

	policy_cache = hash_create("dp_agg protected relations", 64, &control,
							   HASH_ELEM | HASH_BLOBS);
	family_init();
	CacheRegisterRelcacheCallback(relcache_callback, (Datum) 0);
	CacheRegisterSyscacheCallback(ENUMOID, enum_callback, (Datum) 0);
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
	foreach(lc, family_parents(relid))
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

/*
 * Keeps an answer; a value that was there stays readable for the rest of the transaction.
 * family: the relation has parents or children.
 */
static void
keep_answer(Oid relid, PolicyQuestion question, void *value, MemoryContext context, bool family)
{
	bool		found;
	PolicyEntry *entry = hash_search(policy_cache, &relid, HASH_ENTER, &found);
	PolicyAnswer *answer = &entry->answers[question];

	if (!found)
	{
		memset(entry->answers, 0, sizeof(entry->answers));
		entry->family = false;
	}
	entry->family = entry->family || family;
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

/* Reads the answer to a question, in the current context; NULL if there is none. */
static void *
read_answer(Oid relid, PolicyQuestion question)
{
	switch (question)
	{
		case POLICY_PROTECTION:
			return read_policy(relid);
		case POLICY_DECLARED:
			return policy_read_declared(relid);
		default:
			return family_classes(relid, question == POLICY_READ_CLASSES);
	}
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
	value = read_answer(relid, question);
	MemoryContextSwitchTo(old);
	keep_answer(relid, question, value, context, family_exists(relid));
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
 * What is declared of a relation's columns, bounds and lengths, whether or not it is protected; NULL if
 * nothing is.  Nobody is protected by that: only policy_lookup() tells.  Lifetime as there.
 */
const ProtectedRelation *
policy_declared(Oid relid)
{
	const ProtectedRelation *rel = policy_lookup(relid);

	return rel != NULL ? rel : ask(relid, POLICY_DECLARED);
}

/*
 * Returns the classes of a relation's columns, or NULL if none is classified: its own, and those
 * that it has from its parents (family.c).  Lifetime as for policy_lookup().
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
	return find_column_class(policy_classes(relid), attno);
}

/* The same of what is read where a query names the relation: its children, too. */
static const TierColumn *
class_as_read(Oid relid, AttrNumber attno)
{
	return find_column_class(ask(relid, POLICY_READ_CLASSES), attno);
}

/* Is the column a direct identifier, to releases and facades? */
bool
policy_is_direct(Oid relid, AttrNumber attno)
{
	const TierColumn *column = class_as_read(relid, attno);

	return column != NULL && tier_is_direct(column);
}

/* Is the column a quasi-identifier, to releases? */
bool
policy_is_quasi(Oid relid, AttrNumber attno)
{
	const TierColumn *column = class_as_read(relid, attno);

	return column != NULL && tier_is_quasi(column);
}

/* The interval of a column among n, or NULL. */
static const ColumnBounds *
find_interval(const ColumnBounds *list, int n, AttrNumber attno)
{
	for (int i = 0; i < n; i++)
	{
		if (list[i].attno == attno)
			return &list[i];
	}
	return NULL;
}

/* Declared bounds of a column, or NULL; also those that its type has outlived. */
const ColumnBounds *
policy_any_bounds(const ProtectedRelation *rel, AttrNumber attno)
{
	return find_interval(rel->bounds, rel->nbounds, attno);
}

/* Declared bounds of a column that count, or NULL. */
const ColumnBounds *
policy_bounds(const ProtectedRelation *rel, AttrNumber attno)
{
	const ColumnBounds *bounds = policy_any_bounds(rel, attno);

	return bounds != NULL && bounds->outlived == NULL ? bounds : NULL;
}

/* Declared bounds of the sum of an individual's values of a column that count, or NULL. */
const ColumnBounds *
policy_total(const ProtectedRelation *rel, AttrNumber attno)
{
	const ColumnBounds *total = find_interval(rel->totals, rel->ntotals, attno);

	return total != NULL && total->outlived == NULL ? total : NULL;
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

/* To what conditions on a column are rounded; NULL: to nothing. */
const Interval *
policy_grain(const ProtectedRelation *rel, AttrNumber attno)
{
	for (int i = 0; i < rel->ngrains; i++)
	{
		if (rel->grains[i].attno == attno)
			return &rel->grains[i].grain;
	}
	return NULL;
}

/* How many characters a column of texts is declared to have at most; 0: it is not. */
double
policy_length(const ProtectedRelation *rel, AttrNumber attno)
{
	for (int i = 0; i < rel->nlengths; i++)
	{
		if (rel->lengths[i].attno == attno)
			return rel->lengths[i].characters;
	}
	return 0;
}

/* Is the column among n? */
static bool
is_among(const AttrNumber *columns, int n, AttrNumber attno)
{
	for (int i = 0; i < n; i++)
	{
		if (columns[i] == attno)
			return true;
	}
	return false;
}

/* Does the column belong to the privacy unit? */
bool
policy_is_unit(const ProtectedRelation *rel, AttrNumber attno)
{
	return is_among(rel->unit, rel->nunit, attno);
}

/* Does the column belong to the link to the parent? */
bool
policy_is_link(const ProtectedRelation *rel, AttrNumber attno)
{
	return is_among(rel->link, rel->nlink, attno);
}

/*
 * The number that a column has in the relation whose labels hold for this one.  Columns of a
 * child may be numbered otherwise than those of its parent, so they are found by name.
 */
AttrNumber
policy_labelled_column(const ProtectedRelation *rel, Oid relid, AttrNumber attno)
{
	char	   *name;

	if (relid == rel->label_relid)
		return attno;
	name = get_attname(relid, attno, true);
	return name != NULL ? get_attnum(rel->label_relid, name) : InvalidAttrNumber;
}

/*
 * May releases look rows up by an index of the column?  attno is its number in the relation that
 * has the labels.  Never by the unit's or the link's, whatever labels written by hand say.
 */
bool
policy_column_indexed(const ProtectedRelation *rel, AttrNumber attno)
{
	return attno > 0 && bms_is_member(attno, rel->index) && !policy_is_unit(rel, attno) &&
		!policy_is_link(rel, attno);
}

/* May releases use the column?  The unit always may: it is only counted. */
bool
policy_column_open(const ProtectedRelation *rel, AttrNumber attno)
{
	return !rel->listed_columns || bms_is_member(attno, rel->open) ||
		policy_is_unit(rel, attno);
}
