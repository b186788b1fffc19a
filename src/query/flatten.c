/*
 * flatten.c
 *		Sub-selects that only choose columns of a table are the table.
 *
 * For normal forms (normal.c): facades are such sub-selects, and tools write others around a table, with
 * now these columns and now those, for one and the same question.
 */
#include "postgres.h"

#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"

#include "core/compat.h"

#include "query/flatten.h"

/* A sub-select in FROM that becomes the table that it reads. */
typedef struct Projection
{
	int			varno;			/* its place in FROM */
	AttrNumber *columns;		/* of the table, by its own column, from 1 */
	int			ncolumns;
	Index		depth;			/* how many queries the walk is below the one that names it */
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

/* Is the row as a whole named, or a column that is not there? */
static bool
names_row_walker(Node *node, Projection *projection)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		const Var  *var = (const Var *) node;

		return var->varno == projection->varno && var->varlevelsup == projection->depth &&
			(var->varattno <= 0 || var->varattno > projection->ncolumns);
	}
	if (IsA(node, Query))
	{
		bool		result;

		projection->depth++;
		result = query_tree_walker((Query *) node, names_row_walker, projection, 0);
		projection->depth--;
		return result;
	}
	return expression_tree_walker(node, names_row_walker, (void *) projection);
}

/* Puts columns of the table in the place of those of the sub-select. */
static Node *
rename_mutator(Node *node, Projection *projection)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Var))
	{
		Var		   *var = copyObject((Var *) node);

		if (var->varno == projection->varno && var->varlevelsup == projection->depth)
			var->varattno = var->varattnosyn = projection->columns[var->varattno];
		return (Node *) var;
	}
	if (IsA(node, Query))
	{
		Query	   *result;

		projection->depth++;
		result = query_tree_mutator((Query *) node, rename_mutator, projection, 0);
		projection->depth--;
		return (Node *) result;
	}
	return expression_tree_mutator(node, rename_mutator, (void *) projection);
}

/* A walk that looks for columns of one item of FROM, except in what joins stand for. */
typedef struct NamesContext
{
	int			varno;
	Index		depth;			/* how many queries the walk is below the one of the item */
} NamesContext;

static bool
names_item_walker(Node *node, NamesContext *names)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
		return ((Var *) node)->varno == names->varno && ((Var *) node)->varlevelsup == names->depth;
	if (IsA(node, Query))
	{
		bool		result;

		names->depth++;
		result = query_tree_walker((Query *) node, names_item_walker, names, QTW_IGNORE_JOINALIASES);
		names->depth--;
		return result;
	}
	return expression_tree_walker(node, names_item_walker, (void *) names);
}

/*
 * Puts what columns of joins stand for in their place; of a join whose columns nobody names, it does
 * not matter which these are.
 */
static void
forget_join_columns(Query *query, List **exprs)
{
	query->jointree = (FromExpr *) DP_FLATTEN_JOINS(query, query->jointree);
	if (exprs != NULL)
		*exprs = (List *) DP_FLATTEN_JOINS(query, *exprs);
	else
		query->targetList = (List *) DP_FLATTEN_JOINS(query, query->targetList);
	for (int varno = 1; varno <= list_length(query->rtable); varno++)
	{
		RangeTblEntry *rte = rt_fetch(varno, query->rtable);
		NamesContext names = {.varno = varno};

		if (rte->rtekind != RTE_JOIN ||
			query_tree_walker(query, names_item_walker, &names, QTW_IGNORE_JOINALIASES) ||
			(exprs != NULL && names_item_walker((Node *) *exprs, &names)))
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
	for (int varno = 1; varno <= list_length(query->rtable); varno++)
	{
		RangeTblEntry *rte = rt_fetch(varno, query->rtable);
		Projection	projection = {.varno = varno};
		RangeTblEntry *table;

		if (rte->rtekind == RTE_SUBQUERY && rte->subquery != NULL)
			rte->subquery = flatten_projections(rte->subquery, NULL);
		table = projected_table(rte, &projection);
		if (table == NULL ||
			query_tree_walker(query, names_row_walker, &projection, 0) ||
			(exprs != NULL && names_row_walker((Node *) *exprs, &projection)))
			continue;
		query = query_tree_mutator(query, rename_mutator, &projection, 0);
		if (exprs != NULL)
			*exprs = (List *) rename_mutator((Node *) *exprs, &projection);
		lfirst(list_nth_cell(query->rtable, varno - 1)) = copyObject(table);
	}
	forget_join_columns(query, exprs);
	return query;
}
