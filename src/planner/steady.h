/*
 * steady.h
 *		The finished plan of a release does the same whatever the rows are.
 */
#ifndef DP_STEADY_H
#define DP_STEADY_H

#include "postgres.h"

#include "nodes/plannodes.h"

extern void steady_plan(PlannedStmt *statement);

#endif							/* DP_STEADY_H */
