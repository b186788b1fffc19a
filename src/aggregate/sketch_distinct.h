/*
 * sketch_distinct.h
 *		The set of values.
 */
#ifndef DP_SKETCH_DISTINCT_H
#define DP_SKETCH_DISTINCT_H

#include "postgres.h"

#include "aggregate/sketch_state.h"

#define DISTINCT_FIRST_CAPACITY 4

extern SketchState *distinct_new(SketchStage stage, uint32 limit);
extern SketchState *distinct_add_new(SketchState *state, uint64 hash);
extern SketchState *distinct_reserve(SketchState *state, uint32 n);
extern bool distinct_next(const SketchState *state, uint32 *position, uint64 *hash);

/* How many hashes a table takes: three in four slots. */
#define DISTINCT_FILL(capacity) ((capacity) / 4 * 3)

/* Bytes after the header of DISTINCT; see sketch_open(). */
static inline Size
distinct_data_size(const SketchState *header)
{
	if (header->capacity == 0)
		return header->used == 0 && header->stage == SKETCH_ROWS ? 0 : SKETCH_NO_SIZE;
	if (!sketch_is_power(header->capacity) || header->capacity < DISTINCT_FIRST_CAPACITY ||
		header->capacity > header->limit / sizeof(uint64) ||
		header->used > DISTINCT_FILL(header->capacity))
		return SKETCH_NO_SIZE;
	return header->capacity * sizeof(uint64);
}

/* The slot of a hash that is free or has it, or else one before it; hashes are odd. */
static inline uint32
distinct_slot(const SketchState *state, uint64 hash)
{
	return (uint32) (hash >> 1) & (state->capacity - 1);
}

/* Adds a value by its hash, which is odd. */
static inline SketchState *
distinct_add(SketchState *state, uint64 hash)
{
	const uint64 *hashes = (const uint64 *) SKETCH_DATA(state);

	if (state->capacity > 0 && hashes[distinct_slot(state, hash)] == hash)
		return state;
	return distinct_add_new(state, hash);
}

#endif							/* DP_SKETCH_DISTINCT_H */
