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
 * is the same where both are never NULL.  They are columns that divide tables, which Citus fills with nothing that is NULL,
 * and not on the weak side of an outer join.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/typcache.h"

#include "policy/citus.h"
#include "query/equalities.h"
#include "query/queries.h"
#include "query/shards_in.h"

/* ----------
 * Columns that divide tables
 * ----------
 */

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

static bool is_dividing(Query *query, Node *expr);

/* The same of a column that a sub-select yields, in each branch of it. */
static bool
column_is_dividing(Query *query, Node *branch, AttrNumber attno)
{
	SetOperationStmt *both = (SetOperationStmt *) branch;

	if (branch == NULL)
		return attno >= 1 && attno <= list_length(query->targetList) && query->groupingSets == NIL &&
			is_dividing(query, (Node *) list_nth_node(TargetEntry, query->targetList, attno - 1)->expr);
	if (IsA(branch, RangeTblRef))
	{
		Query	   *below = rt_fetch(((RangeTblRef *) branch)->rtindex, query->rtable)->subquery;

		return column_is_dividing(below, below->setOperations, attno);
	}
	return column_is_dividing(query, both->larg, attno) && column_is_dividing(query, both->rarg, attno);
}

/* Is the expression of a query a column that divides a table, through any sub-selects, and never NULL? */
static bool
is_dividing(Query *query, Node *expr)
{
	Var		   *var = (Var *) strip_relabel(expr);
	RangeTblEntry *rte;
	CitusTable	table;

	check_stack_depth();
	if (!IsA(var, Var) || var->varlevelsup != 0 || stands_weakly((Node *) query->jointree, var->varno))
		return false;
	rte = rt_fetch(var->varno, query->rtable);
	if (rte->rtekind == RTE_SUBQUERY)
		return column_is_dividing(rte->subquery, rte->subquery->setOperations, var->varattno);
	if (rte->rtekind != RTE_RELATION)
		return false;
	table = citus_table(rte->relid);
	return table.kind == CITUS_HASH && table.column == var->varattno;
}

/* ----------
 * IN
 * ----------
 */

/* The equality of IN between two such columns; else NULL. */
static OpExpr *
tie_of(Query *query, SubLink *sublink)
{
	OpExpr	   *test = (OpExpr *) sublink->testexpr;
	Query	   *below = (Query *) sublink->subselect;
	Node	   *column;
	Param	   *param;

	if (sublink->subLinkType != ANY_SUBLINK || !IsA(below, Query) || test == NULL || !IsA(test, OpExpr) ||
		list_length(test->args) != 2)
		return NULL;
	column = linitial(test->args);
	param = lsecond(test->args);
	if (!IsA(param, Param) || param->paramkind != PARAM_SUBLINK || exprType(column) != param->paramtype ||
		test->opno != lookup_type_cache(param->paramtype, TYPECACHE_EQ_OPR)->eq_opr)
		return NULL;
	return is_dividing(query, column) &&
		column_is_dividing(below, below->setOperations, param->paramid) ? test : NULL;
}

/* EXISTS of the rows of the sub-select that the equality ties. */
static Query *
tied_rows(SubLink *sublink, const OpExpr *tie)
{
	Query	   *below = copyObject(castNode(Query, sublink->subselect));
	OpExpr	   *quals = (OpExpr *) copyObject(tie);
	Param	   *param = lsecond(quals->args);
	Query	   *result;

	IncrementVarSublevelsUp((Node *) below, 1, 1);
	IncrementVarSublevelsUp(linitial(quals->args), 1, 0);
	lsecond(quals->args) = makeVar(1, param->paramid, param->paramtype, param->paramtypmod, param->paramcollid, 0);
	result = select_from(below, "tied");
	result->jointree->quals = (Node *) quals;
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
		OpExpr	   *tie = tie_of(query, sublink);

		if (tie != NULL)
		{
			sublink->subselect = (Node *) tied_rows(sublink, tie);
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
