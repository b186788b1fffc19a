/*
 * travel_joins.c
 *		Joins of a query that is to be written as SQL.
 *
 * Whoever writes a query as SQL (ruleutils.c) takes the names of columns from its range table, and counts the
 * columns of each join by those of its sides.  For the planner they are of no account: the rewriter adds joins
 * without columns, and columns to sub-selects that stand in joins.  So all of that is made anew here.
 *
 * Nothing refers to a join's own columns any more (flatten_level() in query/levels.c, travel.c).  So a join loses its name, and
 * USING: by a name of its own it would hide those of its tables, and its condition says the same as USING.
 */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "nodes/value.h"
#include "parser/parse_relation.h"
#include "parser/parsetree.h"

#include "core/compat.h"
#include "policy/travel_joins.h"

/* The names of columns that a sub-select yields: those that it has, and made-up ones for the rest. */
static void
name_columns(RangeTblEntry *rte)
{
	int			n = 0;
	ListCell   *lc;

	foreach(lc, rte->subquery->targetList)
		n += lfirst_node(TargetEntry, lc)->resjunk ? 0 : 1;
	rte->eref->colnames = list_truncate(rte->eref->colnames, n);
	for (int i = list_length(rte->eref->colnames); i < n; i++)
		rte->eref->colnames = lappend(rte->eref->colnames, makeString(psprintf("column%d", i + 1)));
}

/* Adds the columns of an item of FROM to those of a join, and their numbers to a list. */
static void
add_columns(Query *query, int rtindex, RangeTblEntry *join, List **numbers)
{
	RangeTblEntry *rte = rt_fetch(rtindex, query->rtable);
	List	   *names;
	List	   *columns;
	ListCell   *lc;

	DP_EXPAND(rte, rtindex, false, &names, &columns);
	join->eref->colnames = list_concat(join->eref->colnames, names);
	join->joinaliasvars = list_concat(join->joinaliasvars, columns);
	foreach(lc, columns)
		* numbers = lappend_int(*numbers, rte->rtekind == RTE_JOIN ? foreach_current_index(lc) + 1 :
								lfirst_node(Var, lc)->varattno);
}

/* Completes an item of FROM and those below it.  Returns its range table index. */
static int
complete_item(Query *query, Node *item)
{
	JoinExpr   *expr = (JoinExpr *) item;
	RangeTblEntry *join;
	int			left;
	int			right;

	if (IsA(item, RangeTblRef))
		return ((RangeTblRef *) item)->rtindex;
	expr = castNode(JoinExpr, item);
	left = complete_item(query, expr->larg);
	right = complete_item(query, expr->rarg);
	expr->usingClause = NIL;
	expr->alias = expr->join_using_alias = NULL;
	join = rt_fetch(expr->rtindex, query->rtable);
	join->alias = join->join_using_alias = NULL;
	join->eref = makeAlias("unnamed_join", NIL);
	join->joinmergedcols = 0;
	join->joinaliasvars = join->joinleftcols = join->joinrightcols = NIL;
	add_columns(query, left, join, &join->joinleftcols);
	add_columns(query, right, join, &join->joinrightcols);
	return expr->rtindex;
}

/* Completes what stands in FROM of a query, in place; not of those below it. */
void
complete_joins(Query *query)
{
	ListCell   *lc;

	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst(lc);

		if (rte->rtekind == RTE_SUBQUERY)
			name_columns(rte);
	}
	foreach(lc, query->jointree->fromlist)
		(void) complete_item(query, lfirst(lc));
}
