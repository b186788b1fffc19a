/*
 * sketch_distinct.c
 *		Sets of values, of which only a hash of 64 bits is kept: a hash table of
 *		hashes.
 *
 * A set that has reached MAX_HASHES takes no more.  So it has min(n, MAX_HASHES)
 * members, n being the number of different values, in whatever order they
 * come; one individual with up to r values still changes that by at most r.
 */
#include "postgres.h"

#include "aggregate/sketch_state.h"

#define FIRST_CAPACITY 4
#define LAST_CAPACITY (1U << 26)	/* 512 MB: a datum has at most 1 GB */

/* How many hashes a table takes: three in four slots. */
#define FILL(capacity) ((capacity) / 4 * 3)
#define MAX_HASHES FILL(LAST_CAPACITY)

/* Bytes after the header; see sketch_open(). */
Size
distinct_data_size(const SketchState *header)
{
	if (!sketch_is_power(header->capacity) || header->capacity < FIRST_CAPACITY ||
		header->capacity > LAST_CAPACITY || header->used > FILL(header->capacity))
		return SKETCH_NO_SIZE;
	return header->capacity * sizeof(uint64);
}

static SketchState *
new_table(SketchStage stage, uint32 capacity)
{
	SketchState *state = sketch_new(SPEC_SKETCH_DISTINCT, stage, capacity * sizeof(uint64));

	state->capacity = capacity;
	return state;
}

/* The empty set. */
SketchState *
distinct_new(SketchStage stage)
{
	return new_table(stage, FIRST_CAPACITY);
}

static SketchState *
grow(const SketchState *state)
{
	SketchState *larger = new_table(state->stage, state->capacity * 2);
	uint32		position = 0;
	uint64		hash;

	larger->total = state->total;
	while (distinct_next(state, &position, &hash))
		larger = distinct_add(larger, hash);
	return larger;
}

/* Adds a value by its hash, which is not 0. */
SketchState *
distinct_add(SketchState *state, uint64 hash)
{
	uint64	   *hashes = (uint64 *) SKETCH_DATA(state);
	uint32		mask = state->capacity - 1;
	uint32		slot = (uint32) hash & mask;

	for (uint32 i = 0; i <= mask; i++)
	{
		if (hashes[slot] == hash)
			return state;
		if (hashes[slot] == 0)
		{
			if (state->used >= MAX_HASHES)
				return state;
			if (state->used >= FILL(state->capacity))
				return distinct_add(grow(state), hash);
			hashes[slot] = hash;
			state->used++;
			return state;
		}
		slot = (slot + 1) & mask;
	}
	sketch_malformed();			/* full; ours never are */
	return state;
}

/* The next hash of the set, in no particular order; "position" starts at 0. */
bool
distinct_next(const SketchState *state, uint32 *position, uint64 *hash)
{
	const uint64 *hashes = (const uint64 *) SKETCH_DATA(state);

	while (*position < state->capacity)
	{
		*hash = hashes[sketch_visit((*position)++, state->capacity)];
		if (*hash != 0)
			return true;
	}
	return false;
}
