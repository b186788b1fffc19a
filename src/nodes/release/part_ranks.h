/*
 * part_ranks.h
 *		Order statistics of a group.
 */
#ifndef DP_PART_RANKS_H
#define DP_PART_RANKS_H

#include "postgres.h"

#include "mechanism/random.h"
#include "nodes/release/parts_state.h"

extern int64 ranks_smallest_group(const PartsState *state, int part);
extern int64 ranks_error(const PartsState *state, int part, double alpha);
extern void draw_ranks(PartsState *state, int part, dp_random *rng, Datum sketch);

#endif							/* DP_PART_RANKS_H */
