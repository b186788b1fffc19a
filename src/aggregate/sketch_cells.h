/*
 * sketch_cells.h
 *		Weights of the cells of a grid.
 */
#ifndef DP_SKETCH_CELLS_H
#define DP_SKETCH_CELLS_H

#include "postgres.h"

#include "aggregate/sketch_state.h"
#include "mechanism/rank.h"
#include "spec/domain.h"

/* Weights that do not fit into two words end a list: only forged ones do. */
#define SKETCH_CELL_BITS 17
#define SKETCH_CELL_MASK ((1U << SKETCH_CELL_BITS) - 1)
#define SKETCH_WEIGHED (1U << 31)
#define SKETCH_LISTED_WEIGHT ((int64) 1 << (32 + 31 - SKETCH_CELL_BITS))

StaticAssertDecl(DP_MAX_CELLS <= SKETCH_CELL_MASK + 1, "cells fit into the bits they have");

#define CELLS_FIRST_CAPACITY 4
#define CELLS_SLOT_SIZE (sizeof(int64) + sizeof(int32))

extern SketchState *cells_new(SketchStage stage, int cells, int64 listed);
extern SketchState *cells_add_slowly(SketchState *state, int cell, int64 weight);
extern SketchState *cells_merge(SketchState *state, const SketchState *other);
extern void cells_sum(const SketchState *state, int64 *weights);
extern void cells_clear(const SketchState *state, int64 *weights);
extern bool cells_next(const SketchState *state, uint32 *position, int *cell, int64 *weight);

static inline bool
cells_is_list(const SketchState *state)
{
	return state->capacity > 0 && state->stage == SKETCH_INDIVIDUALS;
}

/* Bytes after the header of CELLS; see sketch_open(). */
static inline Size
cells_data_size(const SketchState *header)
{
	if (header->cells < 1 || header->cells > DP_MAX_CELLS ||
		header->listed < 0 || header->listed > DP_CELL_SCALE)
		return SKETCH_NO_SIZE;
	if (header->capacity == 0)
		return header->cells * sizeof(int64);
	if (header->capacity > 2 * DP_MAX_CELLS || header->used > header->capacity)
		return SKETCH_NO_SIZE;
	if (cells_is_list(header))
		return header->capacity * sizeof(uint32);
	if (!sketch_is_power(header->capacity) || header->capacity < CELLS_FIRST_CAPACITY)
		return SKETCH_NO_SIZE;
	return header->capacity * CELLS_SLOT_SIZE;
}

static inline uint32 *
cells_words(const SketchState *state)
{
	return (uint32 *) SKETCH_DATA(state);
}

/* Puts a weight with its cell into a list with room for both. */
static inline void
cells_put_weighed(SketchState *state, int cell, int64 weight)
{
	cells_words(state)[state->used++] = SKETCH_WEIGHED | (uint32) cell |
		(uint32) (weight >> 32) << SKETCH_CELL_BITS;
	cells_words(state)[state->used++] = (uint32) weight;
}

/* Adds a weight to a cell of 0 .. cells - 1 (elog if it is another). */
static inline SketchState *
cells_add(SketchState *state, int cell, int64 weight)
{
	if (unlikely(!cells_is_list(state) || state->used + 2 > state->capacity ||
				 (uint64) weight >= SKETCH_LISTED_WEIGHT ||
				 (uint32) cell >= (uint32) state->cells))
		return cells_add_slowly(state, cell, weight);
	if (weight == state->listed)
		cells_words(state)[state->used++] = (uint32) cell;
	else
		cells_put_weighed(state, cell, weight);
	return state;
}

#endif							/* DP_SKETCH_CELLS_H */
