/*
 * hoist.h
 *		Sub-selects that are releases themselves, below several grouping sets.
 */
#ifndef DP_HOIST_H
#define DP_HOIST_H

#include "postgres.h"

#include "query/level.h"

extern void hoist_releases(RewriteContext *context, Level *level);

#endif							/* DP_HOIST_H */
