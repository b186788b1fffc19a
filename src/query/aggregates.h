/*
 * aggregates.h
 *		What aggregates of queries stand for.
 */
#ifndef DP_AGGREGATES_H
#define DP_AGGREGATES_H

#include "postgres.h"

#include "nodes/primnodes.h"

#include "policy/extension.h"

extern DpFunction aggregate_function(Aggref *aggref);
extern bool ignores_repeats(DpFunction function);
extern Node *aggregate_argument(Aggref *aggref, int i);

#endif							/* DP_AGGREGATES_H */
