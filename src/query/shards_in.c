/*
 * shards_in.c
 *		IN of a piece becomes EXISTS, where Citus would compute its sub-select first.
 *
 * Citus hands on a sub-select in an expression where it is tied by the column that divides the tables.  IN ties it, but Citus
 * does not see that unless IN stands in WHERE by itself: below NOT or OR, and outside of WHERE, it would have the
 * sub-select computed first, of all shards, and its rows sent to all.
 *
 *		x IN (SELECT y FROM ...)  ->  EXISTS (SELECT FROM (SELECT y FROM ...) s WHERE s.y = x)
 *
 * is the same where both are never NULL: columns that divide tables, which Citus fills with nothing that is NULL, or
 * that are NOT NULL, and not on the weak side of an outer join.  Of several columns one has to divide tables.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/typcache.h"

#include "policy/citus.h"
#include "policy/enforced.h"
#include "query/equalities.h"
#include "query/queries.h"
#include "query/shards_in.h"
#include "query/shards_where.h"

/* ----------
 * Columns that are never NULL
 * ----------
 */

/* Is it never NULL? */
static bool
is_filled(Oid relid, AttrNumber attno)
{
	return attno > 0 && (citus_divides(relid, attno) || policy_not_null(relid, attno));
}

/* Does the item of FROM stand in a part of the join tree? */
static bool
stands_in(Node *part, int varno)
{
	ListCell   *lc;

	if (part == NULL)
		return false;
	if (IsA(part, RangeTblRef))
		return ((RangeTblRef *) part)->rtindex == varno;
	if (IsA(part, JoinExpr))
		return stands_in(((JoinExpr *) part)->larg, varno) || stands_in(((JoinExpr *) part)->rarg, varno);
	foreach(lc, castNode(FromExpr, part)->fromlist)
	{
		if (stands_in(lfirst(lc), varno))
			return true;
	}
	return false;
}

/* Does it stand on the weak side of an outer join there, so that its columns may be NULL? */
static bool
stands_weakly(Node *part, int varno)
{
	JoinExpr   *join = (JoinExpr *) part;
	ListCell   *lc;

	if (part == NULL || IsA(part, RangeTblRef))
		return false;
	if (IsA(part, FromExpr))
	{
		foreach(lc, ((FromExpr *) part)->fromlist)
		{
			if (stands_weakly(lfirst(lc), varno))
				return true;
		}
		return false;
	}
	if (join->jointype != JOIN_INNER && join->jointype != JOIN_LEFT && stands_in(join->larg, varno))
		return true;
	if (join->jointype != JOIN_INNER && join->jointype != JOIN_RIGHT && stands_in(join->rarg, varno))
		return true;
	return stands_weakly(join->larg, varno) || stands_weakly(join->rarg, varno);
}

static bool is_column(Query *query, Node *expr, ColumnTest test);

/* The same of a column that a sub-select yields, in each branch of it. */
static bool
yields_column(Query *query, Node *branch, AttrNumber attno, ColumnTest test)
{
	SetOperationStmt *both = (SetOperationStmt *) branch;

	if (branch == NULL)
		return attno >= 1 && attno <= list_length(query->targetList) && query->groupingSets == NIL &&
			is_column(query, (Node *) list_nth_node(TargetEntry, query->targetList, attno - 1)->expr, test);
	if (IsA(branch, RangeTblRef))
	{
		Query	   *below = rt_fetch(((RangeTblRef *) branch)->rtindex, query->rtable)->subquery;

		return yields_column(below, below->setOperations, attno, test);
	}
	return yields_column(query, both->larg, attno, test) && yields_column(query, both->rarg, attno, test);
}

/* Is the expression of a query such a column of a table, through any sub-selects, and not made NULL by joins? */
static bool
is_column(Query *query, Node *expr, ColumnTest test)
{
	Var		   *var = (Var *) strip_relabel(expr);
	RangeTblEntry *rte;

	check_stack_depth();
	if (!IsA(var, Var) || var->varlevelsup != 0 || stands_weakly((Node *) query->jointree, var->varno))
		return false;
	rte = rt_fetch(var->varno, query->rtable);
	if (rte->rtekind == RTE_SUBQUERY)
		return yields_column(rte->subquery, rte->subquery->setOperations, var->varattno, test);
	return rte->rtekind == RTE_RELATION && test(rte->relid, var->varattno);
}

/* ----------
 * IN
 * ----------
 */

/* Is it an equality between columns of a query and of a sub-select of which both are as asked? */
static bool
is_tie(Query *query, Query *below, OpExpr *equality, ColumnTest test)
{
	Node	   *column;
	Param	   *param;
	Oid			type;

	if (!IsA(equality, OpExpr) || list_length(equality->args) != 2)
		return false;
	column = linitial(equality->args);
	type = exprType(column);
	param = (Param *) strip_relabel(lsecond(equality->args));
	return IsA(param, Param) && param->paramkind == PARAM_SUBLINK && exprType(lsecond(equality->args)) == type &&
		equality->opno == lookup_type_cache(type, TYPECACHE_EQ_OPR)->eq_opr &&
		is_column(query, column, test) && yields_column(below, below->setOperations, param->paramid, test);
}

/* The equalities of IN, if all are between columns that are never NULL, and one between those that divide tables; else NIL. */
static List *
ties_of(Query *query, SubLink *sublink)
{
	Query	   *below = (Query *) sublink->subselect;
	List	   *equalities = make_ands_implicit((Expr *) sublink->testexpr);
	bool		divided = false;
	ListCell   *lc;

	if (sublink->subLinkType != ANY_SUBLINK || !IsA(below, Query))
		return NIL;
	foreach(lc, equalities)
	{
		if (!is_tie(query, below, lfirst(lc), is_filled))
			return NIL;
		divided = divided || is_tie(query, below, lfirst(lc), citus_divides);
	}
	return divided ? equalities : NIL;
}

/* The sub-select's columns, in the place of the parameters of IN. */
static Node *
name_columns(Node *node, void *context)
{
	Param	   *param = (Param *) node;

	if (node == NULL)
		return NULL;
	if (IsA(node, Param) && param->paramkind == PARAM_SUBLINK)
		return (Node *) makeVar(1, param->paramid, param->paramtype, param->paramtypmod, param->paramcollid, 0);
	return expression_tree_mutator(node, name_columns, context);
}

/* EXISTS of the rows of the sub-select that the equalities tie. */
static Query *
tied_rows(SubLink *sublink, List *ties)
{
	Query	   *below = copyObject(castNode(Query, sublink->subselect));
	Query	   *result = select_from(below, "tied");

	IncrementVarSublevelsUp((Node *) below, 1, 1);
	ties = copyObject(ties);
	IncrementVarSublevelsUp((Node *) ties, 1, 0);
	result->jointree->quals = (Node *) make_ands_explicit((List *) name_columns((Node *) ties, NULL));
	return result;
}

/* Expressions of a query, in place; those of queries below it are theirs. */
static bool
tie_walker(Node *node, Query *query)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, tie_walker, node, 0);
	if (IsA(node, SubLink))
	{
		SubLink    *sublink = (SubLink *) node;
		List	   *ties = ties_of(query, sublink);

		if (ties != NIL)
		{
			sublink->subselect = (Node *) tied_rows(sublink, ties);
			sublink->subLinkType = EXISTS_SUBLINK;
			sublink->testexpr = NULL;
			sublink->operName = NIL;
		}
	}
	return expression_tree_walker(node, tie_walker, query);
}

/* Ties sub-selects of a piece by the columns that divide its tables, in place, where IN does. */
void
tie_sublinks(Query *piece)
{
	(void) tie_walker((Node *) piece, piece);
}
