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

#include "common/int.h"
#include "utils/expandeddatum.h"	/* and VARSIZE of all versions */

#include "spec/domain.h"
#include "spec/spec.h"

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
	int64		counted;		/* rows with a value, or individuals with one */
	int32		cells;			/* of the grid; CELLS only */
	uint32		capacity;
	uint32		used;			/* cells, entries or hashes that are there */
	uint32		data_capacity;	/* VALUES only */
	uint32		data_used;
	uint32		limit;			/* of the bytes that follow; 0 for CELLS */
	int64		listed;			/* weight of a cell by itself in a list; CELLS only */
} SketchState;

#define SKETCH_DATA(state) ((char *) (state) + sizeof(SketchState))

extern SketchState *sketch_new(SpecSketchKind kind, SketchStage stage, uint32 limit, Size data);
extern SketchState *sketch_give_up(const SketchState *state);

/* Sizes that no table exceeds are malformed. */
#define SKETCH_NO_SIZE ((Size) -1)

static inline bool
sketch_is_power(uint32 n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

/* Has the state met too many values? */
static inline bool
sketch_gave_up(const SketchState *state)
{
	return state->kind != SPEC_SKETCH_CELLS && state->capacity == 0;
}

/*
 * The i-th slot to visit of a hash table.  Not in their order: entries moved
 * to another table in that order would crowd in one place of it.
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

#endif							/* DP_SKETCH_STATE_H */
