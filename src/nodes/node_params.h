/*
 * node_params.h
 *		The parameters of a release, as a node of its plan gets them.
 */
#ifndef DP_NODE_PARAMS_H
#define DP_NODE_PARAMS_H

#include "postgres.h"

#include "nodes/execnodes.h"
#include "nodes/primnodes.h"
#include "utils/array.h"

extern ArrayType *node_params(CustomScanState *node);
extern Const *node_value(Node *expr, PlanState *node);

#endif							/* DP_NODE_PARAMS_H */
