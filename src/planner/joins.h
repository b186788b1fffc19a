/*
 * joins.h
 *		The order in which relations are joined below a release.
 */
#ifndef DP_PLANNER_JOINS_H
#define DP_PLANNER_JOINS_H

#include "postgres.h"

#include "optimizer/paths.h"

extern RelOptInfo *search_as_ever(PlannerInfo *root, int levels, List *relations, join_search_hook_type search);
extern RelOptInfo *search_joins(PlannerInfo *root, int levels, List *relations, join_search_hook_type search);

#endif							/* DP_PLANNER_JOINS_H */
