/*
 * steady.c
 *		The finished plan of a release does the same whatever the rows are.
 *
 * The planner decides without statistics of protected relations (statistics.c).  It leaves
 * to the executor what can be decided better with rows at hand, and some of that shows:
 *
 * - which partitions are read for a value that other rows gave (pruning at run time): the
 *   pages that are read move counters of the whole server, and take time.  This is taken
 *   out of the plan; pruning by the query's constants and parameters stays;
 * - how often workers are started, and whether at all: each is a process, which other
 *   sessions see, and which takes the next process id.  A Gather that is started once,
 *   whatever the rows are, keeps its workers; any other loses them and does its work alone;
 * - which values are frequent, by statistics that a hash join looks up when it begins: it is
 *   kept from looking.
 */
#include "postgres.h"

#include "nodes/nodeFuncs.h"
#include "nodes/plannodes.h"
#include "parser/parsetree.h"

#include "core/compat.h"
#include "nodes/depends.h"
#include "nodes/identity.h"
#include "planner/steady.h"
#include "policy/cache.h"

/* The plans below a plan, sub-plans of its expressions left out. */
static List *
plans_below(const Plan *plan)
{
	List	   *result = NIL;

	if (outerPlan(plan) != NULL)
		result = lappend(result, outerPlan(plan));
	if (innerPlan(plan) != NULL)
		result = lappend(result, innerPlan(plan));
	switch (nodeTag(plan))
	{
		case T_Append:
			return list_concat(result, ((const Append *) plan)->appendplans);
		case T_MergeAppend:
			return list_concat(result, ((const MergeAppend *) plan)->mergeplans);
		case T_SubqueryScan:
			return lappend(result, ((const SubqueryScan *) plan)->subplan);
		case T_CustomScan:
			return list_concat(result, ((const CustomScan *) plan)->custom_plans);
		default:
			return result;
	}
}

/* The relation that the plan's topmost node scans, or InvalidOid. */
static Oid
scanned_relation(const Plan *plan, const PlannedStmt *statement)
{
	const RangeTblEntry *rte;

	switch (nodeTag(plan))
	{
		case T_SeqScan:
		case T_SampleScan:
		case T_IndexScan:
		case T_IndexOnlyScan:
		case T_BitmapHeapScan:
		case T_TidScan:
		case T_TidRangeScan:
		case T_ForeignScan:
		case T_CustomScan:
			break;
		default:
			return InvalidOid;
	}
	if (((const Scan *) plan)->scanrelid == 0)
		return InvalidOid;
	rte = rt_fetch(((const Scan *) plan)->scanrelid, statement->rtable);
	return rte->rtekind == RTE_RELATION ? rte->relid : InvalidOid;
}

/*
 * Does the plan belong below a release?  It reads protected relations otherwise than by one, or
 * public ones as they are read there.
 */
static bool
belongs_below(const Plan *plan, const PlannedStmt *statement)
{
	Oid			relid;
	ListCell   *lc;

	if (is_plan_of(plan, node_release))
		return false;
	if (is_plan_of(plan, node_public))
		return true;
	relid = scanned_relation(plan, statement);
	if (OidIsValid(relid) && policy_lookup(relid) != NULL)
		return true;
	foreach(lc, plans_below(plan))
	{
		if (belongs_below(lfirst(lc), statement))
			return true;
	}
	return false;
}

/*
 * Are the plan's rows, and so their number, public?  Those of public relations and CTEs below a
 * release are (nodes/release/ahead.c), and those of lists of values.  Any other plan is taken not to be.
 */
static bool
is_public(const Plan *plan)
{
	ListCell   *lc;

	if (is_plan_of(plan, node_public))
		return !depends_on_others((Node *) plan->qual, DP_ANY_RELATION);
	switch (nodeTag(plan))
	{
		case T_CteScan:
		case T_ValuesScan:
		case T_Hash:
		case T_Material:
		case T_Sort:
			break;
		default:
			return false;
	}
	if (depends_on_others((Node *) plan->qual, DP_ANY_RELATION))
		return false;
	if (IsA(plan, ValuesScan) &&
		depends_on_others((Node *) ((const ValuesScan *) plan)->values_lists, DP_ANY_RELATION))
		return false;
	foreach(lc, plans_below(plan))
	{
		if (!is_public(lfirst(lc)))
			return false;
	}
	return true;
}

/*
 * Is the child started as often as its parent, whatever the rows are?
 *
 * A join may begin with either side, and does not start the other one if the first has no
 * rows.  A merge join is over before one of its sides has come to its end; so a side counts
 * only if it reads all that is below it when it begins, as a sort does.
 */
static bool
starts_child(const Plan *plan, const Plan *child)
{
	const Plan *other = child == outerPlan(plan) ? innerPlan(plan) : outerPlan(plan);

	switch (nodeTag(plan))
	{
		case T_NestLoop:
			return child == outerPlan(plan) || is_public(other);
		case T_MergeJoin:
			return (IsA(child, Sort) || IsA(child, GatherMerge)) &&
				(child == outerPlan(plan) || is_public(other));
		case T_HashJoin:
			return is_public(other);
		case T_Result:
			return ((const Result *) plan)->resconstantqual == NULL;
		case T_Limit:
			return false;
		default:
			return true;
	}
}

/* Takes off a pruning of partitions what depends on rows.  False if nothing is left. */
static bool
drop_late_pruning(PartitionPruneInfo *info)
{
	bool		kept = false;
	ListCell   *lh;
	ListCell   *lc;

	if (info == NULL)
		return false;
	foreach(lh, info->prune_infos)
	{
		foreach(lc, lfirst_node(List, lh))
		{
			PartitionedRelPruneInfo *pruned = lfirst_node(PartitionedRelPruneInfo, lc);

			pruned->exec_pruning_steps = NIL;
			pruned->execparamids = NULL;
			kept |= pruned->initial_pruning_steps != NIL;
		}
	}
	return kept;
}

/* Settles one node below a release.  once: it is started once, whatever the rows are. */
static void
steady_node(PlannedStmt *statement, Plan *plan, bool once)
{
	switch (nodeTag(plan))
	{
		case T_Append:
			if (!drop_late_pruning(DP_PRUNING(statement, (Append *) plan)))
				DP_DROP_PRUNING((Append *) plan);
			break;
		case T_MergeAppend:
			if (!drop_late_pruning(DP_PRUNING(statement, (MergeAppend *) plan)))
				DP_DROP_PRUNING((MergeAppend *) plan);
			break;
		case T_Hash:
			((Hash *) plan)->skewTable = InvalidOid;
			break;
		case T_Gather:
			if (!once)
				((Gather *) plan)->num_workers = 0;
			break;
		case T_GatherMerge:
			if (!once)
				((GatherMerge *) plan)->num_workers = 0;
			break;
		case T_CustomScan:

			/*
			 * workers find the rows that were read ahead, wherever the node stands
			 * (execParallel.c)
			 */
			if (is_plan_of(plan, node_public))
				plan->parallel_aware = true;
			break;
		default:
			break;
	}
}

/* Settles a tree of plans.  below: it stands below a release; once: as for steady_node(). */
static void
steady_tree(PlannedStmt *statement, Plan *plan, bool below, bool once)
{
	bool		release = is_plan_of(plan, node_release);
	ListCell   *lc;

	if (below)
		steady_node(statement, plan, once);
	foreach(lc, plans_below(plan))
	{
		Plan	   *child = lfirst(lc);

		steady_tree(statement, child, below || release,
					release || (once && starts_child(plan, child)));
	}
}

/*
 * Settles a finished plan with releases.  Sub-plans stand in a list of their own; of one that belongs
 * below a release nobody knows here how often it is started, if at all.  CTEs without relations keep
 * their workers, as they are read before the first row.
 */
void
steady_plan(PlannedStmt *statement)
{
	ListCell   *lc;

	steady_tree(statement, statement->planTree, false, false);
	foreach(lc, statement->subplans)
	{
		Plan	   *plan = lfirst(lc);

		if (plan != NULL)
			steady_tree(statement, plan, belongs_below(plan, statement), false);
	}
}
