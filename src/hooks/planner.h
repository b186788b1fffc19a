/*
 * planner.h
 *		Whose data a statement asks about, before it is planned.
 */
#ifndef DP_HOOKS_PLANNER_H
#define DP_HOOKS_PLANNER_H

#include "postgres.h"

#include "nodes/params.h"
#include "nodes/parsenodes.h"

extern bool planner_asks_as_analyst(Query *query, ParamListInfo params);

#endif							/* DP_HOOKS_PLANNER_H */
