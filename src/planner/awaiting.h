/*
 * awaiting.h
 *		Plans that wait for the values of parameters, and never run.
 *
 * Some constants are judged while a release is planned: the number of rows of a frame, the length
 * that lpad() fills up to.  A prepared statement may have a parameter there.  A plan for its values
 * judges them.  One that is to serve all values is made, since PostgreSQL compares its cost with that
 * of the others (plancache.c), but its cost is infinite: then it is not chosen, and is refused
 * if it is forced.
 */
#ifndef DP_AWAITING_H
#define DP_AWAITING_H

#include "postgres.h"

#include <math.h>

#include "nodes/plannodes.h"

/* Marks a plan as one that never runs. */
static inline void
mark_awaiting(PlannedStmt *plan)
{
	plan->planTree->total_cost = INFINITY;
}

/* Is the plan marked so? */
static inline bool
plan_awaits_values(const PlannedStmt *plan)
{
	return plan->planTree != NULL && isinf(plan->planTree->total_cost);
}

#endif							/* DP_AWAITING_H */
