/*
 * order.h
 *		Orders of rows that only a declaration promises.
 */
#ifndef DP_ORDER_H
#define DP_ORDER_H

#include "postgres.h"

#include "nodes/pathnodes.h"

extern void hide_partitions(RelOptInfo *rel);
extern void forget_declared_order(RelOptInfo *rel);
extern void remember_partitions(PlannerInfo *root);

#endif							/* DP_ORDER_H */
