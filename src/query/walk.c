/*
 * walk.c
 *		Walks over the columns of a level and the names of CTEs; expressions seen from other levels.
 */
#include "postgres.h"

#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"

#include "query/walk.h"

typedef struct WalkContext
{
	VisitColumn visit_column;
	VisitName	visit_name;
	void	   *argument;
	int			flags;			/* QTW_..., for queries below */
	Index		levelsup;		/* how many queries the walk is below its start */
} WalkContext;

/* Visits columns of the level that is levelsup queries above. */
static bool
columns_walker(Node *node, WalkContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		if (((Var *) node)->varlevelsup == context->levelsup)
			context->visit_column((Var *) node, context->argument);
		return false;
	}
	if (IsA(node, Query))
	{
		context->levelsup++;
		(void) query_tree_walker((Query *) node, columns_walker, context, context->flags);
		context->levelsup--;
		return false;
	}
	return expression_tree_walker(node, columns_walker, context);
}

/*
 * Calls visit(column, argument) for each column of the level in an expression of the level or in
 * the level's query, those in sub-selects included; visit may change the column in place.
 * flags: QTW_..., as for query_tree_walker().
 */
void
walk_columns(Node *node, int flags, VisitColumn visit, void *argument)
{
	WalkContext context = {.visit_column = visit,.argument = argument,.flags = flags};

	(void) query_or_expression_tree_walker(node, columns_walker, &context, flags);
}

/* The columns of one item of FROM that a query names. */
typedef struct UsedColumns
{
	Query	   *query;
	int			varno;
	Bitmapset  *columns;
	bool		all;			/* they cannot be told */
} UsedColumns;

/*
 * Notes a column.  The name of a whole row stands for any; that of a column of a join for those
 * that it is made of.
 */
static void
note_used(Var *var, void *argument)
{
	UsedColumns *used = argument;
	RangeTblEntry *rte = rt_fetch(var->varno, used->query->rtable);

	if (rte->rtekind == RTE_JOIN && var->varattno > 0)
		walk_columns(list_nth(rte->joinaliasvars, var->varattno - 1), QTW_IGNORE_JOINALIASES,
					 note_used, used);
	else if (rte->rtekind == RTE_JOIN || (var->varno == used->varno && var->varattno <= 0))
		used->all = true;
	else if (var->varno == used->varno)
		used->columns = bms_add_member(used->columns, var->varattno);
}

/*
 * Which columns of an item of the query's FROM the query names, in *columns.  False if that cannot be
 * told: it names the whole row or a system column.
 */
bool
used_columns(Query *query, int rtindex, Bitmapset **columns)
{
	UsedColumns used = {.query = query,.varno = rtindex};

	walk_columns((Node *) query, QTW_IGNORE_JOINALIASES, note_used, &used);
	*columns = used.columns;
	return !used.all;
}

/* Looks for columns of queries that are around the start of the walk. */
static bool
outer_walker(Node *node, Index *levelsup)
{
	bool		result;

	if (node == NULL)
		return false;
	if (IsA(node, Var))
		return ((Var *) node)->varlevelsup > *levelsup;
	if (!IsA(node, Query))
		return expression_tree_walker(node, outer_walker, levelsup);
	++*levelsup;
	result = query_tree_walker((Query *) node, outer_walker, levelsup, 0);
	--*levelsup;
	return result;
}

/* Does an expression of a level name columns of queries around that level? */
bool
names_outer_columns(Node *node)
{
	Index		levelsup = 0;

	return outer_walker(node, &levelsup);
}

/* Does a query name columns of queries around it? */
bool
query_names_outer_columns(Query *query)
{
	Index		levelsup = 0;

	return query_tree_walker(query, outer_walker, &levelsup, 0);
}

/* Visits items of FROM that name CTEs. */
static bool
names_walker(Node *node, WalkContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		context->levelsup++;
		(void) query_tree_walker((Query *) node, names_walker, context, QTW_EXAMINE_RTES_AFTER);
		context->levelsup--;
		return false;
	}
	if (IsA(node, RangeTblEntry))
	{
		if (((RangeTblEntry *) node)->rtekind == RTE_CTE)
			context->visit_name((RangeTblEntry *) node, context->levelsup, context->argument);
		return false;
	}
	return expression_tree_walker(node, names_walker, context);
}

/*
 * Calls visit(entry, depth, argument) for each FROM item of the query that names a CTE, those in
 * sub-selects included.  depth: how many queries below the query it stands, so that one of
 * ctelevelsup = depth names a CTE of the query itself.  visit may replace the item in place;
 * what it puts there is not walked.
 */
void
walk_cte_names(Query *query, VisitName visit, void *argument)
{
	WalkContext context = {.visit_name = visit,.argument = argument};

	(void) query_tree_walker(query, names_walker, &context, QTW_EXAMINE_RTES_AFTER);
}

/* An expression of a query, as it stands levelsup queries below: itself for 0, else a copy. */
Node *
seen_from_below(Node *expr, Index levelsup)
{
	if (levelsup > 0)
	{
		expr = copyObject(expr);
		IncrementVarSublevelsUp(expr, levelsup, 0);
	}
	return expr;
}

/* The reverse: a copy of an expression about a query alone that stands levelsup queries below it. */
Node *
seen_from_above(Node *expr, Index levelsup)
{
	expr = copyObject(expr);
	if (levelsup > 0)
		IncrementVarSublevelsUp(expr, -(int) levelsup, levelsup);
	return expr;
}
