/*
 * sketch_distinct.h
 *		Sets of values, of which only hashes are kept.
 */
#ifndef DP_SKETCH_DISTINCT_H
#define DP_SKETCH_DISTINCT_H

#include "postgres.h"

#include "aggregate/sketch_state.h"

#define DISTINCT_FIRST_CAPACITY 4	/* slots of a new set */

extern SketchState *distinct_new(SketchStage stage, uint32 limit);
extern SketchState *distinct_add_new(SketchState *state, uint64 hash);
extern SketchState *distinct_reserve(SketchState *state, uint32 n);
extern bool distinct_next(const SketchState *state, uint32 *position, uint64 *hash);

/* Most hashes of a table of that capacity: three in four slots. */
#define DISTINCT_FILL(capacity) ((capacity) / 4 * 3)

/* Bytes that follow a header of DISTINCT; SKETCH_NO_SIZE if it is malformed.  See sketch_open(). */
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

/*
 * The slot where the search for a hash begins; if the hash is not there, it goes on with
 * the next ones.  Hashes are odd, so their lowest bit tells nothing.
 */
static inline uint32
distinct_slot(const SketchState *state, uint64 hash)
{
	return (uint32) (hash >> 1) & (state->capacity - 1);
}

/* Adds a value by its hash, which is odd: 0 is a free slot. */
static inline SketchState *
distinct_add(SketchState *state, uint64 hash)
{
	const uint64 *hashes = (const uint64 *) SKETCH_DATA(state);

	if (state->capacity > 0 && hashes[distinct_slot(state, hash)] == hash)
		return state;
	return distinct_add_new(state, hash);
}

#endif							/* DP_SKETCH_DISTINCT_H */
