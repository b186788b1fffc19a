/*
 * node.h
 *		The node that bounds what each individual contributes.
 */
#ifndef DP_BOUND_NODE_H
#define DP_BOUND_NODE_H

#include "postgres.h"

#include "nodes/extensible.h"

extern Node *bound_create_state(CustomScan *scan);

#endif							/* DP_BOUND_NODE_H */
