/*
 * sketch_cells.c
 *		Weights of the cells of a grid.
 *
 * A state begins small and grows with the cells that are added; as soon as an array of
 * the weights of all cells would take no more bytes, it is such an array.
 *
 * Before that, the rows of one individual are counted in a hash table by cell: what a
 * cell weighs is rounded down once, so its rows must be known together.  The weights of
 * a group are only added up, at the end, so they are appended to a list: memory is then
 * written in order, and not all over the tables of many groups.
 */
#include "postgres.h"

#include "aggregate/sketch_cells.h"
#include "aggregate/sketch_state.h"
#include "core/errors.h"
#include "spec/spec.h"

/*
 * A state with room for "capacity" slots of a hash table or words of a list; with an
 * array of all cells if that takes no more bytes, or if capacity is 0.
 */
static SketchState *
new_table(SketchStage stage, int cells, int64 listed, uint32 capacity)
{
	Size		slot = stage == SKETCH_ROWS ? CELLS_SLOT_SIZE : sizeof(uint32);
	SketchState *state;

	if (capacity * slot >= cells * sizeof(int64))
		capacity = 0;
	state = sketch_new(SPEC_SKETCH_CELLS, stage, 0,
					   capacity == 0 ? cells * sizeof(int64) : capacity * slot);
	state->cells = cells;
	state->listed = listed;
	state->capacity = capacity;
	return state;
}

/*
 * A state without weights for a grid of "cells" cells.  listed is the weight, 0 ..
 * DP_CELL_SCALE, that a cell in a list has unless another is written beside it.
 */
SketchState *
cells_new(SketchStage stage, int cells, int64 listed)
{
	return new_table(stage, cells, listed, CELLS_FIRST_CAPACITY);
}

/* The weights of a hash table or array. */
static inline int64 *
weights_of(const SketchState *state)
{
	return (int64 *) SKETCH_DATA(state);
}

/* The cells of a hash table: their numbers plus one, 0 where a slot is free. */
static inline int32 *
numbers_of(const SketchState *state)
{
	return (int32 *) (SKETCH_DATA(state) + state->capacity * sizeof(int64));
}

/* The slot of a cell in a hash table: the one it has, else the free one it would take. */
static inline uint32
find_slot(const SketchState *state, int cell)
{
	const int32 *numbers = numbers_of(state);
	uint32		mask = state->capacity - 1;
	uint32		slot = (uint32) cell * 0x9e3779b1U;

	slot = (slot ^ (slot >> 16)) & mask;
	for (uint32 i = 0; i <= mask; i++)
	{
		if (numbers[slot] == cell + 1 || numbers[slot] == 0)
			return slot;
		slot = (slot + 1) & mask;
	}
	malformed("sketch state");	/* full; ours never are */
	return 0;
}

/* The same weights in a new state of another capacity; 0 is an array of all cells. */
static SketchState *
resize(const SketchState *state, uint32 capacity)
{
	SketchState *result = new_table(state->stage, state->cells, state->listed, capacity);
	uint32		position = 0;
	int			cell;
	int64		weight;

	result->counted = state->counted;
	if (cells_is_list(state) && cells_is_list(result))
	{
		memcpy(cells_words(result), cells_words(state), state->used * sizeof(uint32));
		result->used = state->used;
		return result;
	}
	while (cells_next(state, &position, &cell, &weight))
		result = cells_add(result, cell, weight);
	return result;
}

/*
 * Appends to a list, or to a larger one.  A weight that a list cannot hold makes it an
 * array.
 */
static SketchState *
append(SketchState *state, int cell, int64 weight)
{
	uint32		words = weight == state->listed ? 1 : 2;

	if (weight < 0 || weight >= SKETCH_LISTED_WEIGHT)
		return cells_add(resize(state, 0), cell, weight);
	if (state->used + words > state->capacity)
		return cells_add(resize(state, 2 * state->capacity), cell, weight);
	if (words == 2)
		cells_put_weighed(state, cell, weight);
	else
		cells_words(state)[state->used++] = (uint32) cell;
	return state;
}

/* Reads the cell and weight at a position of a list, and moves the position on. */
static inline void
read_list(const SketchState *state, uint32 *position, int *cell, int64 *weight)
{
	uint32		word = cells_words(state)[(*position)++];

	*cell = (int) (word & SKETCH_CELL_MASK);
	*weight = state->listed;
	if ((word & SKETCH_WEIGHED) == 0)
		return;
	if (*position >= state->used)
		malformed("sketch state");
	*weight = (int64) ((word & ~SKETCH_WEIGHED) >> SKETCH_CELL_BITS) << 32 |
		cells_words(state)[(*position)++];
}

/* cells_add() for states and weights of any kind, among them those that must grow. */
SketchState *
cells_add_slowly(SketchState *state, int cell, int64 weight)
{
	uint32		slot = cell;

	if (cell < 0 || cell >= state->cells)
		malformed("sketch state");
	if (cells_is_list(state))
		return append(state, cell, weight);
	if (state->capacity > 0)
	{
		slot = find_slot(state, cell);
		if (numbers_of(state)[slot] == 0)
		{
			if (state->used >= state->capacity / 4 * 3)
				return cells_add(resize(state, 2 * state->capacity), cell, weight);
			numbers_of(state)[slot] = cell + 1;
			state->used++;
		}
	}
	weights_of(state)[slot] = sketch_sum(weights_of(state)[slot], weight);
	return state;
}

/* Adds the weights of another state of the same grid and stage. */
SketchState *
cells_merge(SketchState *state, const SketchState *other)
{
	uint32		position = 0;
	uint32		used = state->used + other->used;
	int			cell;
	int64		weight;

	if (cells_is_list(state) && cells_is_list(other) && state->listed == other->listed)
	{
		if (used > state->capacity)
			state = resize(state, used);
		if (cells_is_list(state))
		{
			memcpy(cells_words(state) + state->used, cells_words(other),
				   other->used * sizeof(uint32));
			state->used = used;
			return state;
		}
	}
	while (cells_next(other, &position, &cell, &weight))
		state = cells_add(state, cell, weight);
	return state;
}

/* Adds the weights of a state to weights[], which has a place for each cell. */
void
cells_sum(const SketchState *state, int64 *weights)
{
	uint32		position = 0;
	int			cell;
	int64		weight;

	if (!cells_is_list(state))
	{
		while (cells_next(state, &position, &cell, &weight))
			weights[cell] = sketch_sum(weights[cell], weight);
		return;
	}
	while (position < state->used)
	{
		read_list(state, &position, &cell, &weight);
		if (cell >= state->cells)
			malformed("sketch state");
		weights[cell] = sketch_sum(weights[cell], weight);
	}
}

/*
 * Makes zero again the places of weights[] that cells_sum() has added to.  A list tells
 * which these are; for any other state all places are written.
 */
void
cells_clear(const SketchState *state, int64 *weights)
{
	uint32		position = 0;
	int			cell;
	int64		weight;

	if (!cells_is_list(state))
		memset(weights, 0, state->cells * sizeof(int64));
	else
	{
		while (position < state->used)
		{
			read_list(state, &position, &cell, &weight);
			weights[cell] = 0;
		}
	}
}

/*
 * The next cell that has a weight, in no particular order; false if there is none left.
 * *position is 0 before the first call.  A list may yield a cell several times.  elog for
 * a cell that is out of range or a negative weight, as only forged states have.
 */
bool
cells_next(const SketchState *state, uint32 *position, int *cell, int64 *weight)
{
	bool		is_list = cells_is_list(state);
	uint32		n = is_list ? state->used :
		state->capacity > 0 ? state->capacity : (uint32) state->cells;

	while (*position < n)
	{
		uint32		slot;

		if (is_list)
			read_list(state, position, cell, weight);
		else if (state->capacity > 0)
		{
			slot = sketch_visit((*position)++, state->capacity);
			*cell = numbers_of(state)[slot] - 1;
			*weight = weights_of(state)[slot];
			if (*cell == -1)
				continue;
		}
		else
		{
			slot = (*position)++;
			*cell = (int) slot;
			*weight = weights_of(state)[slot];
			if (*weight == 0)
				continue;
		}
		if (*cell < 0 || *cell >= state->cells || *weight < 0)
			malformed("sketch state");
		return true;
	}
	return false;
}
