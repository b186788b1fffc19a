/*
 * shards_in.h
 *		IN of a piece becomes EXISTS, where Citus would compute its sub-select first.
 */
#ifndef DP_SHARDS_IN_H
#define DP_SHARDS_IN_H

#include "postgres.h"

#include "nodes/parsenodes.h"

extern void tie_sublinks(Query *piece);

#endif							/* DP_SHARDS_IN_H */
