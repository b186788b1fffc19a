/*
 * scans.h
 *		Reads protected relations as a whole, and once.
 */
#ifndef DP_PLANNER_SCANS_H
#define DP_PLANNER_SCANS_H

#include "postgres.h"

#include "nodes/pathnodes.h"

extern void leave_whole_scans(PlannerInfo *root, RelOptInfo *rel);
extern void drop_whole_scans(RelOptInfo *rel);
extern bool looks_up(const Path *path);
extern void add_whole_scans(PlannerInfo *root, RelOptInfo *rel);
extern void keep_inner_sides(RelOptInfo *joinrel);

#endif							/* DP_PLANNER_SCANS_H */
