/*
 * sketch_state.h
 *		The states of sketches: how they are stored, and what adds to them.
 *
 * A state is a flat bytea that describes itself, so that it can go through
 * tuples, parallel workers and nodes.  SQL can hand any bytes to the
 * aggregates: a state's header and size are checked before it is used, and
 * whatever else it holds only where it is followed.  Nothing stored in a state
 * is ever given to a function of a type; values are compared as bytes.
 *
 * Each state of values or hashes has a limit to its memory; sketch.c tells what
 * becomes of one that would exceed it.  Cells need none, they are few.
 *
 * Functions that add may return another, larger state instead of the one they
 * were given.  It lies in the current memory context, the old one is left
 * alone; see sketch.c.
 */
#ifndef DP_SKETCH_STATE_H
#define DP_SKETCH_STATE_H

#include "postgres.h"

#include "spec/domain.h"
#include "common/int.h"
#include "mechanism/rank.h"
#include "spec/spec.h"
#include "utils/expandeddatum.h"	/* and VARSIZE of all versions */

#define SKETCH_MAGIC 0x6b73

/*
 * Limits, in bytes after the header.  All sketches of one group stand in one
 * row, and a row of 1 GB or more is an error: whether it occurs must not depend
 * on anybody's rows.
 */
#define SKETCH_MB (1U << 20)
#define SKETCH_ROWS_BYTES (4 * SKETCH_MB)	/* a sketch of an individual's rows */
#define SKETCH_GROUP_BYTES (512 * SKETCH_MB)	/* a sketch of a group */
#define SKETCH_ALL_BYTES (800 * SKETCH_MB)	/* all sketches of a group */

StaticAssertDecl(DP_MAX_CELLS * sizeof(int64) <= SKETCH_ROWS_BYTES &&
				 SKETCH_ALL_BYTES / DP_MAX_SKETCHES >= SKETCH_ROWS_BYTES,
				 "the limit of an individual's rows is the smallest");

typedef enum SketchStage
{
	SKETCH_ROWS,				/* rows of one individual */
	SKETCH_INDIVIDUALS			/* bounded weights of individuals */
} SketchStage;

/*
 * What follows the header:
 *
 *	CELLS, capacity 0	int64 weights[cells]
 *	CELLS of rows		int64 weights[capacity], int32 cells[capacity], where a
 *						cell's number plus one stands, or 0: a hash table
 *	CELLS of a group	uint32 words[capacity], in order of arrival: a cell, which gets
 *						the weight that one row of an individual has, or a cell with
 *						SKETCH_WEIGHED, the weight's highest bits between and its
 *						lowest in a second word
 *	VALUES				SketchEntry entries[capacity], uint32 slots[2 * capacity],
 *						where an entry's number plus one stands, or 0, char
 *						bytes[data_capacity]
 *	DISTINCT			uint64 hashes[capacity], 0 where there is none
 *
 * VALUES, and DISTINCT of rows, with capacity 0: there were too many values, and
 * none is kept.
 *
 * Capacities are powers of two, but for those of lists of cells.
 */
typedef struct SketchState
{
	int32		vl_len_;		/* varlena header (do not touch directly!) */
	uint16		magic;
	uint8		kind;			/* SpecSketchKind */
	uint8		stage;			/* SketchStage */
	int64		total;			/* rows with a value, or individuals with one */
	int32		cells;			/* of the grid; CELLS only */
	uint32		capacity;
	uint32		used;			/* cells, entries or hashes that are there */
	uint32		data_capacity;	/* VALUES only */
	uint32		data_used;
	uint32		limit;			/* of the bytes that follow; 0 for CELLS */
	int64		listed;			/* weight of a cell by itself in a list; CELLS only */
} SketchState;

/* One value: where its bytes are, and how much it weighs. */
typedef struct SketchEntry
{
	uint64		hash;
	int64		weight;			/* rows, or DP_CELL_SCALE per individual */
	int64		individuals;
	uint32		offset;
	uint32		length;
} SketchEntry;

/* A value as it is stored. */
typedef struct SketchKey
{
	uint64		hash;
	const char *bytes;
	uint32		length;
} SketchKey;

/* Weights that do not fit into two words end a list: only forged ones do. */
#define SKETCH_CELL_BITS 17
#define SKETCH_CELL_MASK ((1U << SKETCH_CELL_BITS) - 1)
#define SKETCH_WEIGHED (1U << 31)
#define SKETCH_LISTED_WEIGHT ((int64) 1 << (32 + 31 - SKETCH_CELL_BITS))

StaticAssertDecl(DP_MAX_CELLS <= SKETCH_CELL_MASK + 1, "cells fit into the bits they have");

#define SKETCH_DATA(state) ((char *) (state) + sizeof(SketchState))

/* What a value takes beside its bytes: an entry and two slots. */
#define SKETCH_ENTRY_BYTES (sizeof(SketchEntry) + 2 * sizeof(uint32))

extern void sketch_malformed(void) pg_attribute_noreturn();
extern SketchState *sketch_new(SpecSketchKind kind, SketchStage stage, uint32 limit, Size data);
extern SketchState *sketch_give_up(const SketchState *state);
extern SketchState *sketch_open(Datum datum);

extern SketchState *cells_new(SketchStage stage, int cells, int64 listed);
extern SketchState *cells_add_slowly(SketchState *state, int cell, int64 weight);
extern SketchState *cells_merge(SketchState *state, const SketchState *other);
extern void cells_sum(const SketchState *state, int64 *weights);
extern void cells_clear(const SketchState *state, int64 *weights);
extern bool cells_next(const SketchState *state, uint32 *position, int *cell, int64 *weight);

extern Size values_data_size(const SketchState *header);
extern SketchState *values_new(SketchStage stage, uint32 limit);
extern SketchState *values_add(SketchState *state, const SketchKey *key, int64 weight,
							   int64 individuals);
extern void values_get(const SketchState *state, uint32 i, SketchKey *key, int64 *weight,
					   int64 *individuals);

extern SketchState *distinct_new(SketchStage stage, uint32 limit);
extern SketchState *distinct_add_new(SketchState *state, uint64 hash);
extern SketchState *distinct_reserve(SketchState *state, uint32 n);
extern bool distinct_next(const SketchState *state, uint32 *position, uint64 *hash);

/* Sizes that no table exceeds are malformed. */
#define SKETCH_NO_SIZE ((Size) -1)

static inline bool
sketch_is_power(uint32 n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

#define CELLS_FIRST_CAPACITY 4
#define CELLS_SLOT_SIZE (sizeof(int64) + sizeof(int32))

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

#define DISTINCT_FIRST_CAPACITY 4

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

/* Has the state met too many values? */
static inline bool
sketch_gave_up(const SketchState *state)
{
	return state->kind != SPEC_SKETCH_CELLS && state->capacity == 0;
}

/*
 * The i-th slot to visit of a hash table.  Not in their order: entries moved
 * to another table in that order would crowd in one part of it.
 */
static inline uint32
sketch_visit(uint32 i, uint32 capacity)
{
	return (i * 0x9e3779b1U) & (capacity - 1);
}

/* A sum that stops at the ends of int64: only forged states reach them. */
static inline int64
sketch_sum(int64 a, int64 b)
{
	int64		sum;

	if (unlikely(pg_add_s64_overflow(a, b, &sum)))
		return b > 0 ? PG_INT64_MAX : PG_INT64_MIN;
	return sum;
}

/* A permutation of 64-bit integers whose bits all depend on each other. */
static inline uint64
sketch_mix(uint64 x)
{
	x ^= x >> 30;
	x *= UINT64CONST(0xbf58476d1ce4e5b9);
	x ^= x >> 27;
	x *= UINT64CONST(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

#endif							/* DP_SKETCH_STATE_H */
