/*
 * flatten.c
 *		Sub-selects that only choose columns of a table are the table.
 *
 * For normal forms (normal.c): facades are such sub-selects, and tools write others around a table, with
 * now these columns and now those, for one and the same question.
 */
#include "postgres.h"

#include "nodes/bitmapset.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"

#include "core/compat.h"

#include "query/flatten.h"
#include "query/walk.h"

/* A sub-select in FROM that becomes the table that it reads. */
typedef struct Projection
{
	int			varno;			/* its place in FROM */
	AttrNumber *columns;		/* of the table, by its own column, from 1 */
	int			ncolumns;
	bool		names_row;		/* its row as a whole is named */
} Projection;

/* Does the query do nothing but read one item of FROM? */
static bool
reads_only(const Query *query)
{
	return query->commandType == CMD_SELECT && query->utilityStmt == NULL && query->cteList == NIL &&
		!query->hasAggs && !query->hasWindowFuncs && !query->hasTargetSRFs && !query->hasSubLinks &&
		query->groupClause == NIL && query->groupingSets == NIL && query->havingQual == NULL &&
		query->windowClause == NIL && query->distinctClause == NIL && query->sortClause == NIL &&
		query->limitOffset == NULL && query->limitCount == NULL && query->rowMarks == NIL &&
		query->setOperations == NULL && query->jointree->quals == NULL &&
		list_length(query->jointree->fromlist) == 1 &&
		IsA(linitial(query->jointree->fromlist), RangeTblRef);
}

/* The table of which a sub-select chooses columns, and these in *projection; NULL if it does more. */
static RangeTblEntry *
projected_table(const RangeTblEntry *rte, Projection *projection)
{
	const Query *query = rte->subquery;
	int			varno;
	RangeTblEntry *table;
	ListCell   *lc;

	if (rte->rtekind != RTE_SUBQUERY || rte->lateral || rte->security_barrier ||
		rte->securityQuals != NIL || !reads_only(query))
		return NULL;
	varno = linitial_node(RangeTblRef, query->jointree->fromlist)->rtindex;
	table = rt_fetch(varno, query->rtable);
	if (table->rtekind != RTE_RELATION || table->tablesample != NULL)
		return NULL;
	projection->columns = palloc0((list_length(query->targetList) + 1) * sizeof(AttrNumber));
	projection->ncolumns = list_length(query->targetList);
	foreach(lc, query->targetList)
	{
		const TargetEntry *tle = lfirst(lc);
		const Var  *column = (const Var *) tle->expr;

		if (!IsA(column, Var) || column->varno != varno || column->varlevelsup != 0 || column->varattno <= 0)
			return NULL;
		projection->columns[tle->resno] = column->varattno;
	}
	return table;
}

/* Notes whether the row as a whole is named, or a column that is not there. */
static void
note_row(Var *column, void *argument)
{
	Projection *projection = argument;

	projection->names_row |= column->varno == projection->varno &&
		(column->varattno <= 0 || column->varattno > projection->ncolumns);
}

/* Puts a column of the table in the place of one of the sub-select. */
static void
rename_column(Var *column, void *argument)
{
	const Projection *projection = argument;

	if (column->varno == projection->varno)
		column->varattno = column->varattnosyn = projection->columns[column->varattno];
}

/* Visits all columns that a query and expressions over its items of FROM (or NULL) name. */
static void
visit_columns(Query *query, List **exprs, int flags, VisitColumn visit, void *argument)
{
	walk_columns((Node *) query, flags, visit, argument);
	if (exprs != NULL)
		walk_columns((Node *) *exprs, flags, visit, argument);
}

/* Notes an item of FROM that a column is of. */
static void
note_item(Var *column, void *argument)
{
	Bitmapset **items = argument;

	*items = bms_add_member(*items, column->varno);
}

/*
 * Puts what columns of joins stand for in their place; of a join whose columns nobody names, it does
 * not matter which these are.
 */
static void
forget_join_columns(Query *query, List **exprs)
{
	Bitmapset  *named = NULL;

	query->jointree = (FromExpr *) DP_FLATTEN_JOINS(query, query->jointree);
	if (exprs != NULL)
		*exprs = (List *) DP_FLATTEN_JOINS(query, *exprs);
	else
		query->targetList = (List *) DP_FLATTEN_JOINS(query, query->targetList);
	visit_columns(query, exprs, QTW_IGNORE_JOINALIASES, note_item, &named);
	for (int varno = 1; varno <= list_length(query->rtable); varno++)
	{
		RangeTblEntry *rte = rt_fetch(varno, query->rtable);

		if (rte->rtekind != RTE_JOIN || bms_is_member(varno, named))
			continue;
		rte->joinaliasvars = rte->joinleftcols = rte->joinrightcols = NIL;
		rte->joinmergedcols = 0;
	}
}

/*
 * The query with the tables in the place of such sub-selects, at all depths below FROM; exprs, which may be
 * NULL, is a list of expressions over its items of FROM, and is replaced by one that fits.  What is
 * given is not changed.
 */
Query *
flatten_projections(Query *query, List **exprs)
{
	query = copyObject(query);
	if (exprs != NULL)
		*exprs = copyObject(*exprs);
	for (int varno = 1; varno <= list_length(query->rtable); varno++)
	{
		RangeTblEntry *rte = rt_fetch(varno, query->rtable);
		Projection	projection = {.varno = varno};
		RangeTblEntry *table;

		if (rte->rtekind == RTE_SUBQUERY && rte->subquery != NULL)
			rte->subquery = flatten_projections(rte->subquery, NULL);
		table = projected_table(rte, &projection);
		if (table == NULL)
			continue;
		visit_columns(query, exprs, 0, note_row, &projection);
		if (projection.names_row)
			continue;
		visit_columns(query, exprs, 0, rename_column, &projection);
		lfirst(list_nth_cell(query->rtable, varno - 1)) = copyObject(table);
	}
	forget_join_columns(query, exprs);
	return query;
}
