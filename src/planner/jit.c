/*
 * jit.c
 *		Whether just-in-time compilation pays for the plan of a release.
 *
 * The planner decides by the cost of the whole plan.  In that a release costs a constant,
 * because its real estimate would tell about rows: a client could find out where it crosses
 * jit_above_cost, which is its own to set.  Here the decision rests on the sizes of
 * protected tables alone, which releases read as a whole, and which pg_class and
 * pg_relation_size() show to everybody.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_class.h"
#include "jit/jit.h"
#include "optimizer/optimizer.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"

#include "planner/jit.h"
#include "policy/cache.h"

/* What reading all of a table costs, in the planner's units. */
static double
cost_of_reading(Oid relid)
{
	Relation	relation = table_open(relid, AccessShareLock);
	double		cost = RelationGetNumberOfBlocks(relation) * seq_page_cost +
		Max(relation->rd_rel->reltuples, 0) * cpu_tuple_cost;

	table_close(relation, NoLock);
	return cost;
}

/* What reading all protected tables of a plan costs, in the planner's units. */
static double
cost_of_protected(const PlannedStmt *plan)
{
	double		cost = 0;
	ListCell   *lc;

	foreach(lc, plan->rtable)
	{
		const RangeTblEntry *rte = lfirst(lc);

		/* a parent stands in the list once more, as its own child */
		if (rte->rtekind == RTE_RELATION && !rte->inh &&
			(rte->relkind == RELKIND_RELATION || rte->relkind == RELKIND_MATVIEW) &&
			policy_lookup(rte->relid) != NULL)
			cost += cost_of_reading(rte->relid);
	}
	return cost;
}

/* Sets the JIT flags of a plan with releases, as standard_planner() does by the plan's cost. */
void
decide_jit(PlannedStmt *plan)
{
	double		cost;

	if (!jit_enabled || jit_above_cost < 0)
		return;
	cost = cost_of_protected(plan);
	if (cost <= jit_above_cost)
		return;
	plan->jitFlags |= PGJIT_PERFORM;
	if (jit_optimize_above_cost >= 0 && cost > jit_optimize_above_cost)
		plan->jitFlags |= PGJIT_OPT3;
	if (jit_inline_above_cost >= 0 && cost > jit_inline_above_cost)
		plan->jitFlags |= PGJIT_INLINE;
	if (jit_expressions)
		plan->jitFlags |= PGJIT_EXPR;
	if (jit_tuple_deforming)
		plan->jitFlags |= PGJIT_DEFORM;
}
