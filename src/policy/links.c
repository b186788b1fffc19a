/*
 * links.c
 *		Relations whose rows belong to the individual of a row of another one.
 *
 * A line item knows its order, and the order its customer.  So the label of such a relation names a
 * parent, and which of its columns are equal to which of the parent's.  A row belongs to the individual of the
 * parent's row that has its key; one whose link is NULL, or is the key of no row, belongs to nobody.
 *
 * Labels name the parent and its columns: they must survive a dump, and no catalog ties a label
 * to another relation.  So nothing is taken from them without a look at what is there now: the
 * parent must be protected, for the same population, by a unit or by a link of its own, and a unique index, of
 * which the snapshot knows, must show that its key names one row (enforced.c).
 *
 * What is declared of a foreign key is believed as far as a row of the child has a parent: only for
 * one that was checked for all rows and is never deferred.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "core/compat.h"
#include "policy/cache.h"
#include "policy/enforced.h"
#include "policy/links.h"

PG_FUNCTION_INFO_V1(dp_link_fault);

/* ----------
 * The parent
 * ----------
 */

/*
 * policy_parent
 *		The parent that the label of a relation names, if it is there, else InvalidOid.
 *
 * Whether the link holds is for policy_resolve_link().
 */
Oid
policy_parent(const ProtectedRelation *rel)
{
	Oid			schema = rel->parent != NULL ? get_namespace_oid(rel->parent_schema, true) : InvalidOid;

	return OidIsValid(schema) ? get_relname_relid(rel->parent, schema) : InvalidOid;
}

/* Puts a pair of columns in its place by the parent's. */
static void
add_columns(ResolvedLink *link, AttrNumber column, AttrNumber key)
{
	int			i = link->ncolumns++;

	for (; i > 0 && link->key[i - 1] > key; i--)
	{
		link->key[i] = link->key[i - 1];
		link->link[i] = link->link[i - 1];
	}
	link->key[i] = key;
	link->link[i] = column;
}

/*
 * policy_link_equality
 *		The operator key = link, for columns of two types: the equality that both go by.
 *
 * It is one that conditions of queries are understood by (query/equalities.c): built in, and the same in each session,
 * as that of dates and timestamps with a time zone is not.  InvalidOid if there is none, and for two enums,
 * or arrays of two types, which are never equal.
 */
Oid
policy_link_equality(Oid key, Oid link)
{
	TypeCacheEntry *left = lookup_type_cache(getBaseType(key), TYPECACHE_BTREE_OPFAMILY);
	TypeCacheEntry *right = lookup_type_cache(getBaseType(link), TYPECACHE_BTREE_OPFAMILY);
	Oid			opno;

	if (!OidIsValid(left->btree_opf) || left->btree_opf != right->btree_opf ||
		(IsPolymorphicType(left->btree_opintype) && left->type_id != right->type_id))
		return InvalidOid;
	opno = get_opfamily_member(left->btree_opf, left->btree_opintype, right->btree_opintype, BTEqualStrategyNumber);
	if (!OidIsValid(opno) || opno >= FirstNormalObjectId ||
		func_volatile(get_opcode(opno)) != PROVOLATILE_IMMUTABLE)
		return InvalidOid;
	return opno;
}

/* Is a relation protected by a unit, or by links of at most so many steps that lead to one? */
static bool
leads_to_unit(Oid relid, int steps)
{
	const ProtectedRelation *rel = policy_lookup(relid);

	if (rel == NULL || rel->partition)
		return false;
	if (rel->nlink == 0)
		return rel->nunit > 0;
	return steps > 0 && leads_to_unit(policy_parent(rel), steps - 1);
}

/*
 * policy_resolve_link
 *		What the link of a relation means now.
 *
 * rel has a link (nlink > 0).  Returns NULL, with the link in *link; or why it does not hold, as a
 * phrase about the parent, with the parent in link->parent if it is there.  The unique index holds for the
 * active snapshot.
 */
const char *
policy_resolve_link(const ProtectedRelation *rel, ResolvedLink *link)
{
	const ProtectedRelation *parent;
	Bitmapset  *key = NULL;

	*link = (ResolvedLink) {.parent = policy_parent(rel)};
	if (!OidIsValid(link->parent))
		return "its parent does not exist";
	parent = policy_lookup(link->parent);
	if (parent == NULL)
		return "its parent is not protected";
	if (parent->partition)
		return "its parent is a part of another protected relation";
	if (strcmp(NameStr(parent->population), NameStr(rel->population)) != 0)
		return "its parent belongs to another population";
	if (!leads_to_unit(link->parent, DP_MAX_LINK_STEPS - 1))
		return "no unit is at the end of its links, which may be 8 steps";
	for (int i = 0; i < rel->nlink; i++)
	{
		AttrNumber	attno = get_attnum(link->parent, rel->parent_key[i]);

		if (attno <= 0 || bms_is_member(attno, key))
			return "its parent has no such key";
		if (!OidIsValid(policy_link_equality(get_atttype(link->parent, attno), get_atttype(rel->relid, rel->link[i]))))
			return "its columns are of other types than its parent's key";
		key = bms_add_member(key, attno);
		add_columns(link, rel->link[i], attno);
	}
	link->index = policy_unique_key(link->parent, key);
	if (!OidIsValid(link->index))
		return "no unique index on its parent's key is in force";
	return NULL;
}

/* dp_agg.link_fault(relation): why the link of a relation does not hold, as policy_resolve_link() says; NULL if it does. */
PGDLLEXPORT Datum
dp_link_fault(PG_FUNCTION_ARGS)
{
	const ProtectedRelation *rel = policy_lookup(PG_GETARG_OID(0));
	ResolvedLink link;
	const char *fault = rel != NULL && rel->nlink > 0 ? policy_resolve_link(rel, &link) : NULL;

	if (fault == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(fault));
}

/* ----------
 * Foreign keys
 * ----------
 */

/* Does a foreign key, by its row of pg_constraint, hold for all rows at all times? */
static bool
holds_at_all_times(HeapTuple tuple)
{
	Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);

	return form->contype == CONSTRAINT_FOREIGN && form->convalidated && !form->condeferrable &&
		DP_CONSTRAINT_ENFORCED(form);
}

/* Are the columns of a foreign key those of the link? */
static bool
has_columns_of(const ForeignKeyCacheInfo *info, const ResolvedLink *link)
{
	int			found = 0;

	if (info->confrelid != link->parent || info->nkeys != link->ncolumns)
		return false;
	for (int i = 0; i < info->nkeys; i++)
	{
		for (int j = 0; j < link->ncolumns; j++)
			found += info->conkey[i] == link->link[j] && info->confkey[i] == link->key[j] ? 1 : 0;
	}
	return found == link->ncolumns;
}

/*
 * policy_foreign_key
 *		The foreign key (OID of its constraint) that shows that each row of a relation with no NULL in
 *		its link has a row of the parent, for the active snapshot; InvalidOid if none does.
 *
 * Children of classic inheritance do not inherit it.
 */
Oid
policy_foreign_key(Oid relid, const ResolvedLink *link)
{
	Relation	relation;
	Oid			result = InvalidOid;
	ListCell   *lc;

	if (has_subclass(relid) && get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		return InvalidOid;
	relation = table_open(relid, AccessShareLock);
	foreach(lc, RelationGetFKeyList(relation))
	{
		const ForeignKeyCacheInfo *info = lfirst_node(ForeignKeyCacheInfo, lc);

		if (has_columns_of(info, link) &&
			policy_still_references(info->conoid, ActiveSnapshotSet() ? GetActiveSnapshot() : NULL))
			result = info->conoid;
	}
	table_close(relation, NoLock);
	return result;
}

/* Does a foreign key found by policy_foreign_key() still hold, for the snapshot? */
bool
policy_still_references(Oid constraint, Snapshot snapshot)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	result = holds_at_all_times(tuple) && policy_row_is_proof(tuple, snapshot);
	ReleaseSysCache(tuple);
	return result;
}
