/*
 * nulling.c
 *		What newer versions of PostgreSQL mark in a query, and the rewriter does not.
 *
 * From PostgreSQL 16 on, each Var names the outer joins below its place that may make it NULL
 * (varnullingrels), and the planner relies on that.  The rewriter moves, copies and compares
 * columns by what they are, so all marks are taken off the queries that it works on, and all
 * are made anew when it is done: they follow from the join trees alone.  From 18 on, keys of GROUP BY
 * stand in a range table entry of their own (RTE_GROUP), and are put back to where they were
 * written.  See parse_relation.c (markNullableIfNeeded) and parse_agg.c of those versions.
 */
#include "postgres.h"

#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/prep.h"
#include "parser/parsetree.h"

#include "query/nulling.h"

/* ----------
 * Keys of GROUP BY
 * ----------
 */

#if PG_VERSION_NUM >= 180000

typedef struct PlaceContext
{
	Query	   *query;			/* whose keys they are */
	int			depth;			/* how many queries the walk is below it */
} PlaceContext;

/*
 * Columns that stand for keys have no place in the text of the query, and give that to columns that
 * are put where they were.  A refusal is to name one: that where the key was written first.
 */
static bool
place_walker(Node *node, PlaceContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		context->depth++;
		(void) query_tree_walker((Query *) node, place_walker, context, 0);
		context->depth--;
		return false;
	}
	if (IsA(node, Var) && (int) ((Var *) node)->varlevelsup == context->depth)
	{
		Var		   *var = (Var *) node;
		RangeTblEntry *rte = rt_fetch(var->varno, context->query->rtable);

		if (rte->rtekind == RTE_GROUP && var->location < 0)
			var->location = exprLocation(list_nth(rte->groupexprs, var->varattno - 1));
	}
	return expression_tree_walker(node, place_walker, context);
}

/* The same for all columns of a query that stand for its keys. */
static void
place_keys(Query *query)
{
	PlaceContext context = {.query = query};

	if (!query->hasGroupRTE)
		return;
	(void) place_walker((Node *) query->targetList, &context);
	(void) place_walker(query->havingQual, &context);
}

/* Puts the keys of GROUP BY back to where they are used, in place. */
void
ungroup_query(Query *query)
{
	ListCell   *lc;

	if (!query->hasGroupRTE)
		return;
	query->targetList = (List *) flatten_group_exprs(NULL, query, (Node *) query->targetList);
	query->havingQual = flatten_group_exprs(NULL, query, query->havingQual);
	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst(lc);

		if (rte->rtekind == RTE_GROUP)
		{
			rte->rtekind = RTE_RESULT;
			rte->groupexprs = NIL;
		}
	}
	query->hasGroupRTE = false;
}

/* The same of all levels but those of several grouping sets, which the planner needs as they are. */
static bool
ungroup_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		(void) query_tree_walker((Query *) node, ungroup_walker, context, 0);
		place_keys((Query *) node);
		if (((Query *) node)->groupingSets == NIL)
			ungroup_query((Query *) node);
		return false;
	}
	return expression_tree_walker(node, ungroup_walker, context);
}

#else							/* up to PostgreSQL 17 they are where they are used */

void
ungroup_query(Query *query)
{
}

#endif

#if PG_VERSION_NUM >= 160000

/* An outer join, and the range table entries that it may make NULL. */
typedef struct OuterJoin
{
	int			rtindex;
	Relids		nulled;
} OuterJoin;

/* ----------
 * Taking marks off
 * ----------
 */

/* Takes the marks off columns of levels at most *depth up: others belong to a query around. */
static bool
unmark_walker(Node *node, int *depth)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		(*depth)++;
		(void) query_tree_walker((Query *) node, unmark_walker, depth, 0);
		(*depth)--;
		return false;
	}
	if (IsA(node, Var) && (int) ((Var *) node)->varlevelsup <= *depth)
		((Var *) node)->varnullingrels = NULL;
	return expression_tree_walker(node, unmark_walker, depth);
}

/* Takes all marks off a query that is to be rewritten, in place. */
void
unmark_query(Query *query)
{
	int			depth = -1;

#if PG_VERSION_NUM >= 180000
	(void) ungroup_walker((Node *) query, NULL);
#endif
	(void) unmark_walker((Node *) query, &depth);
}

/* ----------
 * Making them anew
 * ----------
 */

typedef struct MarkContext
{
	List	   *joins;			/* OuterJoin: those below the place of the expression */
	int			depth;			/* how many queries the walk is below the one of the joins */
} MarkContext;

/* Marks the columns that the joins may make NULL, in place. */
static bool
mark_walker(Node *node, MarkContext *context)
{
	ListCell   *lc;

	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		context->depth++;
		(void) query_tree_walker((Query *) node, mark_walker, context, 0);
		context->depth--;
		return false;
	}
	if (IsA(node, Var) && (int) ((Var *) node)->varlevelsup == context->depth)
	{
		Var		   *var = (Var *) node;

		foreach(lc, context->joins)
		{
			OuterJoin  *join = lfirst(lc);

			if (bms_is_member(var->varno, join->nulled))
				var->varnullingrels = bms_add_member(var->varnullingrels, join->rtindex);
		}
	}
	return expression_tree_walker(node, mark_walker, context);
}

/* Marks an expression of the query above the joins. */
static void
mark_expression(Node *node, List *joins)
{
	MarkContext context = {.joins = joins};

	if (joins != NIL)
		(void) mark_walker(node, &context);
}

/* The join as it makes other columns NULL; NULL if it is an inner join. */
static OuterJoin *
outer_join(JoinExpr *join)
{
	OuterJoin  *result = palloc0(sizeof(OuterJoin));

	result->rtindex = join->rtindex;
	if (join->jointype == JOIN_LEFT || join->jointype == JOIN_FULL)
		result->nulled = get_relids_in_jointree(join->rarg, true, true);
	if (join->jointype == JOIN_RIGHT || join->jointype == JOIN_FULL)
		result->nulled = bms_union(result->nulled, get_relids_in_jointree(join->larg, true, true));
	return result->nulled != NULL ? result : NULL;
}

/*
 * Marks the conditions and lateral items of a join tree, whose items see those before it (joins
 * in "before"), and what the columns of its joins stand for: a join has made that NULL already.
 * Returns its outer joins.
 */
static List *
mark_jointree(Query *query, Node *node, List *before)
{
	List	   *joins = NIL;
	ListCell   *lc;

	if (node == NULL)
		return NIL;
	if (IsA(node, RangeTblRef))
	{
		RangeTblEntry *rte = rt_fetch(((RangeTblRef *) node)->rtindex, query->rtable);

		if (rte->lateral)
		{
			mark_expression((Node *) rte->subquery, before);
			mark_expression((Node *) rte->functions, before);
			mark_expression((Node *) rte->values_lists, before);
			mark_expression((Node *) rte->tablefunc, before);
			mark_expression((Node *) rte->tablesample, before);
		}
		return NIL;
	}
	if (IsA(node, FromExpr))
	{
		FromExpr   *from = (FromExpr *) node;

		foreach(lc, from->fromlist)
			joins = list_concat(joins, mark_jointree(query, lfirst(lc),
													 list_concat_copy(before, joins)));
		mark_expression(from->quals, joins);
	}
	else
	{
		JoinExpr   *join = castNode(JoinExpr, node);
		OuterJoin  *outer = outer_join(join);

		joins = mark_jointree(query, join->larg, before);
		joins = list_concat(joins, mark_jointree(query, join->rarg,
												 list_concat_copy(before, joins)));
		mark_expression(join->quals, joins);
		if (outer != NULL)
			joins = lappend(joins, outer);
		mark_expression((Node *) rt_fetch(join->rtindex, query->rtable)->joinaliasvars, joins);
	}
	return joins;
}

/*
 * Marks the keys of GROUP BY that stand in an entry of their own.  Several grouping sets make columns
 * of that entry NULL, as if it were a join, and the planner must not look for conditions on them
 * below the grouping.  The parser leaves out columns that are in each of the sets; to mark
 * them, too, costs such conditions a better place, and no more.  Returns the joins, and this one.
 */
static List *
mark_keys(Query *query, List *joins)
{
#if PG_VERSION_NUM >= 180000
	for (int rtindex = 1; rtindex <= list_length(query->rtable); rtindex++)
	{
		RangeTblEntry *rte = rt_fetch(rtindex, query->rtable);
		OuterJoin  *grouping;

		if (rte->rtekind != RTE_GROUP)
			continue;
		mark_expression((Node *) rte->groupexprs, joins);
		if (query->groupingSets == NIL)
			continue;
		grouping = palloc0(sizeof(OuterJoin));
		grouping->rtindex = rtindex;
		grouping->nulled = bms_make_singleton(rtindex);
		joins = lappend(joins, grouping);
	}
#endif
	return joins;
}

/* Marks the columns of each query's own level. */
static bool
mark_levels_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		Query	   *query = (Query *) node;
		List	   *joins = mark_jointree(query, (Node *) query->jointree, NIL);

		joins = mark_keys(query, joins);
		mark_expression((Node *) query->targetList, joins);
		mark_expression((Node *) query->returningList, joins);
		mark_expression((Node *) query->mergeActionList, joins);
		mark_expression(query->havingQual, joins);
#if PG_VERSION_NUM >= 170000
		mark_expression(query->mergeJoinCondition, joins);	/* no longer in the join tree */
#endif
		return query_tree_walker(query, mark_levels_walker, context, 0);
	}
	return expression_tree_walker(node, mark_levels_walker, context);
}

/* Makes all marks of a query that was rewritten, in place. */
void
mark_query(Query *query)
{
	/* a node that stands in two places would be marked for both */
	memcpy(query, copyObject(query), sizeof(Query));
	(void) mark_levels_walker((Node *) query, NULL);
}

#else							/* PostgreSQL 15 marks nothing */

void
unmark_query(Query *query)
{
}

void
mark_query(Query *query)
{
}

#endif
