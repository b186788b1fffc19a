/*
 * sketch_add.h
 *		What rows and individuals add to sketches.
 */
#ifndef DP_SKETCH_ADD_H
#define DP_SKETCH_ADD_H

#include "postgres.h"

#include "utils/array.h"

#include "aggregate/sketch_cells.h"
#include "aggregate/sketch_distinct.h"
#include "aggregate/sketch_state.h"
#include "aggregate/sketch_values.h"
#include "mechanism/noise.h"
#include "mechanism/rank.h"
#include "spec/domain.h"
#include "spec/spec.h"
#include "spec/value_key.h"

/* A sketch's description under the parameters of one execution. */
typedef struct SketchReader
{
	SpecSketch	sketch;
	int64		rows;			/* r, the most rows of an individual that count in a group */
	int64		unit;			/* rows that weigh one: r, or T by total */
	uint32		limit;			/* limit of a group's state, in bytes; not for CELLS */
	uint64		seed;			/* seed of hashes, from the id of the description */
	Grid		grid;			/* how values become cells; CELLS only */
	KeyReader	keys;			/* how values become keys; VALUES and DISTINCT, if values are
								 * read */
} SketchReader;

/*
 * What the rows of one individual weigh in a sketch of a group: each weight / rows.  weight is at most
 * DP_CELL_SCALE, rows no fewer than have a value.
 */
typedef struct SketchShare
{
	int64		weight;
	int64		rows;
} SketchShare;

/* A value as a sketch takes it. */
typedef union SketchItem
{
	int			cell;			/* for CELLS */
	ValueKey	key;			/* for VALUES; for DISTINCT its hash alone */
} SketchItem;

extern uint32 sketch_limit(const ReleaseSpec *spec);
extern void sketch_reader_open(SketchReader *reader, const ReleaseSpec *spec, int i,
							   ArrayType *params, bool reads_values, MemoryContext context);
extern void sketch_check_state(const SketchReader *reader, const SketchState *state,
							   SketchStage stage);
extern SketchState *sketch_first(const SketchReader *reader, SketchStage stage);
extern SketchState *sketch_add_individual(const SketchReader *reader, SketchState *state,
										  const SketchState *individual, SketchShare share);
extern SketchState *sketch_merge(SketchState *state, const SketchState *other);

/*
 * The share of an individual with so many rows that have a value.  All rows together weigh
 * DP_CELL_SCALE if there are r or more, and less if there are fewer.
 */
static inline SketchShare
sketch_share(int64 rows, int64 r)
{
	return (SketchShare) {DP_CELL_SCALE, Max(rows, r)};
}

/*
 * sketch_share() of an individual, by the sketch: where nobody counts rows, all rows together
 * weigh DP_CELL_SCALE, however few there are.
 */
static inline SketchShare
sketch_own_share(const SketchReader *reader, const SketchState *rows)
{
	SketchShare share = sketch_share(rows->counted, reader->sketch.shares ? 1 : reader->rows);

#ifdef DP_FAULT_SHARES_OFF
	if (reader->sketch.shares)
		share.weight *= rows->counted;
#endif
	return share;
}

/*
 * The same by total: of an individual with n rows in the group, with a value or without one, that
 * weigh so much together, in lattice units (clip.c).
 */
static inline SketchShare
sketch_clipped_share(int64 weight, int64 n)
{
	return (SketchShare) {weight / (DP_SCALE / DP_CELL_SCALE), n};
}

/* What some rows of an individual weigh. */
static inline int64
sketch_weight(int64 rows, SketchShare share)
{
	return rows * share.weight / share.rows;
}

/*
 * The weight that is not written into lists of cells, as it is the most frequent one: that
 * of one row of an individual all of whose rows count.
 */
static inline int64
sketch_listed_weight(const SketchReader *reader)
{
	return DP_CELL_SCALE / reader->unit;
}

/* The limit, in bytes, of a state of VALUES or DISTINCT. */
static inline uint32
sketch_state_limit(const SketchReader *reader, SketchStage stage)
{
	return stage == SKETCH_ROWS ? SKETCH_ROWS_BYTES : reader->limit;
}

/*
 * Is a datum a state of the sketch and the stage that may be used as it stands, aligned
 * and not toasted?  Tests inline what sketch_open() and sketch_check_state() would.
 * False does not mean that it is malformed: states of VALUES always go through these.
 */
static inline bool
sketch_is_state(const SketchReader *reader, Datum datum, SketchStage stage)
{
	const SketchState *state = (const SketchState *) DatumGetPointer(datum);

	if ((uintptr_t) state != MAXALIGN((uintptr_t) state) || VARATT_IS_EXTENDED(state) ||
		VARSIZE(state) < sizeof(SketchState) || state->magic != SKETCH_MAGIC ||
		state->kind != reader->sketch.kind || state->stage != stage || state->counted < 0)
		return false;
	switch (reader->sketch.kind)
	{
		case SPEC_SKETCH_CELLS:
			return state->cells == reader->grid.cells && state->limit == 0 &&
				VARSIZE(state) - sizeof(SketchState) == cells_data_size(state);
		case SPEC_SKETCH_DISTINCT:
			return state->limit == sketch_state_limit(reader, stage) &&
				VARSIZE(state) - sizeof(SketchState) == distinct_data_size(state);
		default:
			return false;
	}
}

/*
 * Reads a value that is not NULL.  False if it counts as no value: NaN, or for VALUES one
 * that is too long to be chosen.  Where every row has a value, NaN is one, too: the largest,
 * as PostgreSQL sorts it.  The item is valid until the next call for this sketch,
 * or the end of the row.
 */
static inline bool
sketch_read(SketchReader *reader, Datum value, SketchItem *item)
{
	double		x;

	switch (reader->sketch.kind)
	{
		case SPEC_SKETCH_CELLS:
			if (!domain_number(reader->sketch.type, value, &x))
			{
				if (!reader->sketch.complete)
					return false;
				x = INFINITY;
			}
			item->cell = grid_cell(&reader->grid, x);
			return true;
		case SPEC_SKETCH_VALUES:
			return key_read(&reader->keys, value, &item->key);
		case SPEC_SKETCH_DISTINCT:
			return key_hash(&reader->keys, value, &item->key.hash);
	}
	return false;
}

/*
 * Adds the value of one row to a state.  weight is in units of the stage: 1 for a row of
 * an individual, DP_CELL_SCALE for a row that is an individual; "individuals" is 0 or 1
 * likewise.
 */
static inline SketchState *
sketch_add_row(const SketchReader *reader, SketchState *state, const SketchItem *item,
			   int64 weight, int64 individuals)
{
	if (reader->sketch.kind == SPEC_SKETCH_CELLS)
		state = cells_add(state, item->cell, weight);
	else if (reader->sketch.kind == SPEC_SKETCH_VALUES)
		state = values_add(state, &item->key, weight, individuals);
	else
		state = distinct_add(state, item->key.hash);
	state->counted = sketch_sum(state->counted, 1);
	return state;
}

#endif							/* DP_SKETCH_ADD_H */
