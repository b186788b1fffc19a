/*
 * sketch_state.h
 *		The states of sketches: how they are stored, and their limits.
 *
 * A state is a flat bytea that describes itself, so that it can go through
 * tuples, parallel workers and nodes.  SQL can hand any bytes to the aggregates.
 * So the header and the size of a state are checked before it is used, and what
 * else it holds is checked where it is followed.  Nothing stored in a state is ever
 * given to a function of a type; values are compared as bytes.
 *
 * A state of values or hashes has a limit to its memory; sketch.c tells what becomes
 * of one that would exceed it.  Cells need no limit, because they are few.
 *
 * A function that adds to a state may return another, larger state instead of the
 * one it was given.  The new one lies in the current memory context, and the old one
 * is left alone; see sketch.c.
 */
#ifndef DP_SKETCH_STATE_H
#define DP_SKETCH_STATE_H

#include "postgres.h"

#include "common/int.h"
#include "utils/expandeddatum.h"	/* and VARSIZE of all versions */

#include "spec/domain.h"
#include "spec/spec.h"

/* What field "magic" holds: bytes of anything else are no state. */
#define SKETCH_MAGIC 0x6b73

/*
 * Limits, in bytes after the header.  All sketches of one group stand in one row, and
 * PostgreSQL raises an error for a row of 1 GB or more.  Whether it does must not
 * depend on anybody's rows.
 */
#define SKETCH_MB (1U << 20)
#define SKETCH_ROWS_BYTES (4 * SKETCH_MB)	/* one sketch of an individual's rows */
#define SKETCH_GROUP_BYTES (512 * SKETCH_MB)	/* one sketch of a group */
#define SKETCH_VALUES_BYTES (768 * SKETCH_MB)	/* all sketches of a group together, but for
												 * cells */

StaticAssertDecl(DP_MAX_CELLS * sizeof(int64) <= SKETCH_ROWS_BYTES &&
				 SKETCH_VALUES_BYTES / DP_MAX_SKETCHES >= SKETCH_ROWS_BYTES,
				 "the limit of an individual's rows is the smallest");
StaticAssertDecl(DP_MAX_SKETCHES * DP_MAX_CELLS * sizeof(int64) <= 64 * SKETCH_MB,
				 "sketches of cells fit beside them");

/* What the weights of a state count. */
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
 *	CELLS of a group	uint32 words[capacity], a list in order of arrival: either one
 *						word, a cell whose weight is the field "listed"; or two words,
 *						of which the first holds the cell, SKETCH_WEIGHED and between
 *						them the highest bits of its weight, the second the lowest
 *	VALUES				SketchEntry entries[capacity], in order of arrival, then
 *						uint32 slots[2 * capacity], where an entry's number plus one
 *						stands, or 0: a hash table, then char bytes[data_capacity]
 *	DISTINCT			uint64 hashes[capacity], 0 where there is none: a hash table
 *
 * VALUES, and DISTINCT of rows, with capacity 0 have given up: there were too many
 * values, and none is kept.
 *
 * Capacities are powers of two, except for those of lists of cells.
 */
typedef struct SketchState
{
	int32		vl_len_;		/* varlena header (do not touch directly!) */
	uint16		magic;
	uint8		kind;			/* SpecSketchKind */
	uint8		stage;			/* SketchStage */
	int64		counted;		/* rows that have a value, or individuals that have one */
	int32		cells;			/* number of cells of the grid; CELLS only */
	uint32		capacity;		/* room for slots, words, entries or hashes */
	uint32		used;			/* slots, words, entries or hashes in use; 0 in an array */
	uint32		data_capacity;	/* room for bytes of values; VALUES only */
	uint32		data_used;		/* bytes of values in use; VALUES only */
	uint32		limit;			/* most bytes that may follow the header; 0 for CELLS */
	int64		listed;			/* weight of a cell that has one word of a list; CELLS only */
} SketchState;

/* What follows the header. */
#define SKETCH_DATA(state) ((char *) (state) + sizeof(SketchState))

extern SketchState *sketch_new(SpecSketchKind kind, SketchStage stage, uint32 limit, Size data);
extern SketchState *sketch_give_up(const SketchState *state);

/* Instead of a number of bytes: a header that is malformed. */
#define SKETCH_NO_SIZE ((Size) -1)

/* Is n a power of two? */
static inline bool
sketch_is_power(uint32 n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

/* Has the state met too many values, so that it keeps none? */
static inline bool
sketch_gave_up(const SketchState *state)
{
	return state->kind != SPEC_SKETCH_CELLS && state->capacity == 0;
}

/*
 * The slot of a hash table to visit as the i-th, so that all are visited in turn.  They
 * are not visited in their order: entries that were moved to another table in that order
 * would crowd in one place of it.
 */
static inline uint32
sketch_visit(uint32 i, uint32 capacity)
{
	return (i * 0x9e3779b1U) & (capacity - 1);
}

/* a + b, or the end of int64 that it would pass: only forged states come that far. */
static inline int64
sketch_sum(int64 a, int64 b)
{
	int64		sum;

	if (unlikely(pg_add_s64_overflow(a, b, &sum)))
		return b > 0 ? PG_INT64_MAX : PG_INT64_MIN;
	return sum;
}

#endif							/* DP_SKETCH_STATE_H */
