/*
 * node.h
 *		The sealed release node.
 */
#ifndef DP_RELEASE_NODE_H
#define DP_RELEASE_NODE_H

#include "postgres.h"

#include "nodes/extensible.h"

extern Node *release_create_state(CustomScan *scan);
extern uint64 releases_begun(void);

#endif							/* DP_RELEASE_NODE_H */
