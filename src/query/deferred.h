/*
 * deferred.h
 *		Bounds that follow from parameters of a prepared statement, when it is executed.
 */
#ifndef DP_DEFERRED_H
#define DP_DEFERRED_H

#include "postgres.h"

#include "query/level.h"

extern void defer_bounds(RewriteContext *context, Level *level, Aggref *aggref, Node *node,
						 Node **lower, Node **upper);

#endif							/* DP_DEFERRED_H */
