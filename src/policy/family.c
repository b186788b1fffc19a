/*
 * family.c
 *		Classes of columns that a relation has from its parents, its children and other columns.
 *
 * A partition, or a table that inherits, has the classes of its parents.  A query that names a
 * parent reads the rows of its children, too: to releases and facades, it has the classes of theirs
 * that it lacks, and a column that is a direct identifier in one of the children is one in the parent, whatever the
 * parent says.  Columns are the same if they have the same name.
 *
 * A generated column is computed from others of its relation, and has their class if one of them is
 * a direct identifier.
 *
 * What is known of a relation thus also rests on others.  These are remembered, so that the cache
 * can forget it when one of them changes.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/sysattr.h"
#include "catalog/partition.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "nodes/bitmapset.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "core/compat.h"
#include "policy/family.h"
#include "policy/label.h"
#include "tier/classes.h"

/* Relations that others have something from, or had; a set of OIDs. */
static HTAB *relatives = NULL;

/* Makes the set of relatives; called once per process. */
void
family_init(void)
{
	HASHCTL		control = {.keysize = sizeof(Oid),.entrysize = sizeof(Oid)};

	relatives = hash_create("dp_agg relatives", 64, &control, HASH_ELEM | HASH_BLOBS);
}

/* Remembers that something rests on the relation. */
static void
note_relative(Oid relid)
{
	(void) hash_search(relatives, &relid, HASH_ENTER, NULL);
}

/* Forgets that; true if something rested on the relation, and has to be read anew. */
bool
family_forget(Oid relid)
{
	return hash_search(relatives, &relid, HASH_REMOVE, NULL) != NULL;
}

/* The relations that a relation is a partition of or inherits from, as OIDs. */
List *
family_parents(Oid relid)
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
	{
		Oid			parent = ((Form_pg_inherits) GETSTRUCT(tuple))->inhparent;

		parents = lappend_oid(parents, parent);
		note_relative(parent);
	}
	systable_endscan(scan);
	relation_close(inherits, AccessShareLock);
	return parents;
}

/* The relations that inherit from a relation or are partitions of it, at any depth; not itself. */
static List *
children_of(Oid relid)
{
	List	   *children = NIL;
	ListCell   *lc;

	if (get_rel_relkind(relid) == '\0')
		return NIL;				/* it has been dropped */
	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
	{
		if (lfirst_oid(lc) == relid)
			continue;
		children = lappend_oid(children, lfirst_oid(lc));
		note_relative(lfirst_oid(lc));
	}
	return children;
}

/* Has the relation parents or children? */
bool
family_exists(Oid relid)
{
	return get_rel_relkind(relid) != '\0' &&
		(has_subclass(relid) || family_parents(relid) != NIL);
}

/* How a column is classified; NULL if it is not. */
const TierColumn *
find_column_class(const RelationClasses *classes, AttrNumber attno)
{
	for (int i = 0; classes != NULL && i < classes->ncolumns; i++)
	{
		if (classes->columns[i].attno == attno)
			return &classes->columns[i].column;
	}
	return NULL;
}

/* Adds the class of a column that has none. */
static RelationClasses *
add_column_class(RelationClasses *classes, AttrNumber attno, const TierColumn *column)
{
	int			n = classes == NULL ? 0 : classes->ncolumns;
	Size		size = offsetof(RelationClasses, columns) + (n + 1) * sizeof(ColumnClass);

	classes = classes == NULL ? palloc(size) : repalloc(classes, size);
	classes->columns[n] = (ColumnClass) {.attno = attno,.column = *column};
	classes->ncolumns = n + 1;
	return classes;
}

/*
 * Adds to the classes of a relation those of a relative, for columns that have none yet.
 * direct_wins: also for those that are direct identifiers in the relative only.
 */
static RelationClasses *
merge_classes(Oid relid, RelationClasses *classes, Oid relative, const RelationClasses *theirs,
			  bool direct_wins)
{
	for (int i = 0; theirs != NULL && i < theirs->ncolumns; i++)
	{
		const TierColumn *column = &theirs->columns[i].column;
		char	   *name = get_attname(relative, theirs->columns[i].attno, true);
		AttrNumber	attno = name == NULL ? InvalidAttrNumber : get_attnum(relid, name);
		TierColumn *ours = (TierColumn *) find_column_class(classes, attno);

		if (attno <= 0)
			continue;
		if (ours == NULL)
			classes = add_column_class(classes, attno, column);
		else if (direct_wins && tier_is_direct(column) && !tier_is_direct(ours))
			*ours = *column;
	}
	return classes;
}

/* Is one of the columns that an expression of the relation names a direct identifier? */
static bool
names_direct(const RelationClasses *classes, Node *expr)
{
	Bitmapset  *columns = NULL;
	int			column = -1;

	pull_varattnos(expr, 1, &columns);
	while ((column = bms_next_member(columns, column)) >= 0)
	{
		const TierColumn *class = find_column_class(classes, column +
													FirstLowInvalidHeapAttributeNumber);

		if (class != NULL && tier_is_direct(class))
			return true;
	}
	return false;
}

/*
 * Adds the class of generated columns that have none and are computed from a direct identifier:
 * they are one, too, until somebody says what they are.
 */
static RelationClasses *
add_generated(Oid relid, RelationClasses *classes)
{
	Relation	relation = classes == NULL ? NULL : try_relation_open(relid, AccessShareLock);
	TupleDesc	desc = relation == NULL ? NULL : RelationGetDescr(relation);

	for (int i = 0; desc != NULL && DP_HAS_GENERATED(desc->constr) &&
		 i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped && att->attgenerated != '\0' &&
			find_column_class(classes, att->attnum) == NULL &&
			names_direct(classes, build_column_default(relation, att->attnum)))
			classes = add_column_class(classes, att->attnum,
									   &(TierColumn) {.class = TIER_CLASS_DIRECT,.remaining = -1,.key_held = true});
	}
	if (relation != NULL)
		relation_close(relation, AccessShareLock);
	return classes;
}

/* The classes of a relation's columns: its own, else those of the nearest ancestors. */
static RelationClasses *
read_classes(Oid relid)
{
	RelationClasses *result = policy_read_classes(relid);
	ListCell   *lc;

	check_stack_depth();
	foreach(lc, family_parents(relid))
		result = merge_classes(relid, result, lfirst_oid(lc),
							   read_classes(lfirst_oid(lc)), false);
	return add_generated(relid, result);
}

/*
 * Reads the classes of a relation's columns, with those that it has from its parents.  as_read: and
 * from its children, whose rows are read with its own.  Returns NULL when none is classified;
 * allocates in the current context.
 */
RelationClasses *
family_classes(Oid relid, bool as_read)
{
	RelationClasses *result = read_classes(relid);
	ListCell   *lc;

	if (!as_read)
		return result;
	foreach(lc, children_of(relid))
		result = merge_classes(relid, result, lfirst_oid(lc), policy_read_classes(lfirst_oid(lc)),
							   true);
	return add_generated(relid, result);
}
