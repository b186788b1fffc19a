/*
 * identity.c
 *		Which nodes of a plan are ours.
 */
#include "postgres.h"

#include "nodes/identity.h"
#include "spec/spec.h"

/* As EXPLAIN shows them. */
const char	node_release[] = "DP Release";
const char	node_bound[] = "DP Bound";
const char	node_stream[] = "DP Stream";
const char	node_wide[] = "DP Scan";

/* The description of a release's plan; NULL if the plan is of something else. */
const ReleaseSpec *
release_plan_spec(const Plan *plan)
{
	const CustomScan *scan = (const CustomScan *) plan;

	if (!is_plan_of(plan, node_release))
		return NULL;
	return (const ReleaseSpec *) DatumGetPointer(linitial_node(Const, scan->custom_private)->constvalue);
}
