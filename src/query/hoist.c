/*
 * hoist.c
 *		Sub-selects that are releases themselves, below several grouping sets.
 *
 * Each grouping set gets a copy of the level's FROM and WHERE (sets.c).  A sub-select in them
 * that is a release would be drawn and paid for as often.  So it becomes a CTE of the level
 * first, which all copies name.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteManip.h"

#include "query/ctes.h"
#include "query/hoist.h"
#include "query/levels.h"
#include "query/queries.h"
#include "query/questions.h"

typedef struct HoistContext
{
	RewriteContext *rewrite;
	Level	   *level;
} HoistContext;

/* Does a sub-select name columns or aggregates of a query around it? */
static bool
is_correlated(const HoistContext *context, Query *query)
{
	int			up = 1;

	for (Level *level = context->level; level != NULL; level = level->parent, up++)
	{
		if (contain_vars_of_level((Node *) query, up) || contain_aggs_of_level((Node *) query, up))
			return true;
	}
	return false;
}

/* Makes a CTE of the level of a sub-select that is a release; NULL if it is none. */
static CommonTableExpr *
hoist_query(HoistContext *context, Query *query)
{
	CommonTableExpr *cte;

	if (!mentions_private(context->rewrite, query) || is_correlated(context, query))
		return NULL;
	query = copyObject(query);
	if (probe_query(context->rewrite, query, context->level) != NULL)
		return NULL;
	cte = make_cte(unguessable_name("dp_agg below"), query);
	context->level->query->cteList = lappend(context->level->query->cteList, cte);
	return cte;
}

/* An item of FROM becomes the name of its CTE. */
static void
hoist_from_item(HoistContext *context, RangeTblEntry *rte)
{
	CommonTableExpr *cte = rte->rtekind == RTE_SUBQUERY ?
		hoist_query(context, rte->subquery) : NULL;
	RangeTblEntry *name;

	if (cte == NULL)
		return;
	name = make_cte_reference(cte, 0);
	name->alias = rte->alias;
	name->eref = rte->eref;
	name->lateral = false;
	*rte = *name;
}

/* SELECT columns FROM cte, which stands in the query that the result is a sub-select of. */
static Query *
select_from_cte(CommonTableExpr *cte)
{
	Query	   *query = select_from((Query *) cte->ctequery, "release");
	RangeTblEntry *rte = make_cte_reference(cte, 1);
	ListCell   *lc;

	foreach(lc, ((Query *) cte->ctequery)->targetList)
	{
		TargetEntry *tle = lfirst(lc);

		if (!tle->resjunk)
			append_target(query, (Node *) makeVarFromTargetEntry(1, tle), tle->resname, false);
	}
	rte->eref = linitial_node(RangeTblEntry, query->rtable)->eref;
	query->rtable = list_make1(rte);
	return query;
}

/* Does a scalar sub-select yield one row? */
static bool
is_one_row(const Query *query)
{
	return query->hasAggs && query->groupClause == NIL && query->groupingSets == NIL &&
		!query->hasTargetSRFs;
}

/* A sub-select of a condition becomes one of its CTE. */
static void
hoist_sublink(HoistContext *context, SubLink *sublink)
{
	Query	   *query = castNode(Query, sublink->subselect);
	bool		scalar = sublink->subLinkType == EXPR_SUBLINK;
	CommonTableExpr *cte;

	if (scalar ? !is_one_row(query) : sublink->subLinkType != EXISTS_SUBLINK &&
		sublink->subLinkType != ANY_SUBLINK)
		return;
	cte = hoist_query(context, query);
	if (cte == NULL)
		return;
	query = select_from_cte(cte);
	if (scalar)
		query->limitCount = (Node *) makeConst(INT8OID, -1, InvalidOid, sizeof(int64),
											   Int64GetDatum(1), false, FLOAT8PASSBYVAL);
	sublink->subselect = (Node *) query;
}

/* Does so for the sub-selects of the level's conditions; those in sub-selects stay. */
static bool
sublinks_walker(Node *node, HoistContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, SubLink))
	{
		hoist_sublink(context, (SubLink *) node);
		return sublinks_walker(((SubLink *) node)->testexpr, context);
	}
	return expression_tree_walker(node, sublinks_walker, context);
}

/*
 * Makes CTEs of the level of sub-selects in its FROM, WHERE and ON that are releases.  Raises
 * what processing them raises.
 */
void
hoist_releases(RewriteContext *context, Level *level)
{
	HoistContext hoist = {.rewrite = context,.level = level};
	ListCell   *lc;

	foreach(lc, level->query->rtable)
		hoist_from_item(&hoist, lfirst(lc));
	(void) sublinks_walker((Node *) level->query->jointree, &hoist);
}
