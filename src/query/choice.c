/*
 * choice.c
 *		Public sub-selects below a release that choose among their rows.
 *
 * LIMIT, OFFSET and DISTINCT ON hand out some rows, UNION, INTERSECT and EXCEPT one for several
 * equal ones.  Which ones these are must not depend on the order in which the executor happens
 * to find them, because protected rows can change that order.  A sub-select may run again for
 * each protected row, since the planner may push a condition on such a row into it.  If it
 * aggregates by hashing, the rows of earlier individuals have made its hash table larger, which
 * stays so (ResetTupleHashTable() in execGrouping.c), and a larger table has another order.
 *
 * So columns are in canonical form (keys.c), and rows are chosen in a complete order: by all
 * columns, and by the bytes of those that nothing can compare.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/tlist.h"
#include "parser/parse_clause.h"

#include "core/refusals.h"
#include "policy/extension.h"
#include "query/calls.h"
#include "query/checks.h"
#include "query/choice.h"
#include "query/keys.h"
#include "query/level.h"
#include "query/refuse.h"
#include "spec/canonical.h"

/* Does a tree of set operations do more than put rows together? */
static bool
compares_rows(Node *node)
{
	SetOperationStmt *op = (SetOperationStmt *) node;

	if (node == NULL || !IsA(node, SetOperationStmt))
		return false;
	return op->op != SETOP_UNION || !op->all || compares_rows(op->larg) || compares_rows(op->rarg);
}

/*
 * Brings all columns that a query hands out into canonical form.  One of a type without any is
 * only passed on, for nothing can compare it.
 */
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

		if (!tle->resjunk && !IsA(tle->expr, Const) && canonical_exists(exprType((Node *) tle->expr)))
			tle->expr = (Expr *) canonical_expression(context, (Node *) tle->expr);
	}
}

/* Is one of the clauses about the column of this reference? */
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

/* Sorts by a column, which has a canonical form, after those of ORDER BY. */
static void
sort_by(Query *query, TargetEntry *tle)
{
	SortGroupClause *clause;

	if (tle->ressortgroupref > 0 && sorts_by(query->sortClause, tle->ressortgroupref))
		return;
	clause = default_clause(exprType((Node *) tle->expr));
	clause->tleSortGroupRef = assignSortGroupRef(tle, query->targetList);
	query->sortClause = lappend(query->sortClause, clause);
}

/* The bytes of a column that nothing can compare, as a column to sort by. */
static TargetEntry *
image_of(RewriteContext *context, Query *query, Expr *expr)
{
	Expr	   *image = (Expr *) call_of_rewriter(DP_FUNC_IMAGE, InvalidOid, BYTEAOID, copyObject((Node *) expr));
	TargetEntry *result;
	ListCell   *lc;

	if (query->setOperations != NULL)
		refuse(REFUSE_LIMIT_BELOW, context->source, limit_location(query));
	foreach(lc, query->targetList)
	{
		if (equal(lfirst_node(TargetEntry, lc)->expr, image))
			return lfirst(lc);
	}
	result = makeTargetEntry(image, list_length(query->targetList) + 1, pstrdup("dp_image"), true);
	query->targetList = lappend(query->targetList, result);
	return result;
}

/*
 * Sorts by all columns that are handed out, after those of ORDER BY: rows that are still equal
 * are the same.
 */
static void
sort_completely(RewriteContext *context, Query *query)
{
	int			ncolumns = list_length(query->targetList);

	/* these come first: the planner sorts for DISTINCT and ORDER BY at once */
	sort_by_clauses(query, query->distinctClause);
	for (int i = 0; i < ncolumns; i++)
	{
		TargetEntry *tle = list_nth(query->targetList, i);

		if (tle->resjunk)
			continue;
		if (canonical_exists(exprType((Node *) tle->expr)))
		{
			check_compared(context, (Node *) tle->expr);
			sort_by(query, tle);
		}
		else
			sort_by(query, image_of(context, query, tle->expr));
	}
}

/* No LIMIT or OFFSET, or one that leaves nothing out. */
static bool
leaves_all(Node *limit, bool offset)
{
	return limit == NULL ||
		(IsA(limit, Const) && (((Const *) limit)->constisnull ||
							   (offset && DatumGetInt64(((Const *) limit)->constvalue) == 0)));
}

/*
 * Settles which rows a public query below a release hands out, in place; its expressions are
 * guarded already.  Raises ERRCODE_DP_QUERY_REFUSED for OFFSET among rows WITH TIES, and for LIMIT
 * of a UNION ALL with a column that nothing can compare.
 */
void
settle_choice(RewriteContext *context, Query *query)
{
	bool		limited = !leaves_all(query->limitCount, false) ||
		!leaves_all(query->limitOffset, true);

	if (limited || query->hasDistinctOn || compares_rows(query->setOperations))
		canonical_columns(context, query);
	if (limited && query->limitOption == LIMIT_OPTION_WITH_TIES)
	{
		/* all rows that are equal for ORDER BY or none, but for those that OFFSET skips */
		if (!leaves_all(query->limitOffset, true))
			refuse(REFUSE_LIMIT_BELOW, context->source, limit_location(query));
		limited = false;
	}
	if (limited || query->hasDistinctOn)
		sort_completely(context, query);
}
