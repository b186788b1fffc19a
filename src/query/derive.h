/*
 * derive.h
 *		Intervals of expressions from those of their columns.
 */
#ifndef DP_DERIVE_H
#define DP_DERIVE_H

#include "postgres.h"

#include "nodes/pathnodes.h"

#include "query/level.h"
#include "query/ranges.h"

extern Range derive_range(PlannerInfo *root, Level *level, Node *node, bool *unknown);

#endif							/* DP_DERIVE_H */
