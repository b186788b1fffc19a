/*
 * node.h
 *		The nodes of releases over tables of Citus.
 */
#ifndef DP_SHARDS_NODE_H
#define DP_SHARDS_NODE_H

#include "postgres.h"

#include "nodes/plannodes.h"

extern Node *shards_create_state(CustomScan *scan);
extern Node *piece_create_state(CustomScan *scan);
extern void shards_read_ahead(PlanState *state);
extern bool pieces_are_planned(void);
extern bool pieces_are_run(void);

#endif							/* DP_SHARDS_NODE_H */
