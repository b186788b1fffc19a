/*
 * joins.c
 *		The order in which relations are joined below a release.
 *
 * Without statistics of protected relations (statistics.c) the planner takes a range of dates for one row in 200, and each further
 * condition for as selective again.  A join of five relations is believed to have one row, for which a nested loop is
 * as good as any, and the loop then compares millions of rows with millions: TPC-H's Q5 did not end.  A hash join
 * that is not needed costs next to nothing, so joins are searched for without nested loops first, and with them only
 * where there is no other way, as for conditions that are no equalities.
 */
#include "postgres.h"

#include "optimizer/cost.h"
#include "optimizer/geqo.h"
#include "utils/guc.h"

#include "core/compat.h"
#include "planner/joins.h"

/* What the planner does otherwise (make_rel_from_joinlist() in allpaths.c); search: the hook that was there before, or NULL. */
RelOptInfo *
search_as_ever(PlannerInfo *root, int levels, List *relations, join_search_hook_type search)
{
	if (search != NULL)
		return search(root, levels, relations);
	if (enable_geqo && levels >= geqo_threshold)
		return geqo(root, levels, relations);
	return standard_join_search(root, levels, relations);
}

/* The same without nested loops, as far as there is another way. */
static RelOptInfo *
search_without_loops(PlannerInfo *root, int levels, List *relations, join_search_hook_type search)
{
	int			nestlevel = NewGUCNestLevel();
	RelOptInfo *result;

	(void) set_config_option("enable_nestloop", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	result = search_as_ever(root, levels, relations, search);
	AtEOXact_GUC(true, nestlevel);
	return result;
}

/*
 * join_search_hook's part for a query below a release; search: the hook that was there before, or NULL.  What a first search has
 * left of joins is forgotten as geqo_eval() does it.
 */
RelOptInfo *
search_joins(PlannerInfo *root, int levels, List *relations, join_search_hook_type search)
{
	int			njoins = list_length(root->join_rel_list);
	struct HTAB *hash = root->join_rel_hash;
	RelOptInfo *result;

	if (!enable_nestloop)
		return search_as_ever(root, levels, relations, search);
	root->join_rel_hash = NULL;
	result = search_without_loops(root, levels, relations, search);
	if (!DP_PATH_IS_DISABLED(result->cheapest_total_path))
		return result;
	root->join_rel_list = list_truncate(root->join_rel_list, njoins);
	root->join_rel_hash = hash;
	return search_as_ever(root, levels, relations, search);
}
