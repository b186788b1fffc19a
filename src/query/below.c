/*
 * below.c
 *		Whole queries below a release: their columns, FROM items and clauses.
 *
 * The public sub-selects among them are held to the same language as the private
 * ones: whether one runs at all can depend on private rows.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"

#include "core/refusals.h"
#include "policy/allowed.h"
#include "query/below.h"
#include "query/checks.h"
#include "query/choice.h"
#include "query/columns.h"
#include "query/ctes.h"
#include "query/identifiers.h"
#include "query/keys.h"
#include "query/language.h"
#include "query/level.h"
#include "query/levels.h"
#include "query/questions.h"
#include "query/refuse.h"
#include "query/row_security.h"
#include "query/unused.h"

/* Folds LIMIT and OFFSET: LIMIT 1 comes from the parser as a cast. */
void
fold_limits(RewriteContext *context, Query *query)
{
	query->limitCount = eval_const_expressions(context->root, query->limitCount);
	query->limitOffset = eval_const_expressions(context->root, query->limitOffset);
}

/*
 * Guards the result columns of a sub-select below a release, in place, and judges what it groups
 * by, sorts by and combines.  A column that is only passed on, or NULL, may be of any type: it is
 * judged where it is used, if it ever is.
 */
void
guard_targets(RewriteContext *context, Level *level)
{
	Query	   *query = level->query;
	ListCell   *lc;

	check_clauses(context, query->groupClause, query->targetList);
	check_clauses(context, query->distinctClause, query->targetList);
	check_clauses(context, query->sortClause, query->targetList);
	check_set_operations(context, query->setOperations);
	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst(lc);
		Var		   *unit = bare_unit(level, (Node *) tle->expr);

		if (unit != NULL && unit->varlevelsup > 0)
			unit = NULL;
		if (IsA(tle->expr, Const) && ((Const *) tle->expr)->constisnull &&
			tle->ressortgroupref == 0)
			continue;			/* also in the place of a column that nobody asks for */
		if (IsA(tle->expr, Var) && tle->ressortgroupref == 0 &&
			((Var *) tle->expr)->varlevelsup == 0)
			tle->expr = (Expr *) guard_column(context, level, (Var *) tle->expr, true,
											  unit != NULL);
		else
			tle->expr = (Expr *) guard_unit_expression(context, level, (Node *) tle->expr, unit);
	}
}

/* Guards the conditions of a join tree, in place. */
static void
guard_jointree(RewriteContext *context, Level *level, Node *node)
{
	ListCell   *lc;

	if (IsA(node, FromExpr))
	{
		FromExpr   *from = (FromExpr *) node;

		foreach(lc, from->fromlist)
			guard_jointree(context, level, lfirst(lc));
		from->quals = guard_expression(context, level, from->quals);
	}
	else if (IsA(node, JoinExpr))
	{
		JoinExpr   *join = (JoinExpr *) node;

		guard_jointree(context, level, join->larg);
		guard_jointree(context, level, join->rarg);
		join->quals = guard_expression(context, level, join->quals);
	}
}

/* The CTE a range table entry refers to, seen from a level; NULL if outside. */
static CommonTableExpr *
find_cte(Level *level, RangeTblEntry *rte, Level **owner)
{
	ListCell   *lc;

	for (Index up = 0; up < rte->ctelevelsup && level != NULL; up++)
		level = level->parent;
	if (level == NULL)
		return NULL;
	*owner = level;
	foreach(lc, level->query->cteList)
	{
		CommonTableExpr *cte = lfirst(lc);

		if (strcmp(cte->ctename, rte->ctename) == 0)
			return cte;
	}
	return NULL;
}

/* Is there a column, of whatever query, in the expression? */
static bool
contain_columns(Node *node, void *context)
{
	return node != NULL &&
		(IsA(node, Var) || expression_tree_walker(node, contain_columns, context));
}

/*
 * Judges functions in FROM, in place.  What they return needs no row of another item: it is read
 * before the first protected one (publics.c).
 */
static void
guard_functions(RewriteContext *context, Level *level, RangeTblEntry *rte)
{
	ListCell   *lc;

	foreach(lc, rte->functions)
	{
		RangeTblFunction *function = lfirst(lc);
		FuncExpr   *call = (FuncExpr *) function->funcexpr;
		int			location = exprLocation((Node *) call);
		List	   *args = NIL;
		ListCell   *la;

		if (!IsA(call, FuncExpr) || !set_function_is_allowed(call->funcid) ||
			contain_columns((Node *) call, NULL) || contain_subplans((Node *) call->args))
			refuse(REFUSE_FROM_ITEM, context->source, location);
		check_collation(context, call->inputcollid, (Node *) call);
		foreach(la, call->args)
		{
			args = lappend(args, guard_expression(context, level, lfirst(la)));
		}
		call->args = args;
	}
}

/* Judges one public FROM item below a release, or the policies of a private one, in place. */
static void
guard_range_entry(RewriteContext *context, Level *level, int rtindex)
{
	RangeTblEntry *rte = rt_fetch(rtindex, level->query->rtable);

	guard_policies(context, level, rtindex, guard_expression);
	if (rte->tablesample != NULL)
		refuse(REFUSE_TABLESAMPLE, context->source,
			   exprLocation((Node *) rte->tablesample->args));

	switch (rte->rtekind)
	{
		case RTE_RELATION:
			if (rte->relkind == RELKIND_FOREIGN_TABLE && !is_private_relation(context, rte))
				refuse_query(REFUSE_FROM_ITEM, context, level->query);
			break;
		case RTE_SUBQUERY:
			guard_query(context, rte->subquery, level);
			break;
		case RTE_VALUES:
			rte->values_lists = (List *) guard_expression(context, level,
														  (Node *) rte->values_lists);
			break;
		case RTE_CTE:
			{
				Level	   *owner;
				CommonTableExpr *cte = find_cte(level, rte, &owner);

				/* A release is a CTE too; its own query is proven and sealed. */
				if (cte == NULL || cte->cterecursive ||
					castNode(Query, cte->ctequery)->commandType != CMD_SELECT)
					refuse_query(REFUSE_FROM_ITEM, context, level->query);
				if (!query_is_release((Query *) cte->ctequery))
					guard_query(context, (Query *) cte->ctequery, owner);
			}
			break;
		case RTE_JOIN:
		case RTE_RESULT:
			break;
		case RTE_FUNCTION:
			guard_functions(context, level, rte);
			break;
		default:
			refuse_query(REFUSE_FROM_ITEM, context, level->query);
	}
}

/* Judges the public FROM items and the conditions of a private level, in place. */
void
guard_from(RewriteContext *context, Level *level)
{
	for (int i = 1; i <= list_length(level->query->rtable); i++)
	{
		RangeTblEntry *rte = rt_fetch(i, level->query->rtable);

		if (level->inputs == NULL || level->inputs[i] == NULL || rte->rtekind == RTE_RELATION)
			guard_range_entry(context, level, i);
	}
	guard_jointree(context, level, (Node *) level->query->jointree);
}

/* A LIMIT or OFFSET that cannot fail: none, or a constant of at least 0. */
static bool
limit_is_harmless(Node *limit)
{
	return limit == NULL ||
		(IsA(limit, Const) && (((Const *) limit)->constisnull ||
							   DatumGetInt64(((Const *) limit)->constvalue) >= 0));
}

/*
 * Guards a public query that stands below a release, in place.  It is held to the language of
 * private levels, but it may sort, limit and aggregate as it likes.  parent: the level that it
 * stands in.  Raises ERRCODE_DP_QUERY_REFUSED.
 */
void
guard_query(RewriteContext *context, Query *query, Level *parent)
{
	Level		level = {.query = query,.parent = parent,.below = true};

	if (query->commandType != CMD_SELECT || query->hasModifyingCTE || query->rowMarks != NIL)
		refuse_query(REFUSE_ROW_MARKS, context, query);
	if (query->hasRecursive)
		refuse_query(REFUSE_RECURSION, context, query);
	if (query->hasWindowFuncs || query->windowClause != NIL)
		refuse_query(REFUSE_WINDOW_BELOW, context, query);
	if (query->groupingSets != NIL)
		refuse_query(REFUSE_GROUPING_SETS, context, query);
	fold_limits(context, query);
	if (!limit_is_harmless(query->limitCount) || !limit_is_harmless(query->limitOffset))
		refuse(REFUSE_LIMIT_BELOW, context->source, limit_location(query));

	flatten_level(query);
	drop_unused_identifiers(query, false);
	guard_from(context, &level);
	guard_targets(context, &level);
	query->havingQual = guard_expression(context, &level, query->havingQual);
	canonical_groups(context, query, NULL);
	settle_choice(context, query);
}
