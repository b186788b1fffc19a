/*
 * jit.h
 *		Whether just-in-time compilation pays for the plan of a release.
 */
#ifndef DP_JIT_H
#define DP_JIT_H

#include "postgres.h"

#include "nodes/plannodes.h"

extern void decide_jit(PlannedStmt *plan);

#endif							/* DP_JIT_H */
