/*
 * questions.c
 *		Questions about queries: do they name private relations, or dp_ aggregates?
 */
#include "postgres.h"

#include "nodes/nodeFuncs.h"
#include "utils/acl.h"
#include "utils/fmgroids.h"

#include "policy/cache.h"
#include "policy/extension.h"
#include "query/ctes.h"
#include "query/level.h"
#include "query/equalities.h"
#include "query/questions.h"

/*
 * Are the relation's rows only to be seen through releases, here?  In a level
 * that uses dp_ aggregates every protected relation is private; elsewhere one
 * that the role may read by itself is not.
 */
bool
is_private_relation(RewriteContext *context, const RangeTblEntry *rte)
{
	if (rte->rtekind != RTE_RELATION || policy_lookup(rte->relid) == NULL)
		return false;
	return context->strict > 0 ||
		pg_class_aclcheck(rte->relid, context->user, ACL_SELECT) != ACLCHECK_OK;
}

/* Is there a private relation that is not below a release? */
static bool
mentions_private_walker(Node *node, RewriteContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
		return is_private_relation(context, (RangeTblEntry *) node);
	if (IsA(node, Query))
		return !query_is_release((Query *) node) &&
			query_tree_walker((Query *) node, mentions_private_walker, context,
							  QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, mentions_private_walker, context);
}

/* Does the query name a private relation anywhere? */
bool
mentions_private(RewriteContext *context, Query *query)
{
	return mentions_private_walker((Node *) query, context);
}

/* Is this one of the aggregates an analyst writes? */
bool
is_dp_aggregate(Aggref *aggref)
{
	DpFunction	function = extension_function(aggref->aggfnoid);

	return function >= DP_FUNC_FIRST_AGGREGATE && function <= DP_FUNC_LAST_AGGREGATE;
}

/* Does the aggregate count its argument, or its different values, and look at nothing else? */
bool
aggregate_counts(Aggref *aggref)
{
	DpFunction	function = extension_function(aggref->aggfnoid);

	return function == DP_FUNC_COUNT || function == DP_FUNC_COUNT_DISTINCT ||
		aggref->aggfnoid == F_COUNT_ANY;
}

/* What dp_low(), dp_high() or dp_clipped() stands around; NULL if the node is none of these. */
Node *
annotated_expression(Node *node)
{
	DpFunction	function = IsA(node, FuncExpr) ?
		extension_function(((FuncExpr *) node)->funcid) : DP_FUNC_NONE;

	if (function != DP_FUNC_LOW && function != DP_FUNC_HIGH && function != DP_FUNC_CLIPPED)
		return NULL;
	return strip_relabel(linitial(((FuncExpr *) node)->args));
}

/* Is there a dp_ aggregate of the level that is levelsup queries above? */
static bool
uses_dp_walker(Node *node, int *levelsup)
{
	if (node == NULL)
		return false;
	if (IsA(node, Aggref) && (int) ((Aggref *) node)->agglevelsup == *levelsup &&
		is_dp_aggregate((Aggref *) node))
		return true;
	if (IsA(node, Query))
	{
		bool		result;

		(*levelsup)++;
		result = query_tree_walker((Query *) node, uses_dp_walker, levelsup, 0);
		(*levelsup)--;
		return result;
	}
	return expression_tree_walker(node, uses_dp_walker, levelsup);
}

/* Does this level itself use a dp_ aggregate? */
bool
level_uses_dp(Query *query)
{
	int			levelsup = 0;

	return query->hasAggs &&
		(uses_dp_walker((Node *) query->targetList, &levelsup) ||
		 uses_dp_walker(query->havingQual, &levelsup));
}

/* Is there any dp_ aggregate? */
static bool
uses_dp_anywhere_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Aggref) && is_dp_aggregate((Aggref *) node))
		return true;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, uses_dp_anywhere_walker, context, 0);
	return expression_tree_walker(node, uses_dp_anywhere_walker, context);
}

/* Does the statement use a dp_ aggregate at any level? */
bool
statement_uses_dp(Query *query)
{
	return uses_dp_anywhere_walker((Node *) query, NULL);
}
