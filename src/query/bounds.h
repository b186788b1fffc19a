/*
 * bounds.h
 *		Bounds of an expression from those of its columns.
 */
#ifndef DP_BOUNDS_H
#define DP_BOUNDS_H

#include "postgres.h"

#include "core/compat.h"

#include "query/level.h"

extern bool derive_bounds(RewriteContext *context, Level *level, Aggref *aggref, Node *node,
						  double *lower, double *upper, bool *unknown);
DP_NORETURN extern void no_bounds(RewriteContext *context, Level *level, Node *node, Aggref *aggref);

#endif							/* DP_BOUNDS_H */
