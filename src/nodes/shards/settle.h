/*
 * settle.h
 *		What no row decides in the query of a piece is computed before it is sent.
 */
#ifndef DP_SHARDS_SETTLE_H
#define DP_SHARDS_SETTLE_H

#include "postgres.h"

#include "nodes/execnodes.h"
#include "nodes/parsenodes.h"

extern Const *value_now(Node *node, PlanState *parent);
extern Query *settle_piece(Query *piece, PlanState *parent);

#endif							/* DP_SHARDS_SETTLE_H */
