/*
 * sketch_add.c
 *		Opens sketches, and adds individuals and whole states to them.
 *
 * An individual's rows come as a state of their own.  If there are n of them, each
 * weighs DP_CELL_SCALE / max(n, r), or by total its part of what clip_weight() says; what the rows
 * of a cell or value weigh together is rounded down.  Of more than r different values, r count.  An individual
 * whose values did not fit into its state counts as one without a value.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"

#include "aggregate/sketch_add.h"
#include "aggregate/sketch_cells.h"
#include "aggregate/sketch_distinct.h"
#include "aggregate/sketch_state.h"
#include "aggregate/sketch_values.h"
#include "core/errors.h"
#include "spec/domain.h"
#include "spec/spec.h"
#include "spec/value_key.h"

/* Most rows of one individual in a group: times DP_CELL_SCALE they still fit into an int64. */
#define MOST_ROWS ((int64) 1 << 38)

/*
 * Which r of an individual's values count, if it has more than r: those with the
 * smallest ranks.  The rank of a value is a hash of the value and of the salt.
 */
typedef struct Selection
{
	uint64		salt;			/* hash of all values of this individual, in any order */
	uint64		last;			/* largest rank that counts */
	int64		left;			/* number of values that may still count */
} Selection;

/* ----------
 * The description
 * ----------
 */

/*
 * Most bytes, after the header, of one of a group's sketches of values or hashes, whose number
 * in the release counts; see sketch_state.h.
 */
uint32
sketch_limit(const ReleaseSpec *spec)
{
	int			limited = 0;

	for (int i = 0; i < spec->nsketches; i++)
		limited += spec->sketches[i].kind != SPEC_SKETCH_CELLS;
	return Min(SKETCH_GROUP_BYTES, SKETCH_VALUES_BYTES / Max(limited, 1));
}

/* The description of the i-th sketch, if there is one that fits its type. */
static const SpecSketch *
checked_sketch(const ReleaseSpec *spec, int i)
{
	const SpecSketch *sketch;

	if (i < 0 || i >= spec->nsketches)
		malformed("release description");
	sketch = &spec->sketches[i];
	if (sketch->kind == SPEC_SKETCH_CELLS && domain_of_type(sketch->value_type) != sketch->type)
		malformed("release description");
	return sketch;
}

/* The parameters of a release, as an array of spec->nparams; elog if it is no such array. */
static const double *
read_values(const ReleaseSpec *spec, ArrayType *array)
{
	if (ARR_NDIM(array) != 1 || ARR_HASNULL(array) || ARR_ELEMTYPE(array) != FLOAT8OID ||
		ARR_DIMS(array)[0] != spec->nparams)
		malformed("release parameters");
	return (const double *) ARR_DATA_PTR(array);
}

/* The seed of hashes, from the id of the description: no client can foresee it. */
static uint64
spec_seed(const ReleaseSpec *spec)
{
	uint64		halves[2];

	StaticAssertStmt(sizeof(halves) == sizeof(spec->id), "id of a release has 16 bytes");
	memcpy(halves, spec->id, sizeof(halves));
#ifdef DP_FAULT_NOISELESS
	return UINT64CONST(0x5851f42d4c957f2d); /* the same values count in every run */
#endif
	return hash_combine64(value_mix(halves[0]), halves[1]);
}

/*
 * Opens sketch i (from 0) of a release under the parameters of one execution.
 *
 * reads_values: values of rows will be read, and not only states merged.  What must
 * last is allocated in "context".  elog if the description is malformed; errors of
 * spec_read_params() if a parameter is out of range.
 */
void
sketch_reader_open(SketchReader *reader, const ReleaseSpec *spec, int i, ArrayType *params,
				   bool reads_values, MemoryContext context)
{
	const double *values;
	ReleaseParams checked;

	reader->sketch = *checked_sketch(spec, i);
	values = read_values(spec, params);
	spec_read_params(spec, values, &checked);
	reader->rows = checked.rows;
	reader->unit = checked.unit;
	reader->limit = sketch_limit(spec);
	reader->seed = spec_seed(spec);
	if (reader->sketch.kind == SPEC_SKETCH_CELLS)
		grid_open(&reader->grid, &reader->sketch, values);
	else if (reads_values)
		key_open(&reader->keys, reader->sketch.value_type, reader->sketch.collation,
				 reader->seed, context);
}

/* elog unless the state, whose header is checked, is of this sketch and of that stage. */
void
sketch_check_state(const SketchReader *reader, const SketchState *state, SketchStage stage)
{
	if (state->kind != reader->sketch.kind || state->stage != stage ||
		(state->kind == SPEC_SKETCH_CELLS ? state->cells != reader->grid.cells :
		 state->limit != sketch_state_limit(reader, stage)))
		malformed("sketch state");
}

/* A new state without rows, in the current memory context. */
SketchState *
sketch_first(const SketchReader *reader, SketchStage stage)
{
	switch (reader->sketch.kind)
	{
		case SPEC_SKETCH_CELLS:
			return cells_new(stage, reader->grid.cells, sketch_listed_weight(reader));
		case SPEC_SKETCH_VALUES:
			return values_new(stage, sketch_state_limit(reader, stage));
		case SPEC_SKETCH_DISTINCT:
			return distinct_new(stage, sketch_state_limit(reader, stage));
	}
	malformed("sketch state");
	return NULL;
}

/* ----------
 * Individuals
 * ----------
 */

/* sketch_weight() of some of the rows of an individual; elog if there are more of them than it has. */
static int64
bounded_weight(const SketchState *individual, int64 rows, SketchShare share)
{
	if (rows > individual->counted || individual->counted > MOST_ROWS ||
		individual->counted > share.rows || share.rows < 1)
		malformed("sketch state");
	return sketch_weight(rows, share);
}

/* For qsort(): ranks, ascending. */
static int
compare_ranks(const void *a, const void *b)
{
	uint64		x = *(const uint64 *) a;
	uint64		y = *(const uint64 *) b;

	return x < y ? -1 : x > y ? 1 : 0;
}

/*
 * Decides which r of n > r values count, by their hashes, in whatever order these are.
 * hashes[0 .. n - 1] is overwritten.
 */
static void
select_values(Selection *selection, uint64 *hashes, int64 n, int64 r, uint64 seed)
{
	selection->salt = seed;
	for (int64 i = 0; i < n; i++)
		selection->salt += value_mix(hashes[i]);	/* in any order */
	for (int64 i = 0; i < n; i++)
		hashes[i] = value_mix(hashes[i] ^ selection->salt);
	qsort(hashes, n, sizeof(uint64), compare_ranks);
	selection->last = hashes[r - 1];
	selection->left = r;
}

/* Does the value with that hash count?  To be asked once for each value. */
static bool
selected(Selection *selection, uint64 hash)
{
	return value_mix(hash ^ selection->salt) <= selection->last && selection->left-- > 0;
}

/* Adds an individual's rows to a group's CELLS. */
static SketchState *
add_cells(SketchState *state, const SketchState *individual, SketchShare share)
{
	uint32		position = 0;
	int			cell;
	int64		rows;

	while (cells_next(individual, &position, &cell, &rows))
		state = cells_add(state, cell, bounded_weight(individual, rows, share));
	return state;
}

/* select_values() for an individual's VALUES. */
static void
select_of_values(Selection *selection, const SketchState *individual, const SketchReader *reader)
{
	uint64	   *hashes = palloc(individual->used * sizeof(uint64));
	ValueKey	key;
	int64		unused;

	for (uint32 i = 0; i < individual->used; i++)
	{
		values_get(individual, i, &key, &unused, &unused);
		hashes[i] = key.hash;
	}
	select_values(selection, hashes, individual->used, reader->rows, reader->seed);
	pfree(hashes);
}

/* Adds an individual's rows to a group's VALUES. */
static SketchState *
add_values(SketchState *state, const SketchState *individual, const SketchReader *reader,
		   SketchShare share)
{
	bool		all = individual->used <= reader->rows;
	Selection	selection;
	ValueKey	key;
	int64		rows;
	int64		unused;

	if (!all)
		select_of_values(&selection, individual, reader);
	for (uint32 i = 0; i < individual->used; i++)
	{
		values_get(individual, i, &key, &rows, &unused);
		if (all || selected(&selection, key.hash))
			state = values_add(state, &key, bounded_weight(individual, rows, share), 1);
	}
	return state;
}

/* select_values() for an individual's DISTINCT; elog if it does not hold as many as it says. */
static void
select_of_distinct(Selection *selection, const SketchState *individual, const SketchReader *reader)
{
	uint64	   *hashes = palloc(individual->used * sizeof(uint64));
	uint32		position = 0;
	uint64		hash;
	uint32		n = 0;

	while (n < individual->used && distinct_next(individual, &position, &hash))
		hashes[n++] = hash;
	if (n != individual->used)
		malformed("sketch state");
	select_values(selection, hashes, n, reader->rows, reader->seed);
	pfree(hashes);
}

/* Adds an individual's rows to a group's DISTINCT. */
static SketchState *
add_distinct(SketchState *state, const SketchState *individual, const SketchReader *reader)
{
	bool		all = individual->used <= reader->rows;
	Selection	selection;
	uint32		position = 0;
	uint64		hash;

	if (!all)
		select_of_distinct(&selection, individual, reader);
	while (distinct_next(individual, &position, &hash))
	{
		if (all || selected(&selection, hash))
			state = distinct_add(state, hash);
	}
	return state;
}

/*
 * Adds one individual to the state of its group.  individual is the state of its rows
 * there, which has not given up; share is what these weigh, which DISTINCT does not ask.
 */
SketchState *
sketch_add_individual(const SketchReader *reader, SketchState *state, const SketchState *individual,
					  SketchShare share)
{
	if (individual->kind == SPEC_SKETCH_CELLS)
		state = add_cells(state, individual, share);
	else if (individual->kind == SPEC_SKETCH_VALUES)
		state = add_values(state, individual, reader, share);
	else
		state = add_distinct(state, individual, reader);
	state->counted = sketch_sum(state->counted, 1);
	return state;
}

/*
 * Adds what another state of the same kind, stage and limit holds, except for its count
 * of rows or individuals.  The result has given up if the other one has.
 */
SketchState *
sketch_merge(SketchState *state, const SketchState *other)
{
	ValueKey	key;
	uint32		position = 0;
	uint64		hash;
	int64		weight;
	int64		individuals;

	if (sketch_gave_up(other))
		return sketch_give_up(state);
	switch (other->kind)
	{
		case SPEC_SKETCH_CELLS:
			state = cells_merge(state, other);
			break;
		case SPEC_SKETCH_VALUES:
			for (uint32 i = 0; i < other->used; i++)
			{
				CHECK_FOR_INTERRUPTS();
				values_get(other, i, &key, &weight, &individuals);
				state = values_add(state, &key, weight, individuals);
			}
			break;
		case SPEC_SKETCH_DISTINCT:
			state = distinct_reserve(state, other->used);
			while (distinct_next(other, &position, &hash))
			{
				CHECK_FOR_INTERRUPTS();
				state = distinct_add(state, hash);
			}
			break;
	}
	return state;
}
