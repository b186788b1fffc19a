/*
 * statistics.c
 *		The hooks by which the planner asks for statistics.
 *
 * While it plans releases, it is told what is declared about a protected relation, and
 * not what ANALYZE has found there (planner/statistics.c).
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/index.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"

#include "hooks/hooks.h"
#include "planner/statistics.h"
#include "policy/cache.h"
#include "policy/policy.h"
#include "query/planning.h"

static get_relation_stats_hook_type prev_relation_stats_hook = NULL;
static get_index_stats_hook_type prev_index_stats_hook = NULL;
static get_attavgwidth_hook_type prev_attavgwidth_hook = NULL;

/* The policy of a relation whose statistics are withheld now; NULL for any other. */
static const ProtectedRelation *
withheld(Oid relid)
{
	return planning_releases() ? policy_lookup(relid) : NULL;
}

/* get_relation_stats_hook */
static bool
relation_statistics(PlannerInfo *root, RangeTblEntry *rte, AttrNumber attnum,
					VariableStatData *vardata)
{
	const ProtectedRelation *rel = rte->rtekind == RTE_RELATION ? withheld(rte->relid) : NULL;

	if (rel == NULL)
		return prev_relation_stats_hook && prev_relation_stats_hook(root, rte, attnum, vardata);
	vardata->statsTuple = declared_statistics(rel, rte->relid, attnum);
	vardata->freefunc = heap_freetuple;
	vardata->acl_ok = true;		/* it is public */
	return true;
}

/* get_index_stats_hook: nothing is declared about expressions in indexes */
static bool
index_statistics(PlannerInfo *root, Oid indexid, AttrNumber attnum, VariableStatData *vardata)
{
	if (!planning_releases() || withheld(IndexGetRelation(indexid, false)) == NULL)
		return prev_index_stats_hook && prev_index_stats_hook(root, indexid, attnum, vardata);
	vardata->statsTuple = NULL;
	return true;
}

/* get_attavgwidth_hook: if 0 is returned, PostgreSQL looks the width up in pg_statistic */
static int32
average_width(Oid relid, AttrNumber attnum)
{
	if (attnum <= 0 || withheld(relid) == NULL)
		return prev_attavgwidth_hook ? prev_attavgwidth_hook(relid, attnum) : 0;
	return declared_width(relid, attnum);
}

/* Installs the hooks; called once from _PG_init. */
void
statistics_hooks_init(void)
{
	prev_relation_stats_hook = get_relation_stats_hook;
	get_relation_stats_hook = relation_statistics;
	prev_index_stats_hook = get_index_stats_hook;
	get_index_stats_hook = index_statistics;
	prev_attavgwidth_hook = get_attavgwidth_hook;
	get_attavgwidth_hook = average_width;
}
