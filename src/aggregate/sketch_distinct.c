/*
 * sketch_distinct.c
 *		Sets of values, as hash tables of hashes of 64 bits: the values themselves are
 *		not kept.
 *
 * Let m be the number of hashes that the largest table within a set's limit of
 * memory takes, and n the number of different values.
 *
 * A group's set takes no more hashes once it has m of them.  So it has min(n, m)
 * members, in whatever order the values come, and one individual with up to r values
 * changes that number by at most r, as without a limit.
 *
 * The set of an individual's rows gives up if n > m, and keeps no hash at all: r of
 * its members are chosen later, and which were left out would depend on the order of
 * the rows.
 */
#include "postgres.h"

#include "aggregate/sketch_distinct.h"
#include "aggregate/sketch_state.h"
#include "core/errors.h"
#include "spec/spec.h"

/* An empty set with a table of that capacity. */
static SketchState *
new_table(SketchStage stage, uint32 limit, uint32 capacity)
{
	SketchState *state = sketch_new(SPEC_SKETCH_DISTINCT, stage, limit,
									capacity * sizeof(uint64));

	state->capacity = capacity;
	return state;
}

/* An empty set; limit in bytes. */
SketchState *
distinct_new(SketchStage stage, uint32 limit)
{
	return new_table(stage, limit, DISTINCT_FIRST_CAPACITY);
}

/* Would a table of twice the capacity exceed the limit? */
static inline bool
is_largest(const SketchState *state)
{
	return 2 * state->capacity > state->limit / sizeof(uint64);
}

/* The same set in a table of a larger capacity. */
static SketchState *
grow(const SketchState *state, uint32 capacity)
{
	SketchState *larger = new_table(state->stage, state->limit, capacity);
	uint32		position = 0;
	uint64		hash;

	larger->counted = state->counted;
	while (distinct_next(state, &position, &hash))
		larger = distinct_add(larger, hash);
	return larger;
}

/*
 * Makes room for n hashes in all, as far as the limit allows: a set that is known to get
 * them then grows once.
 */
SketchState *
distinct_reserve(SketchState *state, uint32 n)
{
	uint32		capacity = state->capacity;

	while (capacity > 0 && DISTINCT_FILL(capacity) < n &&
		   2 * capacity <= state->limit / sizeof(uint64))
		capacity *= 2;
	return capacity > state->capacity ? grow(state, capacity) : state;
}

/*
 * Adds a hash that is not there to a table without room for it: to a larger one, or, at
 * the limit, not at all.
 */
static SketchState *
add_to_full(SketchState *state, uint64 hash)
{
	if (!is_largest(state))
		return distinct_add(grow(state, 2 * state->capacity), hash);
	return state->stage == SKETCH_ROWS ? sketch_give_up(state) : state;
}

/* distinct_add() for a hash that may be new. */
SketchState *
distinct_add_new(SketchState *state, uint64 hash)
{
	uint64	   *hashes = (uint64 *) SKETCH_DATA(state);
	uint32		mask = state->capacity - 1;
	uint32		slot;

	if (state->capacity == 0)
		return state;
	slot = distinct_slot(state, hash);
	for (uint32 i = 0; i <= mask; i++)
	{
		if (hashes[slot] == hash)
			return state;
		if (hashes[slot] == 0)
		{
			if (state->used >= DISTINCT_FILL(state->capacity))
				return add_to_full(state, hash);
			hashes[slot] = hash;
			state->used++;
			return state;
		}
		slot = (slot + 1) & mask;
	}
	malformed("sketch state");	/* full; ours never are */
	return state;
}

/*
 * The next hash of the set, in no particular order; false if there is none left.
 * *position is 0 before the first call.
 */
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
