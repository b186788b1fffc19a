/*
 * derive.h
 *		Intervals of expressions from those of their columns.
 */
#ifndef DP_DERIVE_H
#define DP_DERIVE_H

#include "postgres.h"

#include "nodes/pathnodes.h"
#include "nodes/primnodes.h"

#include "query/level.h"
#include "query/ranges.h"

extern Range derive_range(PlannerInfo *root, Level *level, double rows, Expr *filter, Node *node,
						  bool *unknown);
extern Range derive_closed(PlannerInfo *root, Node *node, double rows, const Range *leaves,
						   int nleaves);
extern bool range_as_bounds(Range range, double *lower, double *upper);
extern Node *below_column(Level *level, Var *var, Level *below, double *rows);

#endif							/* DP_DERIVE_H */
