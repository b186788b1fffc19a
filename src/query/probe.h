/*
 * probe.h
 *		Calls that fail because of their constants.
 */
#ifndef DP_PROBE_H
#define DP_PROBE_H

#include "postgres.h"

#include "query/level.h"

extern Const *evaluate_or_refuse(RewriteContext *context, FuncExpr *call, int location);
extern void probe_call(RewriteContext *context, FuncExpr *call, int location);

#endif							/* DP_PROBE_H */
