/*
 * numbered.h
 *		Groups whose numbers all participants of a parallel plan have in common.
 */
#ifndef DP_BOUND_NUMBERED_H
#define DP_BOUND_NUMBERED_H

#include "postgres.h"

#include "nodes/bound/state.h"

extern void numbered_make(BoundState *state);
extern void numbered_take(BoundState *state);
extern bool numbered_next(BoundState *state);

#endif							/* DP_BOUND_NUMBERED_H */
