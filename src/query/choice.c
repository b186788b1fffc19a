/*
 * choice.c
 *		Public sub-selects below a release that choose among their rows.
 *
 * LIMIT, OFFSET and DISTINCT ON hand out some rows, UNION, INTERSECT and EXCEPT one for several
 * equal ones.  Which ones these are may not depend on the order in which the executor happens
 * to find them.  Public rows alone do not change it, but who asks does: a sub-select that is
 * asked again for each protected row meets the hash table of an aggregation that earlier rows,
 * of others, have made larger, and the order in it is another (ResetTupleHashTable() in
 * execGrouping.c keeps the size).  The planner may push a condition on a protected row into
 * any of them.
 *
 * So columns are in canonical form (keys.c), and rows are chosen in a complete order.
 */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/tlist.h"
#include "parser/parse_clause.h"
#include "parser/parse_oper.h"

#include "aggregate/canonical.h"
#include "query/language.h"
#include "query/query.h"

/* Does a tree of set operations do more than put rows together? */
static bool
compares_rows(Node *node)
{
	SetOperationStmt *op = (SetOperationStmt *) node;

	if (node == NULL || !IsA(node, SetOperationStmt))
		return false;
	return op->op != SETOP_UNION || !op->all || compares_rows(op->larg) || compares_rows(op->rarg);
}

/* Brings all columns that a query hands out into canonical form. */
static void
canonical_columns(RewriteContext *context, Query *query)
{
	ListCell   *lc;

	if (query->setOperations != NULL)
	{
		foreach(lc, query->rtable)
		{
			RangeTblEntry *rte = lfirst(lc);

			if (rte->rtekind == RTE_SUBQUERY)
				canonical_columns(context, rte->subquery);
		}
		return;
	}
	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst(lc);

		if (!tle->resjunk && !IsA(tle->expr, Const))
			tle->expr = (Expr *) canonical_expression(context, (Node *) tle->expr);
	}
}

static bool
sorts_by(List *clauses, Index ref)
{
	ListCell   *lc;

	foreach(lc, clauses)
	{
		if (lfirst_node(SortGroupClause, lc)->tleSortGroupRef == ref)
			return true;
	}
	return false;
}

/* Sorts by the clauses that are not in ORDER BY yet. */
static void
sort_by_clauses(Query *query, List *clauses)
{
	ListCell   *lc;

	foreach(lc, clauses)
	{
		if (!sorts_by(query->sortClause, lfirst_node(SortGroupClause, lc)->tleSortGroupRef))
			query->sortClause = lappend(query->sortClause, copyObject(lfirst(lc)));
	}
}

/*
 * Sorts by all columns that are handed out, after those of ORDER BY: rows that are still equal
 * are the same.
 */
static void
sort_completely(RewriteContext *context, Query *query)
{
	ListCell   *lc;

	/* these come first: the planner sorts for DISTINCT and ORDER BY at once */
	sort_by_clauses(query, query->distinctClause);
	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst(lc);
		SortGroupClause *clause;
		bool		hashable;

		if (tle->resjunk || (tle->ressortgroupref > 0 &&
							 sorts_by(query->sortClause, tle->ressortgroupref)))
			continue;
		check_compared(context, (Node *) tle->expr);
		if (!canonical_exists(exprType((Node *) tle->expr)))
			refuse(REFUSE_TYPE, context->source, exprLocation((Node *) tle->expr));
		clause = makeNode(SortGroupClause);
		get_sort_group_operators(exprType((Node *) tle->expr), true, true, false,
								 &clause->sortop, &clause->eqop, NULL, &hashable);
		clause->hashable = hashable;
		clause->tleSortGroupRef = assignSortGroupRef(tle, query->targetList);
		query->sortClause = lappend(query->sortClause, clause);
	}
}

static bool
is_no_limit(Node *limit)
{
	return limit == NULL || (IsA(limit, Const) && ((Const *) limit)->constisnull);
}

/*
 * Settles which rows a public query below a release hands out, in place; its expressions are
 * total already.  Raises ERRCODE_DP_QUERY_REFUSED where a column has no canonical form, and
 * for OFFSET among rows WITH TIES.
 */
void
settle_choice(RewriteContext *context, Query *query)
{
	bool		limited = !is_no_limit(query->limitCount) || !is_no_limit(query->limitOffset);

	if (limited || query->hasDistinctOn || compares_rows(query->setOperations))
		canonical_columns(context, query);
	if (limited && query->limitOption == LIMIT_OPTION_WITH_TIES)
	{
		/* all rows that are equal for ORDER BY or none, but for those that OFFSET skips */
		if (!is_no_limit(query->limitOffset))
			refuse(REFUSE_LIMIT_BELOW, context->source, limit_location(query));
		limited = false;
	}
	if (limited || query->hasDistinctOn)
		sort_completely(context, query);
}
