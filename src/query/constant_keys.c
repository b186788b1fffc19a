/*
 * constant_keys.c
 *		Keys of GROUP BY that are the same in every row.
 *
 * Tools mark their queries with such keys, as Metabase the levels of a pivot table
 * (GROUP BY clinic, ABS(1)).  They divide nothing, so without them the query asks what it would
 * ask without the mark: it has the same keys, limits and answer, which may be handed out again.
 */
#include "postgres.h"

#include "access/transam.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"

#include "query/constant_keys.h"

/* PostgreSQL's own functions only: what others do is judged where they stand. */
static bool
is_foreign_function(Oid function, void *context)
{
	return function >= FirstNormalObjectId;
}

/*
 * Is it, or does it hold, what could be another value in another row, or fail when it is computed, as
 * it would be after the release has been paid for?  The planner computes all else.
 */
static bool
varies_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var) || IsA(node, Param) || IsA(node, SubLink) || IsA(node, Aggref) ||
		IsA(node, GroupingFunc) || IsA(node, WindowFunc))
		return true;
	if (check_functions_in_node(node, is_foreign_function, NULL))
		return true;
	return expression_tree_walker(node, varies_walker, context);
}

static bool
is_constant_key(Query *query, SortGroupClause *clause)
{
	Node	   *key = get_sortgroupclause_expr(clause, query->targetList);

	if (IsA(key, Param))
		return ((Param *) key)->paramkind == PARAM_EXTERN;
	return !varies_walker(key, NULL) && !contain_mutable_functions(key) && !expression_returns_set(key);
}

/*
 * Takes keys that are constant out of GROUP BY, in place, and leaves them in the target list.  One key
 * stays at least: without any the query would have a row for nobody, too.  Grouping sets number
 * their keys, and keep them.
 */
void
drop_constant_keys(Query *query)
{
	List	   *kept = NIL;
	ListCell   *lc;

	if (query->groupingSets != NIL)
		return;
	foreach(lc, query->groupClause)
	{
		if (!is_constant_key(query, lfirst(lc)))
			kept = lappend(kept, lfirst(lc));
	}
	if (kept != NIL)
		query->groupClause = kept;
}
