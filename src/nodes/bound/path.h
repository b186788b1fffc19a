/*
 * path.h
 *		The nodes below the aggregation of a release's groups, in the plan.
 */
#ifndef DP_BOUND_PATH_H
#define DP_BOUND_PATH_H

#include "postgres.h"

#include "nodes/pathnodes.h"

#include "spec/spec.h"

/* Makes a path whose columns are those of the target. */
typedef Path *(*MakePartialPath) (PlannerInfo *root, RelOptInfo *grouped_rel, PathTarget *target,
								  const void *argument);

extern void bound_nodes_init(void);
extern void partial_group_paths(PlannerInfo *root, RelOptInfo *input_rel, RelOptInfo *grouped_rel,
								Aggref *collector, const ReleaseSpec *spec, MakePartialPath make,
								const void *argument);
extern void bound_group_paths(PlannerInfo *root, RelOptInfo *input_rel,
							  RelOptInfo *grouped_rel, Aggref *collector,
							  const ReleaseSpec *spec);
extern void stream_group_paths(PlannerInfo *root, RelOptInfo *input_rel,
							   RelOptInfo *grouped_rel, Aggref *collector,
							   const ReleaseSpec *spec);

#endif							/* DP_BOUND_PATH_H */
