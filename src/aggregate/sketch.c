/*
 * sketch.c
 *		The aggregates that make sketches, and their readers.
 *
 * Two forms, as of the collector.  When the unit is unique in the input, every
 * row is an individual:
 *
 *		sketch(spec, params, i, x)						-> bytea
 *
 * Otherwise the rows of each (group, individual) are counted first, and then
 * the individuals added up, each with a total weight of at most DP_CELL_SCALE:
 *
 *		sketch_rows(spec, params, i, x)					-> bytea
 *		sketch_bounded(spec, params, i, rows)			-> bytea
 *
 * i is the sketch's position in the description.  Without any value there is
 * no state: NULL.  States: sketch_state.h.
 *
 * States are limited, so that rows of them are.  An individual whose values do
 * not fit has no value in this sketch.  That is decided by its own rows, all of
 * them and in any order, so it is individual of what an individual adds and costs no
 * privacy.  A group's limit depends on everybody's values: see sketch_usage().
 *
 * A transition value is changed in place.  A larger one is allocated in the
 * current context, that of the row, and returned: nodeAgg copies a result that
 * is not the pointer it passed into the context of its transition values and
 * frees the old one (advance_transition_function and what it calls).  So the
 * old value must not be freed or reallocated here, and as states grow by
 * doubling, the second copy costs little.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"

#include "aggregate/sketch.h"
#include "aggregate/sketch_add.h"
#include "aggregate/sketch_cells.h"
#include "aggregate/sketch_open.h"
#include "aggregate/sketch_state.h"
#include "aggregate/sketch_values.h"
#include "core/errors.h"
#include "mechanism/rank.h"
#include "spec/spec.h"
#include "spec/value_key.h"

PG_FUNCTION_INFO_V1(dp_sketch_transition);
PG_FUNCTION_INFO_V1(dp_sketch_rows_transition);
PG_FUNCTION_INFO_V1(dp_sketch_bounded_transition);
PG_FUNCTION_INFO_V1(dp_sketch_combine);

static SketchReader *
open_sketch(FunctionCallInfo fcinfo, bool reads_value)
{
	MemoryContext context = fcinfo->flinfo->fn_mcxt;
	SketchReader *reader = MemoryContextAllocZero(context, sizeof(SketchReader));
	ReleaseSpec *spec = (ReleaseSpec *) PG_GETARG_BYTEA_P_COPY(1);	/* aligned */

	if (VARSIZE(spec) != sizeof(ReleaseSpec))
		malformed("release description");
	sketch_reader_open(reader, spec, PG_GETARG_INT32(3), PG_GETARG_ARRAYTYPE_P(2),
					   reads_value, context);
	if (reads_value &&
		(PG_NARGS() != 5 ||
		 get_fn_expr_argtype(fcinfo->flinfo, 4) != reader->sketch.value_type))
		malformed("release description");
	return reader;
}

/* The sketch (arguments 1 to 3), read at the first row of an aggregation. */
static inline SketchReader *
sketch_reader(FunctionCallInfo fcinfo, bool reads_value)
{
	if (unlikely(fcinfo->flinfo->fn_extra == NULL))
	{
		if (!AggCheckCallContext(fcinfo, NULL) ||
			PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("this function is only used inside releases of dp_agg")));
		fcinfo->flinfo->fn_extra = open_sketch(fcinfo, reads_value);
	}
	return fcinfo->flinfo->fn_extra;
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

/* The transition value as it is, or none if there was none. */
static inline Datum
unchanged_state(FunctionCallInfo fcinfo)
{
	fcinfo->isnull = PG_ARGISNULL(0);
	return PG_GETARG_DATUM(0);
}

/*
 * Adds the value of a row, of a weight in units of the stage.  NULL and NaN are
 * no values.
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
 * Adds one row, which is one individual.
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

/*
 * sketch_bounded_transition(state bytea, spec bytea, params float8[], i int, rows bytea)
 *
 * Adds one individual of a group by its rows.
 */
PGDLLEXPORT Datum
dp_sketch_bounded_transition(PG_FUNCTION_ARGS)
{
	SketchReader *reader = sketch_reader(fcinfo, false);
	const SketchState *individual;

	if (PG_ARGISNULL(4))
		return unchanged_state(fcinfo);
	individual = sketch_open(PG_GETARG_DATUM(4));
	sketch_check_state(reader, individual, SKETCH_ROWS);
	if (sketch_gave_up(individual))
		return unchanged_state(fcinfo);
	CHECK_FOR_INTERRUPTS();
	return PointerGetDatum(sketch_add_individual(reader,
												 state_argument(fcinfo, reader, SKETCH_INDIVIDUALS),
												 individual));
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

/* A finished state of a kind, or elog. */
static const SketchState *
finished_state(Datum datum, SpecSketchKind kind)
{
	const SketchState *state = sketch_open(datum);

	if (state->kind != kind || state->stage != SKETCH_INDIVIDUALS)
		malformed("sketch state");
	return state;
}

/*
 * Adds the weights of all "ncells" cells, in DP_CELL_SCALE per individual, to zeros, and
 * returns how many individuals have a value.  To be followed by sketch_clear_cells().
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

/* Leaves zeros again, for the next group. */
void
sketch_clear_cells(Datum state, int64 *weights)
{
	cells_clear(finished_state(state, SPEC_SKETCH_CELLS), weights);
}

/* Order of the bytes: no type's function may fail or depend on a locale. */
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
 * The different values of a state, in an order that does not depend on that
 * of the rows; none if there were too many to keep.  Allocated in the current
 * memory context.
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
 * How much of its limit a group's state of values may use, at most the limit:
 * the bytes of its values, and twice what each takes beside them, as there may
 * be room for twice as many.  So a table that gives up would exceed the limit
 * by this measure too, and is counted as using all of it.  The reader asks for
 * the measure, with noise, before it looks at any value, and keeps far from the
 * limit.
 */
int64
sketch_usage(Datum state)
{
	const SketchState *table = finished_state(state, SPEC_SKETCH_VALUES);
	int64		usage = table->data_used + table->used * (int64) (2 * SKETCH_ENTRY_BYTES);

	return sketch_gave_up(table) ? table->limit : Min(usage, table->limit);
}

/*
 * How much one individual changes sketch_usage() at most: r values of the
 * largest size, but no more than fit into the state of its rows, which has room
 * for at least half of this measure.
 */
int64
sketch_usage_step(int64 rows)
{
	return Min(rows * (int64) (2 * SKETCH_ENTRY_BYTES + LONGEST_VALUE),
			   2 * (int64) SKETCH_ROWS_BYTES);
}

/* The number of different values. */
int64
sketch_distinct(Datum state)
{
	return finished_state(state, SPEC_SKETCH_DISTINCT)->used;
}
