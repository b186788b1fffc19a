/*
 * spread.c
 *		What a plan names of releases over tables of Citus.
 *
 * The query of such a release reads no table here (query/shards.c): its plan would not be locked out by DDL, nor
 * made anew after it, and nobody would ask for the client's privileges.  So the entries of the
 * tables that its pieces read are added to those of the plan, as the planner does with entries of sub-selects
 * that it has taken apart (add_rte_to_flat_rtable() in setrefs.c).
 */
#include "postgres.h"

#include "nodes/nodeFuncs.h"

#include "core/compat.h"
#include "planner/spread.h"

/* Adds the entry of a relation, or of a view, without what stands in it. */
static void
add_entry(PlannedStmt *plan, const Query *query, const RangeTblEntry *rte)
{
	RangeTblEntry *entry = copyObject(unconstify(RangeTblEntry *, rte));

	entry->subquery = NULL;
	entry->securityQuals = NIL;
	DP_COPY_PERMISSIONS(plan, entry, query);
	plan->rtable = lappend(plan->rtable, entry);
	if (entry->rtekind == RTE_RELATION)
		plan->relationOids = list_append_unique_oid(plan->relationOids, entry->relid);
}

static bool
entries_walker(Node *node, PlannedStmt *plan)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		Query	   *query = (Query *) node;
		ListCell   *lc;

		foreach(lc, query->rtable)
		{
			RangeTblEntry *rte = lfirst(lc);

			if (rte->rtekind == RTE_RELATION || (rte->rtekind == RTE_SUBQUERY && OidIsValid(rte->relid)))
				add_entry(plan, query, rte);
		}
		return query_tree_walker(query, entries_walker, plan, 0);
	}
	return expression_tree_walker(node, entries_walker, plan);
}

/* Adds what the queries of pieces read to a plan that was made of their releases. */
void
name_spread_relations(PlannedStmt *plan, List *pieces)
{
	(void) entries_walker((Node *) pieces, plan);
}
