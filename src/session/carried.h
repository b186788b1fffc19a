/*
 * carried.h
 *		Statements that Citus carries to other machines, word by word.
 */
#ifndef DP_CARRIED_H
#define DP_CARRIED_H

#include "postgres.h"

#include "nodes/nodes.h"

extern void carried_init(void);
extern void carried_before(const Node *statement);
extern void carried_after(const Node *statement);
extern void carried_check(void);

#endif							/* DP_CARRIED_H */
