/*
 * divide.h
 *		The bounding node's first step: rows into partitions.
 */
#ifndef DP_BOUND_DIVIDE_H
#define DP_BOUND_DIVIDE_H

#include "postgres.h"

#include "nodes/bound/state.h"

extern void bound_divide(BoundState *state);

#endif							/* DP_BOUND_DIVIDE_H */
