/*
 * unused.c
 *		Direct identifiers that a query brings along, and nobody asks for.
 *
 * SELECT * of a view, a sub-select or a CTE hands out all of its columns, also those that may stand
 * nowhere in a release.  Where no query that reads them names one, NULL is put in its place before
 * anything is judged.  That changes no result.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"

#include "policy/cache.h"
#include "query/identifiers.h"
#include "query/unused.h"
#include "query/walk.h"

/* An expression of a query, and whether it names a direct identifier. */
typedef struct NamedIdentifier
{
	Query	   *query;
	bool		found;
} NamedIdentifier;

/* Notes a column that is a direct identifier, or one of a CTE, which may be one. */
static void
note_identifier(Var *var, void *argument)
{
	NamedIdentifier *named = argument;
	ColumnOrigin origin;

	if (var->varattno > 0 && follow_column(named->query, var, &origin, true))
		named->found = true;
}

/* Does an expression of the query name a direct identifier, or may it? */
static bool
names_identifier(Query *query, Node *expr)
{
	NamedIdentifier named = {.query = query};

	walk_columns(expr, 0, note_identifier, &named);
	return named.found;
}

/* Is the result column the unit by itself? */
static bool
is_unit_column(Query *query, Node *expr)
{
	Var		   *var = (Var *) strip_canonical(expr);
	const ProtectedRelation *rel;
	ColumnOrigin origin;

	if (!IsA(var, Var) || var->varlevelsup > 0 || var->varattno <= 0 ||
		!find_identifier(query, var, &origin))
		return false;
	rel = policy_lookup(origin.relid);
	return rel != NULL && (policy_is_unit(rel, origin.attno) || policy_is_link(rel, origin.attno));
}

/* Adds the leaves of a tree of UNION ALL to a list, as numbers; false if there is another operation. */
static bool
union_all_leaves(Node *node, List **leaves)
{
	SetOperationStmt *op = (SetOperationStmt *) node;

	check_stack_depth();
	if (IsA(node, RangeTblRef))
	{
		*leaves = lappend_int(*leaves, ((RangeTblRef *) node)->rtindex);
		return true;
	}
	return op->op == SETOP_UNION && op->all && union_all_leaves(op->larg, leaves) &&
		union_all_leaves(op->rarg, leaves);
}

/* The same as drop_identifiers() for the branches of a UNION ALL, which may be sorted by columns. */
static void
drop_from_branches(Query *query, const Bitmapset *used)
{
	List	   *leaves = NIL;
	Bitmapset  *asked = bms_copy(used);
	ListCell   *lc;

	if (!union_all_leaves(query->setOperations, &leaves))
		return;					/* other operations compare whole rows */
	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst(lc);

		if (tle->resjunk || tle->ressortgroupref > 0)
			asked = bms_add_member(asked, tle->resno);
	}
	foreach(lc, leaves)
		drop_identifiers(rt_fetch(lfirst_int(lc), query->rtable)->subquery, asked);
}

/*
 * Puts NULL in the place of result columns of a sub-select that name direct identifiers and that
 * nobody asks for, as SELECT * brings them along.  used: numbers of the columns that are asked
 * for; NULL for none.  What is sorted or grouped by stays, and so does the unit.
 */
void
drop_identifiers(Query *query, const Bitmapset *used)
{
	ListCell   *lc;

	if (query->setOperations != NULL)
	{
		drop_from_branches(query, used);
		return;
	}
	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst(lc);
		Node	   *expr = (Node *) tle->expr;

		if (!tle->resjunk && tle->ressortgroupref == 0 && !bms_is_member(tle->resno, used) &&
			names_identifier(query, expr) && !is_unit_column(query, expr) &&
			!expression_returns_set(expr) && !contain_volatile_functions(expr))
			tle->expr = (Expr *) makeNullConst(exprType(expr), exprTypmod(expr),
											   exprCollation(expr));
	}
}

/* The references to a CTE of the query depth levels above. */
typedef struct CteContext
{
	CommonTableExpr *cte;
	Index		depth;
	Bitmapset  *columns;
	bool		all;			/* they cannot be told */
} CteContext;

/* Collects the columns of a CTE that queries name. */
static bool
cte_walker(Node *node, CteContext *context)
{
	Query	   *query = (Query *) node;

	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, cte_walker, context);
	for (int i = 1; i <= list_length(query->rtable); i++)
	{
		RangeTblEntry *rte = rt_fetch(i, query->rtable);
		Bitmapset  *used;

		if (rte->rtekind != RTE_CTE || rte->ctelevelsup != context->depth ||
			strcmp(rte->ctename, context->cte->ctename) != 0)
			continue;
		if (!used_columns(query, i, &used))
			context->all = true;
		context->columns = bms_add_members(context->columns, used);
	}
	context->depth++;
	(void) query_tree_walker(query, cte_walker, context, 0);
	context->depth--;
	return false;
}

/* The same for the CTEs of a query, the last one first: it may name those before it. */
static void
drop_cte_identifiers(Query *query, bool deep)
{
	for (int i = list_length(query->cteList) - 1; i >= 0; i--)
	{
		CteContext	context = {.cte = list_nth(query->cteList, i)};
		Query	   *named = castNode(Query, context.cte->ctequery);

		if (context.cte->cterecursive || named->commandType != CMD_SELECT)
			continue;
		(void) cte_walker((Node *) query, &context);
		if (!context.all)
			drop_identifiers(named, context.columns);
		if (deep)
			drop_unused_identifiers(named, true);
	}
}

/* EXISTS asks for no column. */
static bool
exists_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	check_stack_depth();
	if (IsA(node, SubLink) && ((SubLink *) node)->subLinkType == EXISTS_SUBLINK)
		drop_identifiers(castNode(Query, ((SubLink *) node)->subselect), NULL);
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, exists_walker, context, 0);
	return expression_tree_walker(node, exists_walker, context);
}

/*
 * The same for the sub-selects in a query's FROM and for its CTEs.  deep: and for those in them,
 * from the outside in, so that what only an unused column asks for counts as unused.
 */
void
drop_unused_identifiers(Query *query, bool deep)
{
	check_stack_depth();
	(void) exists_walker((Node *) query, NULL);
	for (int i = 1; i <= list_length(query->rtable); i++)
	{
		RangeTblEntry *rte = rt_fetch(i, query->rtable);
		Bitmapset  *used;

		if (rte->rtekind != RTE_SUBQUERY)
			continue;
		if (used_columns(query, i, &used) && query->setOperations == NULL)
			drop_identifiers(rte->subquery, used);	/* else all are asked for */
		if (deep)
			drop_unused_identifiers(rte->subquery, true);
	}
	drop_cte_identifiers(query, deep);
}
