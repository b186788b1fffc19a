/*
 * sketch_values.c
 *		Weights of the values themselves.
 *
 * A table has an entry per value, in order of arrival; a hash table of the entries'
 * numbers, by which they are found; and the bytes of the values after it.
 *
 * There is a limit to the memory of a table.  Beyond it the table gives up: it keeps
 * no value at all, whatever comes later.  To keep some would be worse, since which
 * ones would depend on the rows of other individuals.  Giving up is no error, and
 * depends on which values there are, not on their order: what a table needs follows
 * from their number and the sum of their lengths, and more values never need less.
 */
#include "postgres.h"

#include "aggregate/sketch_state.h"
#include "aggregate/sketch_values.h"
#include "core/errors.h"
#include "spec/spec.h"
#include "spec/value_key.h"

#define FIRST_CAPACITY 2		/* entries of a new table */
#define FIRST_DATA 16			/* bytes for values of a new table */

/* Bytes of a table; capacity is a power of two. */
static inline uint64
table_size(uint32 capacity, uint64 data_capacity)
{
	return capacity * (uint64) SKETCH_ENTRY_BYTES + data_capacity;
}

/* Bytes that follow a header of VALUES; SKETCH_NO_SIZE if it is malformed.  See sketch_open(). */
Size
values_data_size(const SketchState *header)
{
	uint32		capacity = header->capacity;

	if (capacity == 0)
		return header->used == 0 && header->data_capacity == 0 ? 0 : SKETCH_NO_SIZE;
	if (!sketch_is_power(capacity) || header->used > capacity ||
		header->data_used > header->data_capacity ||
		table_size(capacity, header->data_capacity) > header->limit)
		return SKETCH_NO_SIZE;
	return (Size) table_size(capacity, header->data_capacity);
}

/* A table without values, of those capacities. */
static SketchState *
new_table(SketchStage stage, uint32 limit, uint32 capacity, uint32 data_capacity)
{
	SketchState *state = sketch_new(SPEC_SKETCH_VALUES, stage, limit,
									table_size(capacity, data_capacity));

	state->capacity = capacity;
	state->data_capacity = data_capacity;
	return state;
}

/* A state without values; limit in bytes. */
SketchState *
values_new(SketchStage stage, uint32 limit)
{
	return new_table(stage, limit, FIRST_CAPACITY, FIRST_DATA);
}

static inline SketchEntry *
entries_of(const SketchState *state)
{
	return (SketchEntry *) SKETCH_DATA(state);
}

static inline uint32 *
slots_of(const SketchState *state)
{
	return (uint32 *) (entries_of(state) + state->capacity);
}

static inline char *
data_of(const SketchState *state)
{
	return (char *) (slots_of(state) + 2 * state->capacity);
}

/* The bytes of an entry's value; elog if they do not lie within those in use. */
static inline const char *
bytes_of(const SketchState *state, const SketchEntry *entry)
{
	if (unlikely((uint64) entry->offset + entry->length > state->data_used))
		malformed("sketch state");
	return data_of(state) + entry->offset;
}

/* Is the entry's value the key's? */
static inline bool
holds(const SketchState *state, const SketchEntry *entry, const ValueKey *key)
{
	return entry->hash == key->hash && entry->length == key->length &&
		memcmp(bytes_of(state, entry), key->bytes, key->length) == 0;
}

/* The slot of a value: the one it has, else the free one it would take. */
static inline uint32 *
find_slot(const SketchState *state, const ValueKey *key)
{
	uint32	   *slots = slots_of(state);
	uint32		mask = 2 * state->capacity - 1;
	uint32		slot = (uint32) key->hash & mask;

	for (uint32 i = 0; i <= mask; i++)
	{
		if (slots[slot] == 0)
			return &slots[slot];
		if (slots[slot] > state->used)
			break;
		if (holds(state, &entries_of(state)[slots[slot] - 1], key))
			return &slots[slot];
		slot = (slot + 1) & mask;
	}
	malformed("sketch state");	/* full or wrong; ours never are */
	return NULL;
}

/* Fills the slots of a table whose entries are all different. */
static void
fill_slots(SketchState *state)
{
	uint32	   *slots = slots_of(state);
	uint32		mask = 2 * state->capacity - 1;

	for (uint32 i = 0; i < state->used; i++)
	{
		uint32		slot = (uint32) entries_of(state)[i].hash & mask;

		while (slots[slot] != 0)
			slot = (slot + 1) & mask;
		slots[slot] = i + 1;
	}
}

/*
 * The same entries in a table with room for one more value of "length" bytes.
 *
 * The table gives up if the least it needs exceeds the limit: the smallest power of two
 * of entries, and the bytes of all values.  Where it fits, the room for bytes doubles,
 * as far as the limit allows.
 */
static SketchState *
grow(const SketchState *state, uint32 length)
{
	uint32		capacity = state->used < state->capacity ? state->capacity : 2 * state->capacity;
	uint64		needed = state->data_used + (uint64) length;
	uint64		data = state->data_capacity;
	SketchState *larger;

	if (table_size(capacity, needed) > state->limit)
		return sketch_give_up(state);
	if (needed > data)
		data = Max(2 * data, needed);
	data = Min(data, state->limit - table_size(capacity, 0));
	larger = new_table(state->stage, state->limit, capacity, (uint32) data);
	larger->counted = state->counted;
	larger->used = state->used;
	larger->data_used = state->data_used;
	memcpy(entries_of(larger), entries_of(state), state->used * sizeof(SketchEntry));
	memcpy(data_of(larger), data_of(state), state->data_used);
	fill_slots(larger);
	return larger;
}

/* Appends an entry without weight to a table with room for it. */
static SketchEntry *
append(SketchState *state, const ValueKey *key)
{
	SketchEntry *entry = &entries_of(state)[state->used++];

	entry->hash = key->hash;
	entry->weight = 0;
	entry->individuals = 0;
	entry->offset = state->data_used;
	entry->length = key->length;
	memcpy(data_of(state) + state->data_used, key->bytes, key->length);
	state->data_used += key->length;
	return entry;
}

/* Adds to the weight and the number of individuals of a value, which may be new to the state. */
SketchState *
values_add(SketchState *state, const ValueKey *key, int64 weight, int64 individuals)
{
	uint32	   *slot;
	SketchEntry *entry;

	if (state->capacity == 0)
		return state;
	slot = find_slot(state, key);
	if (*slot != 0)
		entry = &entries_of(state)[*slot - 1];
	else
	{
		if (state->used == state->capacity ||
			key->length > state->data_capacity - state->data_used)
			return values_add(grow(state, key->length), key, weight, individuals);
		entry = append(state, key);
		*slot = state->used;
	}
	entry->weight = sketch_sum(entry->weight, weight);
	entry->individuals = sketch_sum(entry->individuals, individuals);
	return state;
}

/*
 * The value of entry i, 0 .. used - 1: its key, weight and number of individuals.  The
 * key's bytes point into the state.  elog for a negative number, as only forged states
 * have.
 */
void
values_get(const SketchState *state, uint32 i, ValueKey *key, int64 *weight,
		   int64 *individuals)
{
	const SketchEntry *entry = &entries_of(state)[i];

	key->hash = entry->hash;
	key->bytes = bytes_of(state, entry);
	key->length = entry->length;
	*weight = entry->weight;
	*individuals = entry->individuals;
	if (*weight < 0 || *individuals < 0)
		malformed("sketch state");
}
