/*
 * path.h
 *		The nodes below the aggregation of a release's groups, in the plan.
 */
#ifndef DP_BOUND_PATH_H
#define DP_BOUND_PATH_H

#include "postgres.h"

#include "nodes/pathnodes.h"

extern void bound_nodes_init(void);
extern void bound_group_paths(PlannerInfo *root, RelOptInfo *input_rel,
							  RelOptInfo *grouped_rel, Aggref *collector);
extern void stream_group_paths(PlannerInfo *root, RelOptInfo *input_rel,
							   RelOptInfo *grouped_rel, Aggref *collector);

#endif							/* DP_BOUND_PATH_H */
