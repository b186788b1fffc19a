/*
 * travel_types.c
 *		Types whose values go from one machine to another.
 *
 * A value that comes from another machine is made by the input function of its type.  That of a domain runs the
 * domain's constraints, which are code of its owner's, by the right of the current user; those of arrays, ranges and rows do so for
 * their parts.  With releases the current user is a superuser.  So values of such types stay where they are, unless a
 * superuser owns the type.  A constant would be made when the query is parsed, before anybody has looked at it.
 *
 * Who owns it, and not what its constraints say: they may change meanwhile.
 *
 * Foreign tables are refused as well: they would be read as the superuser is known to the other server.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "core/owner.h"
#include "core/refusals.h"
#include "policy/travel_types.h"

static Oid	foreign_part(Oid type);

/* The first type among a row type's columns that runs code of somebody's; InvalidOid if there is none. */
static Oid
foreign_column(Oid type)
{
	TupleDesc	desc = lookup_rowtype_tupdesc(type, -1);
	Oid			result = InvalidOid;

	for (int i = 0; i < desc->natts && !OidIsValid(result); i++)
	{
		if (!TupleDescAttr(desc, i)->attisdropped)
			result = foreign_part(TupleDescAttr(desc, i)->atttypid);
	}
	ReleaseTupleDesc(desc);
	return result;
}

/* Does a superuser own the type? */
static bool
is_of_superuser(Oid type)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", type);
	owner = ((Form_pg_type) GETSTRUCT(tuple))->typowner;
	ReleaseSysCache(tuple);
	return superuser_arg(owner);
}

/* Does a superuser own the table? */
bool
is_table_of_superuser(Oid relid)
{
	return superuser_arg(relation_owner(relid));
}

/* The type, or the first of which it is made, whose input may run code of an owner who is no superuser; else InvalidOid. */
static Oid
foreign_part(Oid type)
{
	check_stack_depth();
	if (OidIsValid(get_element_type(type)))
		return foreign_part(get_element_type(type));
	switch (get_typtype(type))
	{
		case TYPTYPE_DOMAIN:
			return is_of_superuser(type) ? foreign_part(getBaseType(type)) : type;
		case TYPTYPE_COMPOSITE:
			return is_of_superuser(type) ? foreign_column(type) : type;
		case TYPTYPE_RANGE:
			return foreign_part(get_range_subtype(type));
		case TYPTYPE_MULTIRANGE:
			return foreign_part(get_multirange_range(type));
		default:
			return InvalidOid;
	}
}

static void
check_type(Oid type)
{
	Oid			part = OidIsValid(type) ? foreign_part(type) : InvalidOid;

	if (OidIsValid(part))
		refuse_named(REFUSE_SHARDS_OWNER, format_type_be(part), NULL, -1);
}

/* Columns of tables stay where they are, and so does what they are only relabelled to. */
static bool
made_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_RangeTblEntry:
			if (((RangeTblEntry *) node)->relkind == RELKIND_FOREIGN_TABLE)
				refuse_named(REFUSE_SHARDS_FOREIGN, get_rel_name(((RangeTblEntry *) node)->relid), NULL, -1);
			return false;
		case T_Query:
			return query_tree_walker((Query *) node, made_walker, context, QTW_EXAMINE_RTES_BEFORE);
		case T_Const:
		case T_Param:
		case T_FuncExpr:
		case T_CoerceViaIO:
		case T_CoerceToDomain:
		case T_ArrayCoerceExpr:
		case T_ArrayExpr:
		case T_RowExpr:
			check_type(exprType(node));
			break;
		case T_RangeTblFunction:
			{
				ListCell   *lc;

				foreach(lc, ((RangeTblFunction *) node)->funccoltypes)
					check_type(lfirst_oid(lc));
			}
			break;
		default:
			break;
	}
	return expression_tree_walker(node, made_walker, context);
}

/*
 * Raises ERRCODE_DP_QUERY_REFUSED if somebody's code might run where the query is read, or where its rows are received,
 * or if it reads a foreign table.
 */
void
check_travelling(Query *query)
{
	ListCell   *lc;

	foreach(lc, query->targetList)
		check_type(exprType((Node *) lfirst_node(TargetEntry, lc)->expr));
	(void) made_walker((Node *) query, NULL);
}
