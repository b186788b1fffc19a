/*
 * part_values.h
 *		The most frequent values of a group.
 */
#ifndef DP_PART_VALUES_H
#define DP_PART_VALUES_H

#include "postgres.h"

#include "mechanism/random.h"
#include "nodes/release/parts_state.h"

extern void values_check(const ReleaseSpec *spec, const ReleaseParams *params);
extern int64 values_epsilon(const PartsState *state);
extern int64 mode_smallest_group(const PartsState *state);
extern void draw_mode(PartsState *state, int part, dp_random *rng, Datum sketch);
extern void draw_top(PartsState *state, int part, dp_random *rng, Datum sketch);

#endif							/* DP_PART_VALUES_H */
