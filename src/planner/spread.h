/*
 * spread.h
 *		What a plan names of releases over tables of Citus.
 */
#ifndef DP_PLANNER_SPREAD_H
#define DP_PLANNER_SPREAD_H

#include "postgres.h"

#include "nodes/plannodes.h"

extern void name_spread_relations(PlannedStmt *plan, List *pieces);

#endif							/* DP_PLANNER_SPREAD_H */
