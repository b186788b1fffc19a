/*
 * sketch.c
 *		The aggregates that make sketches, and their readers.
 *
 * They have two forms, like the collector.  When the unit is unique in the input,
 * every row is an individual:
 *
 *		sketch(spec, params, i, x)						-> bytea
 *
 * Otherwise the rows of each (group, individual) are counted first, and then the
 * individuals are added up, each with weights of at most DP_CELL_SCALE in all:
 *
 *		sketch_rows(spec, params, i, x)					-> bytea
 *		sketch_bounded(spec, params, i, rows)			-> bytea
 *
 * or, where contributions are bounded over all groups of an individual (clip.c), with its sums in
 * the group and the sum of the costs of all its groups:
 *
 *		sketch_clipped(spec, params, i, rows, individual, cost)	-> bytea
 *
 * i is the sketch's position in the description.  A state is as sketch_state.h says;
 * where there is no value at all, it is NULL.
 *
 * States have a limit, because all states of a group stand in one row.  An individual
 * whose values do not fit counts as one without a value in this sketch.  Whether they
 * fit is decided by all of its own rows, in whatever order, and by nobody else's; so
 * it belongs to what the individual contributes and costs no privacy.  Whether the
 * state of a group fits depends on everybody's values: see sketch_usage().
 *
 * A transition value is changed in place.  One that has to grow is allocated anew, in
 * the current context, which is that of the row.  nodeAgg copies a result that is not
 * the pointer it passed into the context of its transition values, and frees the old
 * one (advance_transition_function() and what it calls).  So the old value must not be
 * freed or reallocated here.  As states grow by doubling, the second copy costs little.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"

#include "aggregate/clip.h"
#include "aggregate/collect.h"
#include "aggregate/contribution.h"
#include "aggregate/sketch.h"
#include "aggregate/sketch_add.h"
#include "aggregate/sketch_cells.h"
#include "aggregate/sketch_open.h"
#include "aggregate/sketch_state.h"
#include "aggregate/sketch_values.h"
#include "core/errors.h"
#include "mechanism/rank.h"
#include "spec/serialise.h"
#include "spec/spec.h"
#include "spec/value_key.h"

PG_FUNCTION_INFO_V1(dp_sketch_transition);
PG_FUNCTION_INFO_V1(dp_sketch_rows_transition);
PG_FUNCTION_INFO_V1(dp_sketch_bounded_transition);
PG_FUNCTION_INFO_V1(dp_sketch_clipped_transition);
PG_FUNCTION_INFO_V1(dp_sketch_combine);

/* What sketch_clipped() reads by. */
typedef struct ClippedReader
{
	SketchReader *sketch;
	Contributions *contributions;
} ClippedReader;

/*
 * Reads spec, parameters and position, arguments 1 to 3 of every transition function.
 * reads_value: the value of a row follows, and must be of the sketch's type.
 */
static SketchReader *
open_sketch(FunctionCallInfo fcinfo, bool reads_value)
{
	MemoryContext context = fcinfo->flinfo->fn_mcxt;
	SketchReader *reader = MemoryContextAllocZero(context, sizeof(SketchReader));
	ReleaseSpec *spec = spec_read(PG_GETARG_DATUM(1), CurrentMemoryContext);

	sketch_reader_open(reader, spec, PG_GETARG_INT32(3), PG_GETARG_ARRAYTYPE_P(2),
					   reads_value, context);
	pfree(spec);
	if (reads_value &&
		(PG_NARGS() != 5 ||
		 get_fn_expr_argtype(fcinfo->flinfo, 4) != reader->sketch.value_type))
		malformed("release description");
	return reader;
}

/* Raises an error if SQL calls the function by itself, or without spec, parameters and position. */
static void
check_call(FunctionCallInfo fcinfo)
{
	if (!AggCheckCallContext(fcinfo, NULL) ||
		PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("this function is only used inside releases of dp_agg")));
}

/* The same as open_sketch(), kept from the first row of an aggregation on. */
static inline SketchReader *
sketch_reader(FunctionCallInfo fcinfo, bool reads_value)
{
	if (unlikely(fcinfo->flinfo->fn_extra == NULL))
	{
		check_call(fcinfo);
		fcinfo->flinfo->fn_extra = open_sketch(fcinfo, reads_value);
	}
	return fcinfo->flinfo->fn_extra;
}

/* The same for sketch_clipped(); elog if the release is not bounded by total. */
static ClippedReader *
clipped_reader(FunctionCallInfo fcinfo)
{
	MemoryContext context = fcinfo->flinfo->fn_mcxt;
	ClippedReader *reader = fcinfo->flinfo->fn_extra;

	if (likely(reader != NULL))
		return reader;
	check_call(fcinfo);
	reader = MemoryContextAlloc(context, sizeof(ClippedReader));
	reader->sketch = open_sketch(fcinfo, false);
	reader->contributions = contributions_open(PG_GETARG_DATUM(1), PG_GETARG_ARRAYTYPE_P(2),
											   context);
	if (!reader->contributions->spec.by_total)
		malformed("release description");
	fcinfo->flinfo->fn_extra = reader;
	return reader;
}

/* The transition value, made if there is none yet. */
static inline SketchState *
state_argument(FunctionCallInfo fcinfo, const SketchReader *reader, SketchStage stage)
{
	SketchState *state;

	if (unlikely(PG_ARGISNULL(0)))
		return sketch_first(reader, stage);
	if (likely(sketch_is_state(reader, PG_GETARG_DATUM(0), stage)))
		return (SketchState *) PG_GETARG_POINTER(0);
	state = sketch_open(PG_GETARG_DATUM(0));
	sketch_check_state(reader, state, stage);
	return state;
}

/* The transition value as it was passed, also if it is NULL. */
static inline Datum
unchanged_state(FunctionCallInfo fcinfo)
{
	fcinfo->isnull = PG_ARGISNULL(0);
	return PG_GETARG_DATUM(0);
}

/*
 * Adds the value of a row, argument 4, with a weight in units of the stage.  A row with
 * NULL or NaN, or with a value that is too long to be chosen, adds nothing.
 */
static inline Datum
add_row(FunctionCallInfo fcinfo, SketchStage stage, int64 weight, int64 individuals)
{
	SketchReader *reader = sketch_reader(fcinfo, true);
	SketchItem	item = {0};

	if (PG_ARGISNULL(4) || !sketch_read(reader, PG_GETARG_DATUM(4), &item))
		return unchanged_state(fcinfo);
	return PointerGetDatum(sketch_add_row(reader, state_argument(fcinfo, reader, stage),
										  &item, weight, individuals));
}

/*
 * sketch_transition(state bytea, spec bytea, params float8[], i int, x "any")
 *
 * Adds one row, which is one individual of the group.
 */
PGDLLEXPORT Datum
dp_sketch_transition(PG_FUNCTION_ARGS)
{
	return add_row(fcinfo, SKETCH_INDIVIDUALS, DP_CELL_SCALE, 1);
}

/*
 * sketch_rows_transition(state bytea, spec bytea, params float8[], i int, x "any")
 *
 * Counts one row of one individual.
 */
PGDLLEXPORT Datum
dp_sketch_rows_transition(PG_FUNCTION_ARGS)
{
	return add_row(fcinfo, SKETCH_ROWS, 1, 0);
}

/* The state of an individual's rows, argument 4; NULL if it adds nothing. */
static const SketchState *
rows_argument(FunctionCallInfo fcinfo, const SketchReader *reader)
{
	const SketchState *rows;

	if (PG_ARGISNULL(4))
		return NULL;
	rows = sketch_open(PG_GETARG_DATUM(4));
	sketch_check_state(reader, rows, SKETCH_ROWS);
	return sketch_gave_up(rows) ? NULL : rows;
}

/* Adds an individual whose rows have that share. */
static inline Datum
add_individual(FunctionCallInfo fcinfo, const SketchReader *reader, const SketchState *rows,
			   SketchShare share)
{
	CHECK_FOR_INTERRUPTS();
	return PointerGetDatum(sketch_add_individual(reader,
												 state_argument(fcinfo, reader, SKETCH_INDIVIDUALS),
												 rows, share));
}

/*
 * sketch_bounded_transition(state bytea, spec bytea, params float8[], i int, rows bytea)
 *
 * Adds one individual of the group, by the state of its rows.
 */
PGDLLEXPORT Datum
dp_sketch_bounded_transition(PG_FUNCTION_ARGS)
{
	SketchReader *reader = sketch_reader(fcinfo, false);
	const SketchState *rows = rows_argument(fcinfo, reader);

	if (rows == NULL)
		return unchanged_state(fcinfo);
	return add_individual(fcinfo, reader, rows, sketch_own_share(reader, rows));
}

/*
 * sketch_clipped_transition(state bytea, spec bytea, params float8[], i int, rows bytea,
 *							 individual bytea, cost bigint)
 *
 * The same, with what an individual's rows weigh that is scaled if all its groups cost more than one.
 */
PGDLLEXPORT Datum
dp_sketch_clipped_transition(PG_FUNCTION_ARGS)
{
	ClippedReader *reader = clipped_reader(fcinfo);
	const Contributions *contributions = reader->contributions;
	const SketchState *rows = rows_argument(fcinfo, reader->sketch);
	int64		sums[DP_MAX_FEATURES];
	int64		n;

	if (rows == NULL || PG_ARGISNULL(5) || PG_ARGISNULL(6))
		return unchanged_state(fcinfo);
	collect_read_sums(contributions, PG_GETARG_DATUM(5), sums);
	n = sums[contributions->spec.rows];
	return add_individual(fcinfo, reader->sketch, rows,
						  sketch_clipped_share(clip_weight(contributions, n, PG_GETARG_INT64(6)),
											   n));
}

/* sketch_combine(bytea, bytea): adds two states of one sketch and one stage. */
PGDLLEXPORT Datum
dp_sketch_combine(PG_FUNCTION_ARGS)
{
	SketchState *state;
	const SketchState *other;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called in non-aggregate context");
	if (PG_ARGISNULL(1))
	{
		fcinfo->isnull = PG_ARGISNULL(0);
		return PG_GETARG_DATUM(0);
	}
	other = sketch_open(PG_GETARG_DATUM(1));
	if (PG_ARGISNULL(0))
		PG_RETURN_POINTER(other);
	state = sketch_open(PG_GETARG_DATUM(0));
	if (state->kind != other->kind || state->stage != other->stage ||
		state->cells != other->cells || state->limit != other->limit)
		malformed("sketch state");
	state = sketch_merge(state, other);
	state->counted = sketch_sum(state->counted, other->counted);
	PG_RETURN_POINTER(state);
}

/* ----------
 * Reading
 * ----------
 */

/* The finished state of a group; elog if it is not of that kind. */
static const SketchState *
finished_state(Datum datum, SpecSketchKind kind)
{
	const SketchState *state = sketch_open(datum);

	if (state->kind != kind || state->stage != SKETCH_INDIVIDUALS)
		malformed("sketch state");
	return state;
}

/*
 * Puts the weights of all "ncells" cells, in DP_CELL_SCALE per individual, into weights[],
 * which holds zeros, and returns the number of individuals that have a value.  The caller
 * calls sketch_clear_cells() when it is done.  elog if the grid has another number of cells.
 */
int64
sketch_cells(Datum state, int ncells, int64 *weights)
{
	const SketchState *cells = finished_state(state, SPEC_SKETCH_CELLS);

	if (cells->cells != ncells)
		malformed("sketch state");
	cells_sum(cells, weights);
	return cells->counted;
}

/* Makes weights[], as sketch_cells() has left it, all zeros again for the next group. */
void
sketch_clear_cells(Datum state, int64 *weights)
{
	cells_clear(finished_state(state, SPEC_SKETCH_CELLS), weights);
}

/*
 * Orders entries by the bytes of their values.  The type's own order is not used: its
 * function might fail, or depend on a locale.
 */
static int
compare_keys(const void *a, const void *b, void *arg)
{
	const SketchState *state = arg;
	ValueKey	x;
	ValueKey	y;
	int64		unused;
	int			order;

	values_get(state, *(const uint32 *) a, &x, &unused, &unused);
	values_get(state, *(const uint32 *) b, &y, &unused, &unused);
	order = memcmp(x.bytes, y.bytes, Min(x.length, y.length));
	if (order == 0)
		order = x.length < y.length ? -1 : x.length > y.length ? 1 : 0;
	return order;
}

/*
 * The different values of a group, in an order that does not depend on the order of
 * rows; none if there were too many to keep.  The arrays of *result are allocated in
 * the current memory context.
 */
void
sketch_values(Datum state, const SpecSketch *sketch, SketchValues *result)
{
	const SketchState *values = finished_state(state, SPEC_SKETCH_VALUES);
	uint32		n = values->used;
	uint32	   *order = palloc(n * sizeof(uint32));

	for (uint32 i = 0; i < n; i++)
		order[i] = i;
	qsort_arg(order, n, sizeof(uint32), compare_keys, unconstify(SketchState *, values));
	result->n = (int) n;
	result->values = palloc(n * sizeof(Datum));
	result->weights = palloc(n * sizeof(int64));
	result->individuals = palloc(n * sizeof(int64));
	for (uint32 i = 0; i < n; i++)
	{
		ValueKey	key;

		values_get(values, order[i], &key, &result->weights[i], &result->individuals[i]);
		result->values[i] = key_datum(sketch->value_type, &key);
	}
	pfree(order);
}

/*
 * A measure, in bytes, of what a group's state of values uses, at most its limit.
 *
 * It is the sum of the bytes of the values and, for each value, twice what a table
 * takes beside these bytes: the table may have room for twice as many.  By this
 * measure a table that gave up would have exceeded the limit too, so it counts as
 * using all of it.  Before the release node looks at any value, it compares the
 * measure, with noise, with half of the limit (nodes/release/parts.c).
 */
int64
sketch_usage(Datum state)
{
	const SketchState *table = finished_state(state, SPEC_SKETCH_VALUES);
	int64		usage = table->data_used + table->used * (int64) (2 * SKETCH_ENTRY_BYTES);

	return sketch_gave_up(table) ? table->limit : Min(usage, table->limit);
}

/*
 * The most, in bytes, by which one individual with up to "rows" values can change
 * sketch_usage().
 *
 * Its values are of the largest size at most.  They also fit into the state of its own
 * rows, which takes at least half as much as sketch_usage() counts for them.
 */
int64
sketch_usage_step(int64 rows)
{
	return Min(rows * (int64) (2 * SKETCH_ENTRY_BYTES + LONGEST_VALUE),
			   2 * (int64) SKETCH_ROWS_BYTES);
}

/* The number of different values of a group, up to what its state has room for. */
int64
sketch_distinct(Datum state)
{
	return finished_state(state, SPEC_SKETCH_DISTINCT)->used;
}
