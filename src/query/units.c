/*
 * units.c
 *		The unit of a FROM item, and what a level keeps of it.
 *
 * A protected relation has its unit by its labels.  A private sub-select hands it out in
 * columns, which are added where it leaves them out.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "core/compat.h"
#include "core/errors.h"
#include "core/names.h"
#include "core/owner.h"
#include "core/refusals.h"
#include "policy/cache.h"
#include "policy/enforced.h"
#include "policy/policy.h"
#include "query/equalities.h"
#include "query/level.h"
#include "query/nulls.h"
#include "query/queries.h"
#include "query/units.h"

/* A column of a relation that is an entry of FROM. */
Node *
relation_column(Oid relid, int rtindex, AttrNumber attno)
{
	Oid			type;
	int32		typmod;
	Oid			collation;

	get_atttypetypmodcoll(relid, attno, &type, &typmod, &collation);
	return (Node *) makeVar(rtindex, attno, type, typmod, collation, 0);
}

/*
 * Whose rows a protected relation holds, as range table entry number rtindex of the query.  The entry gets the
 * right to read it.  A linked one has no unit until settle_links().  Raises ERRCODE_DP_QUERY_REFUSED for one
 * without a unit or link, and for a partition.
 */
Individuals *
individuals_of_relation(RewriteContext *context, Query *query, int rtindex)
{
	RangeTblEntry *rte = rt_fetch(rtindex, query->rtable);
	DpPermissions *permissions = DP_QUERY_PERMISSIONS(query, rte);
	const ProtectedRelation *rel = policy_lookup(rte->relid);
	Individuals *result = palloc0(sizeof(Individuals));
	Bitmapset  *columns = NULL;
	List	   *unit = NIL;
	Oid			reader;
	Oid			index;

	if (rel->nunit == 0 && rel->nlink == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DP_QUERY_REFUSED),
				 errmsg("protected relation \"%s\" has lost its unit column",
						relation_for_message(rte->relid)),
				 errhint("Ask the administrator to call dp_agg.protect() again.")));
	if (rel->partition)
		refuse(REFUSE_PARTITION, context->source, -1);
	for (int i = 0; i < rel->nunit; i++)
	{
		unit = lappend(unit, relation_column(rte->relid, rtindex, rel->unit[i]));
		columns = bms_add_member(columns, rel->unit[i]);
	}
	result->relation = rel;
	result->relids = list_make1_oid(rte->relid);
	if (rel->nlink == 0)
	{
		result->units = list_make1(unit);
		index = policy_unique_index(rte->relid, columns);
		result->unique = OidIsValid(index);
		if (result->unique)
			result->proofs = list_make1_oid(index);
	}
	result->max_groups = rel->max_groups;
	result->max_rows = rel->max_rows;
	result->max_total = rel->max_total;
	result->max_norm = rel->max_norm;

	/*
	 * Lend the owner's right to read, for this relation and this plan only.  A definer view
	 * whose owner may read keeps that owner's.
	 */
	reader = OidIsValid(permissions->checkAsUser) ? permissions->checkAsUser : context->user;
	if (pg_class_aclcheck(rte->relid, reader, ACL_SELECT) != ACLCHECK_OK)
		permissions->checkAsUser = relation_owner(rte->relid);
	return result;
}

/* The column of a query's result that an expression is; NULL if there is none. */
static TargetEntry *
find_column(Query *query, Node *expr)
{
	ListCell   *lc;

	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst(lc);

		if (!tle->resjunk && equal(strip_relabel((Node *) tle->expr), strip_relabel(expr)))
			return tle;
	}
	return NULL;
}

/* Adds a column of the unit to a sub-select's result. */
TargetEntry *
add_unit_column(Query *query, Node *expr)
{
	return insert_target(query, copyObject(expr), "dp_unit");
}

/* Gives names to columns that were added to a range table entry's sub-select. */
void
name_added_columns(RangeTblEntry *rte)
{
	int			ncolumns = ExecCleanTargetListLength(rte->subquery->targetList);

	while (list_length(rte->eref->colnames) < ncolumns)
		rte->eref->colnames = lappend(rte->eref->colnames,
									  makeString(pstrdup("dp_unit")));
}

/* The alternatives of a sub-select's unit that are among its columns, as columns of its entry. */
List *
units_as_columns(RangeTblEntry *rte, int rtindex, List *units)
{
	List	   *result = NIL;
	ListCell   *lc;
	ListCell   *lu;

	foreach(lc, units)
	{
		List	   *unit = NIL;

		foreach(lu, (List *) lfirst(lc))
		{
			TargetEntry *tle = find_column(rte->subquery, lfirst(lu));

			if (tle != NULL)
				unit = lappend(unit, makeVarFromTargetEntry(rtindex, tle));
		}
		if (list_length(unit) == list_length((List *) lfirst(lc)))
			result = lappend(result, unit);
	}
	return result;
}

/*
 * Turns a private sub-select's unit, in terms of its own level, into columns
 * of its range table entry, adding them where the sub-select leaves them out.
 */
Individuals *
expose_units(RangeTblEntry *rte, int rtindex, Individuals *below)
{
	Individuals *result = palloc(sizeof(Individuals));
	ListCell   *lu;

	*result = *below;
	foreach(lu, (List *) linitial(below->units))
	{
		/* the first alternative tells whose a row is: always there */
		if (find_column(rte->subquery, lfirst(lu)) == NULL)
			(void) add_unit_column(rte->subquery, lfirst(lu));
	}
	result->units = units_as_columns(rte, rtindex, below->units);
	result->partial = units_as_columns(rte, rtindex, below->partial);
	result->links = result->partial_links = NIL;
	name_added_columns(rte);
	return result;
}

/* All alternatives of the unit, those that may be NULL last: what ties rows to an individual. */
List *
all_units(const Individuals *individuals)
{
	return list_concat_copy(individuals->units, individuals->partial);
}

/* The expressions that clauses are about, without casts that keep the value. */
List *
clause_expressions(List *clauses, List *targets)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, clauses)
	{
		TargetEntry *tle = get_sortgroupclause_tle(lfirst(lc), targets);

		result = lappend(result, strip_relabel((Node *) tle->expr));
	}
	return result;
}

/* Do the expressions tell a column of the unit: is it among them, or are both sides of a FULL JOIN? */
static bool
column_is_among(Node *column, List *expressions)
{
	ListCell   *lc;

	if (list_member(expressions, column))
		return true;
	if (!IsA(column, CoalesceExpr))
		return false;
	foreach(lc, ((CoalesceExpr *) column)->args)
	{
		if (!column_is_among(lfirst(lc), expressions))
			return false;
	}
	return true;
}

/* Do the expressions tell all columns of an alternative of the unit? */
bool
unit_is_among(List *unit, List *expressions)
{
	ListCell   *lc;

	foreach(lc, unit)
	{
		if (!column_is_among(lfirst(lc), expressions))
			return false;
	}
	return true;
}

/* The alternatives of the unit that the expressions tell. */
static List *
units_among(List *units, List *expressions)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, units)
	{
		if (unit_is_among(lfirst(lc), expressions))
			result = lappend(result, lfirst(lc));
	}
	return result;
}

/*
 * Leaves only the alternatives of the unit that are among the expressions, those that a level is
 * grouped by.  If only such are left as may be NULL, the group in which it is NULL has
 * rows of several individuals.  It belongs to nobody.
 */
void
keep_units(Individuals *individuals, List *expressions)
{
	individuals->units = units_among(individuals->units, expressions);
	individuals->partial = units_among(individuals->partial, expressions);
	if (individuals->units == NIL && individuals->partial != NIL)
	{
		individuals->units = list_make1(linitial(individuals->partial));
		individuals->partial = list_delete_first(individuals->partial);
		individuals->may_be_null = true;
	}
}

/*
 * Is the level grouped so that each group has rows of one individual only, or belongs to nobody
 * (see keep_units())?
 */
bool
grouped_by_unit(Query *query, Individuals *individuals)
{
	List	   *clauses = query->groupClause != NIL || query->hasAggs ?
		query->groupClause : query->distinctClause;

	return units_among(all_units(individuals),
					   clause_expressions(clauses, query->targetList)) != NIL;
}

/* Adds conditions to WHERE that leave only rows that belong to an individual. */
void
require_unit(Level *level, Individuals *individuals)
{
	List	   *quals = NIL;
	ListCell   *lc;

	foreach(lc, (List *) linitial(individuals->units))
	{
		if (!expression_not_null(level, lfirst(lc)))
			quals = lappend(quals, not_null_test(lfirst(lc)));
	}
	if (quals != NIL)
		level->query->jointree->quals = (Node *)
			make_and_qual(level->query->jointree->quals, (Node *) make_ands_explicit(quals));
}
