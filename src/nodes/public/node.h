/*
 * node.h
 *		Reads a public relation ahead of protected rows, and hands it to all processes.
 */
#ifndef DP_PUBLIC_NODE_H
#define DP_PUBLIC_NODE_H

#include "postgres.h"

#include "nodes/execnodes.h"
#include "nodes/extensible.h"

extern Node *public_create_state(CustomScan *scan);
extern void public_read_ahead(PlanState *state, bool shared);

#endif							/* DP_PUBLIC_NODE_H */
