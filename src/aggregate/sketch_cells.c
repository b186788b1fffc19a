/*
 * sketch_cells.c
 *		Weights of cells: a hash table by cell while few are in use, an array of
 *		all weights once that is no larger.
 */
#include "postgres.h"

#include "aggregate/domain.h"
#include "aggregate/sketch_state.h"

#define FIRST_CAPACITY 4
#define SLOT_SIZE (sizeof(int64) + sizeof(int32))

/* Bytes after the header; see sketch_open(). */
Size
cells_data_size(const SketchState *header)
{
	if (header->cells < 1 || header->cells > DP_MAX_CELLS)
		return SKETCH_NO_SIZE;
	if (header->capacity == 0)
		return header->cells * sizeof(int64);
	if (!sketch_is_power(header->capacity) || header->capacity < FIRST_CAPACITY ||
		header->capacity > DP_MAX_CELLS || header->used > header->capacity)
		return SKETCH_NO_SIZE;
	return header->capacity * SLOT_SIZE;
}

static SketchState *
new_table(SketchStage stage, int cells, uint32 capacity)
{
	SketchState *state;

	if (capacity * SLOT_SIZE >= cells * sizeof(int64))
		capacity = 0;
	state = sketch_new(SPEC_SKETCH_CELLS, stage, 0,
					   capacity == 0 ? cells * sizeof(int64) : capacity * SLOT_SIZE);
	state->cells = cells;
	state->capacity = capacity;
	return state;
}

/* A state without weights, of a grid of so many cells. */
SketchState *
cells_new(SketchStage stage, int cells)
{
	return new_table(stage, cells, FIRST_CAPACITY);
}

static inline int64 *
weights_of(const SketchState *state)
{
	return (int64 *) SKETCH_DATA(state);
}

static inline int32 *
numbers_of(const SketchState *state)
{
	return (int32 *) (SKETCH_DATA(state) + state->capacity * sizeof(int64));
}

/* The slot of a cell: the one it has, else the free one it would take. */
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
	sketch_malformed();			/* full; ours never are */
	return 0;
}

static SketchState *
grow(const SketchState *state)
{
	SketchState *larger = new_table(state->stage, state->cells, state->capacity * 2);
	uint32		position = 0;
	int			cell;
	int64		weight;

	larger->total = state->total;
	while (cells_next(state, &position, &cell, &weight))
		larger = cells_add(larger, cell, weight);
	return larger;
}

/* Adds a weight to a cell of 0 .. cells - 1 (elog if it is another). */
SketchState *
cells_add(SketchState *state, int cell, int64 weight)
{
	uint32		slot = cell;

	if (cell < 0 || cell >= state->cells)
		sketch_malformed();
	if (state->capacity > 0)
	{
		slot = find_slot(state, cell);
		if (numbers_of(state)[slot] == 0)
		{
			if (state->used >= state->capacity / 4 * 3)
				return cells_add(grow(state), cell, weight);
			numbers_of(state)[slot] = cell + 1;
			state->used++;
		}
	}
	weights_of(state)[slot] = sketch_sum(weights_of(state)[slot], weight);
	return state;
}

/*
 * The next cell that is there, in no particular order; "position" starts at 0.
 * Cells out of range and negative weights are malformed.
 */
bool
cells_next(const SketchState *state, uint32 *position, int *cell, int64 *weight)
{
	uint32		n = state->capacity > 0 ? state->capacity : (uint32) state->cells;

	while (*position < n)
	{
		uint32		slot = *position;

		if (state->capacity > 0)
			slot = sketch_visit(slot, state->capacity);
		(*position)++;
		*weight = weights_of(state)[slot];
		*cell = state->capacity > 0 ? numbers_of(state)[slot] - 1 : (int) slot;
		if (*cell == -1 || (state->capacity == 0 && *weight == 0))
			continue;
		if (*cell < 0 || *cell >= state->cells || *weight < 0)
			sketch_malformed();
		return true;
	}
	return false;
}
