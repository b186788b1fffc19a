/*
 * part_cells.h
 *		Histograms and bounds of a group.
 */
#ifndef DP_PART_CELLS_H
#define DP_PART_CELLS_H

#include "postgres.h"

#include "mechanism/random.h"
#include "nodes/release/parts_state.h"

extern void draw_histogram(PartsState *state, int part, dp_random *rng, Datum sketch);
extern void draw_bounds(PartsState *state, int part, dp_random *rng, Datum sketch);

#endif							/* DP_PART_CELLS_H */
