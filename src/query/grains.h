/*
 * grains.h
 *		Conditions on time are rounded to the grain of their column.
 */
#ifndef DP_GRAINS_H
#define DP_GRAINS_H

#include "postgres.h"

#include "query/level.h"

extern void round_to_grains(RewriteContext *context, Query *query);
extern bool is_grain_end(const FuncExpr *func);
extern double grain_reach(const FuncExpr *call);
extern Node *known_grain_end(Node *node);

#endif							/* DP_GRAINS_H */
