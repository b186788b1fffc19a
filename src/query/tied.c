/*
 * tied.c
 *		Sub-selects of conditions below a release: tied to the level's unit, or refused.
 */
#include "postgres.h"

#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"

#include "core/refusals.h"
#include "query/equalities.h"
#include "query/level.h"
#include "query/links.h"
#include "query/nulls.h"
#include "query/tied.h"
#include "query/units.h"
#include "query/walk.h"

/* Does the sub-select yield one row at most, whatever the data? */
bool
yields_one_row(Query *query)
{
	if (query->hasTargetSRFs || query->setOperations != NULL)
		return false;
	if (query->hasAggs && query->groupClause == NIL && query->groupingSets == NIL)
		return true;
	if (query->jointree->fromlist == NIL && query->groupingSets == NIL)
		return true;
	return query->limitCount != NULL && IsA(query->limitCount, Const) &&
		!((Const *) query->limitCount)->constisnull &&
		DatumGetInt64(((Const *) query->limitCount)->constvalue) <= 1 &&
		query->limitOption == LIMIT_OPTION_COUNT;
}

/*
 * Is the expression a column of an alternative of the unit that tells whose a row is, or of what names a row
 * and is never NULL?  level: whose expression it is, or NULL.
 */
static bool
is_unit_column(Level *level, const Individuals *individuals, Node *expr)
{
	ListCell   *lc;
	ListCell   *lu;

	foreach(lc, individuals->links)
	{
		RowLink    *link = lfirst(lc);

		foreach(lu, link->exprs)
		{
			if (equal(strip_relabel(lfirst(lu)), expr) &&
				(link->sure || (level != NULL && expression_not_null(level, lfirst(lu)))))
				return true;
		}
	}

	foreach(lc, individuals->units)
	{
		foreach(lu, (List *) lfirst(lc))
		{
			if (equal(strip_relabel(lfirst(lu)), expr))
				return true;
		}
	}
	return false;
}

/* Is the column one of the unit's, and NULL in no row of the level that counts? */
static bool
is_sure_unit(Level *level, Var *var)
{
	if (bms_is_member(var->varno, level->nullable) || level->inputs[var->varno] == NULL)
		return false;
	return is_unit_column(level, level->inputs[var->varno], (Node *) var);
}

/*
 * The equalities between columns of the level and columns of an IN sub-select.  With a
 * NULL on either side, IN is not about the rows of one individual: NULL NOT IN (...)
 * tells whether there is any row, and x NOT IN (..., NULL) is never true.  So
 * both must be columns of the unit that are never NULL.
 */
static List *
in_equalities(SubLink *sublink, Query *query, Individuals *inner, Level *level)
{
	List	   *result = NIL;
	List	   *tests;
	ListCell   *lc;

	if (sublink->testexpr == NULL || inner->may_be_null || level->inputs == NULL)
		return NIL;
	tests = is_andclause(sublink->testexpr) ?
		((BoolExpr *) sublink->testexpr)->args : list_make1(sublink->testexpr);
	foreach(lc, tests)
	{
		OpExpr	   *op = lfirst(lc);
		Node	   *right;
		Var		   *left;
		TargetEntry *tle;

		if (!IsA(op, OpExpr) || list_length(op->args) != 2)
			continue;
		left = (Var *) strip_relabel(linitial(op->args));
		right = strip_relabel(lsecond(op->args));
		if (!IsA(left, Var) || left->varlevelsup != 0 || !is_sure_unit(level, left) ||
			!IsA(right, Param) || ((Param *) right)->paramkind != PARAM_SUBLINK)
			continue;
		tle = get_tle_by_resno(query->targetList, ((Param *) right)->paramid);
		if (tle == NULL || !is_unit_column(inner->level, inner, strip_relabel((Node *) tle->expr)))
			continue;
		/* as the sub-select would write it: its column in the place of the parameter */
		left = copyObject(left);
		left->varlevelsup++;
		op = copyObject(op);
		op->args = list_make2(left, tle->expr);
		result = list_concat(result, equalities_of((Node *) op));
	}
	return result;
}

/*
 * Refuses a sub-select over protected rows (ERRCODE_DP_QUERY_REFUSED) unless its conditions, or
 * those of IN, tie it to the unit of the level or of one that the level stands below.  inner:
 * whose rows it holds.
 */
void
check_tied(RewriteContext *context, Level *level, SubLink *sublink, Query *query,
		   Individuals *inner)
{
	List	   *equalities = equalities_of(query->jointree->quals);
	Index		up = 1;

	if (sublink->subLinkType == ANY_SUBLINK)
		equalities = list_concat(equalities, in_equalities(sublink, query, inner, level));
	for (; level != NULL && level->below; level = level->parent, up++)
	{
		List	   *outer = NIL;
		List	   *links = NIL;
		ListCell   *lc;
		Individuals all = {0};

		if (level->inputs == NULL)
			continue;
		for (int i = 1; i <= list_length(level->query->rtable); i++)
		{
			if (level->inputs[i] == NULL)
				continue;
			all.relation = level->inputs[i]->relation;
			foreach(lc, all_units(level->inputs[i]))
				outer = lappend(outer, seen_from_below(lfirst(lc), up));
			links = list_concat(links, links_from_below(level->inputs[i], up));
		}
		if (all.relation != NULL &&
			strcmp(NameStr(all.relation->population),
				   NameStr(inner->relation->population)) == 0 &&
			(equalities_tie(equalities, outer, all_units(inner)) ||
			 links_tie(context, equalities, links, all_links(inner))))
			return;
	}
	refuse(REFUSE_NOT_TIED, context->source, sublink->location);
}
