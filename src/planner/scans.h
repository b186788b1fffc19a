/*
 * scans.h
 *		Reads protected relations as a whole, and once.
 */
#ifndef DP_PLANNER_SCANS_H
#define DP_PLANNER_SCANS_H

#include "postgres.h"

#include "nodes/pathnodes.h"

extern void leave_whole_scans(PlannerInfo *root, RelOptInfo *rel);
extern void leave_look_ups(RelOptInfo *rel);
extern void keep_inner_sides(RelOptInfo *joinrel);

#endif							/* DP_PLANNER_SCANS_H */
