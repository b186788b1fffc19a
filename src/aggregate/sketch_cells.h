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

/*
 * Words of a list, see sketch_state.h.  The lowest bits of a word are a cell.  If
 * SKETCH_WEIGHED is set, the bits between are the highest of its weight, and the lowest
 * 32 bits are the next word.  A weight of SKETCH_LISTED_WEIGHT or more does not fit:
 * then the list becomes an array, which only forged states bring about.
 */
#define SKETCH_CELL_BITS 17
#define SKETCH_CELL_MASK ((1U << SKETCH_CELL_BITS) - 1)
#define SKETCH_WEIGHED (1U << 31)
#define SKETCH_LISTED_WEIGHT ((int64) 1 << (32 + 31 - SKETCH_CELL_BITS))

StaticAssertDecl(DP_MAX_CELLS <= SKETCH_CELL_MASK + 1, "cells fit into the bits they have");

#define CELLS_FIRST_CAPACITY 4	/* slots or words of a new state */
#define CELLS_SLOT_SIZE (sizeof(int64) + sizeof(int32)) /* bytes of a slot: weight and cell */

extern SketchState *cells_new(SketchStage stage, int cells, int64 listed);
extern SketchState *cells_add_slowly(SketchState *state, int cell, int64 weight);
extern SketchState *cells_merge(SketchState *state, const SketchState *other);
extern void cells_sum(const SketchState *state, int64 *weights);
extern void cells_clear(const SketchState *state, int64 *weights);
extern bool cells_next(const SketchState *state, uint32 *position, int *cell, int64 *weight);

/* Is the state a list, as groups have it until it becomes an array? */
static inline bool
cells_is_list(const SketchState *state)
{
	return state->capacity > 0 && state->stage == SKETCH_INDIVIDUALS;
}

/* Bytes that follow a header of CELLS; SKETCH_NO_SIZE if it is malformed.  See sketch_open(). */
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

/* The words of a list. */
static inline uint32 *
cells_words(const SketchState *state)
{
	return (uint32 *) SKETCH_DATA(state);
}

/* Appends a cell and its weight to a list that has room for two words. */
static inline void
cells_put_weighed(SketchState *state, int cell, int64 weight)
{
	cells_words(state)[state->used++] = SKETCH_WEIGHED | (uint32) cell |
		(uint32) (weight >> 32) << SKETCH_CELL_BITS;
	cells_words(state)[state->used++] = (uint32) weight;
}

/* Adds a weight to a cell, 0 .. cells - 1 (elog if it is not); what can be done at once inline. */
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
