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
 * them and in any order, so it is part of what an individual adds and costs no
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

#include "aggregate/domain.h"
#include "aggregate/sketch.h"
#include "aggregate/sketch_key.h"
#include "aggregate/sketch_state.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "mechanism/rank.h"
#include "miscadmin.h"
#include "utils/array.h"

/* Most rows of one individual in a group: DP_CELL_SCALE times as many fit. */
#define MOST_ROWS ((int64) 1 << 38)

/* What a transition function keeps between rows. */
typedef struct SketchCache
{
	SpecSketch	sketch;
	int64		rows;			/* r */
	uint32		limit;			/* of a group's state */
	uint64		seed;			/* of hashes; from the description's id */
	Grid		grid;			/* CELLS */
	KeyReader	reader;			/* VALUES, DISTINCT; not for sketch_bounded */
} SketchCache;

/*
 * Which of an individual's values count, if it has more than r: those with the
 * smallest ranks, hashes of the value and of all values of this individual.
 */
typedef struct Selection
{
	uint64		salt;
	uint64		last;			/* largest rank that counts */
	int64		left;			/* how many may still count */
} Selection;

PG_FUNCTION_INFO_V1(dp_sketch_transition);
PG_FUNCTION_INFO_V1(dp_sketch_rows_transition);
PG_FUNCTION_INFO_V1(dp_sketch_bounded_transition);
PG_FUNCTION_INFO_V1(dp_sketch_combine);

/* ----------
 * The description
 * ----------
 */

/* Most bytes of one of a group's sketches of values; see sketch_state.h. */
uint32
sketch_limit(int nsketches)
{
	return Min(SKETCH_GROUP_BYTES, SKETCH_ALL_BYTES / Max(nsketches, 1));
}

/* The sketch's description, every position in it checked. */
static const SpecSketch *
checked_sketch(const ReleaseSpec *spec, int i)
{
	const SpecSketch *sketch;

	if (spec->nparams < DP_PARAM_FIRST_OTHER || spec->nparams > DP_MAX_PARAMS ||
		spec->nsketches > DP_MAX_SKETCHES || i < 0 || i >= spec->nsketches)
		elog(ERROR, "malformed release description");
	sketch = &spec->sketches[i];
	if (sketch->bound < 0 || sketch->bound + 1 >= spec->nparams ||
		sketch->buckets < 0 || sketch->buckets >= spec->nparams ||
		(sketch->kind == SPEC_SKETCH_CELLS &&
		 (sketch->type == SPEC_ARG_ANY || domain_of_type(sketch->value_type) != sketch->type)))
		elog(ERROR, "malformed release description");
	return sketch;
}

/* The parameters of a release as an array of as many as it has. */
static const double *
read_values(const ReleaseSpec *spec, ArrayType *array)
{
	if (ARR_NDIM(array) != 1 || ARR_HASNULL(array) || ARR_ELEMTYPE(array) != FLOAT8OID ||
		ARR_DIMS(array)[0] != spec->nparams)
		elog(ERROR, "malformed release parameters");
	return (const double *) ARR_DATA_PTR(array);
}

/* Hashes differ between releases' plans, unforeseeably. */
static uint64
spec_seed(const ReleaseSpec *spec)
{
	uint64		halves[2];

	StaticAssertStmt(sizeof(halves) == sizeof(spec->id), "id of a release has 16 bytes");
	memcpy(halves, spec->id, sizeof(halves));
	return hash_combine64(sketch_mix(halves[0]), halves[1]);
}

static void
open_sketch(SketchCache *cache, FunctionCallInfo fcinfo, bool reads_value)
{
	ReleaseSpec *spec = (ReleaseSpec *) PG_GETARG_BYTEA_P_COPY(1);	/* aligned */
	const double *values;
	ReleaseParams params;

	if (VARSIZE(spec) != sizeof(ReleaseSpec))
		elog(ERROR, "malformed release description");
	cache->sketch = *checked_sketch(spec, PG_GETARG_INT32(3));
	values = read_values(spec, PG_GETARG_ARRAYTYPE_P(2));
	spec_read_params(spec, values, &params);
	cache->rows = params.rows;
	cache->limit = sketch_limit(spec->nsketches);
	cache->seed = spec_seed(spec);
	if (cache->sketch.kind == SPEC_SKETCH_CELLS)
		grid_open(&cache->grid, &cache->sketch, values);
	if (!reads_value)
		return;
	if (PG_NARGS() != 5 ||
		get_fn_expr_argtype(fcinfo->flinfo, 4) != cache->sketch.value_type)
		elog(ERROR, "malformed release description");
	if (cache->sketch.kind != SPEC_SKETCH_CELLS)
		key_open(&cache->reader, cache->sketch.value_type, cache->sketch.collation,
				 cache->seed, fcinfo->flinfo->fn_mcxt);
}

/* The sketch (arguments 1 to 3), read at the first row of an aggregation. */
static inline SketchCache *
sketch_cache(FunctionCallInfo fcinfo, bool reads_value)
{
	SketchCache *cache = fcinfo->flinfo->fn_extra;

	if (likely(cache != NULL))
		return cache;
	if (!AggCheckCallContext(fcinfo, NULL) ||
		PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("this function is only used inside releases of dp_agg")));
	cache = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(SketchCache));
	open_sketch(cache, fcinfo, reads_value);
	fcinfo->flinfo->fn_extra = cache;
	return cache;
}

/* ----------
 * Adding rows
 * ----------
 */

/* The limit of a state that is not of cells. */
static inline uint32
limit_of(const SketchCache *cache, SketchStage stage)
{
	return stage == SKETCH_ROWS ? SKETCH_ROWS_BYTES : cache->limit;
}

/* A state must be of the sketch and the stage it is used for. */
static void
check_state(const SketchState *state, const SketchCache *cache, SketchStage stage)
{
	if (state->kind != cache->sketch.kind || state->stage != stage ||
		(state->kind == SPEC_SKETCH_CELLS ? state->cells != cache->grid.cells :
		 state->limit != limit_of(cache, stage)))
		sketch_malformed();
}

/* The transition value, made if there is none yet. */
static inline SketchState *
state_argument(FunctionCallInfo fcinfo, const SketchCache *cache, SketchStage stage)
{
	SketchState *state;

	if (!PG_ARGISNULL(0))
	{
		state = sketch_open(PG_GETARG_DATUM(0));
		check_state(state, cache, stage);
		return state;
	}
	switch (cache->sketch.kind)
	{
		case SPEC_SKETCH_CELLS:
			return cells_new(stage, cache->grid.cells);
		case SPEC_SKETCH_VALUES:
			return values_new(stage, limit_of(cache, stage));
		case SPEC_SKETCH_DISTINCT:
			return distinct_new(stage, limit_of(cache, stage));
	}
	sketch_malformed();
	return NULL;
}

/*
 * Adds the value of a row, of a weight in units of the stage.  NULL and NaN are
 * no values: then the state stays as it is, none if there was none.
 */
static inline Datum
add_row(FunctionCallInfo fcinfo, SketchStage stage, int64 weight, int64 individuals)
{
	SketchCache *cache = sketch_cache(fcinfo, true);
	Datum		value = PG_GETARG_DATUM(4);
	SketchState *state;
	SketchKey	key = {0};
	double		x = 0;

	if (PG_ARGISNULL(4) ||
		!(cache->sketch.kind == SPEC_SKETCH_CELLS ? domain_number(cache->sketch.type, value, &x) :
		  cache->sketch.kind == SPEC_SKETCH_VALUES ? key_read(&cache->reader, value, &key) :
		  key_hash(&cache->reader, value, &key.hash)))
	{
		fcinfo->isnull = PG_ARGISNULL(0);
		return PG_GETARG_DATUM(0);
	}
	state = state_argument(fcinfo, cache, stage);
	if (cache->sketch.kind == SPEC_SKETCH_CELLS)
		state = cells_add(state, grid_cell(&cache->grid, x), weight);
	else if (cache->sketch.kind == SPEC_SKETCH_VALUES)
		state = values_add(state, &key, weight, individuals);
	else
		state = distinct_add(state, key.hash);
	state->total = sketch_sum(state->total, 1);
	return PointerGetDatum(state);
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

/* ----------
 * Adding individuals
 * ----------
 */

/* What some of an individual's rows weigh, with r of them or more one in all. */
static int64
bounded_weight(const SketchState *part, int64 rows, int64 r)
{
	if (rows > part->total || part->total > MOST_ROWS)
		sketch_malformed();
	return rows * DP_CELL_SCALE / Max(part->total, r);
}

static int
compare_ranks(const void *a, const void *b)
{
	uint64		x = *(const uint64 *) a;
	uint64		y = *(const uint64 *) b;

	return x < y ? -1 : x > y ? 1 : 0;
}

/* Decides which r of n > r values count; "hashes" are theirs, and overwritten. */
static void
select_values(Selection *selection, uint64 *hashes, int64 n, int64 r, uint64 seed)
{
	selection->salt = seed;
	for (int64 i = 0; i < n; i++)
		selection->salt += sketch_mix(hashes[i]);	/* in any order */
	for (int64 i = 0; i < n; i++)
		hashes[i] = sketch_mix(hashes[i] ^ selection->salt);
	qsort(hashes, n, sizeof(uint64), compare_ranks);
	selection->last = hashes[r - 1];
	selection->left = r;
}

static bool
selected(Selection *selection, uint64 hash)
{
	return sketch_mix(hash ^ selection->salt) <= selection->last && selection->left-- > 0;
}

static SketchState *
add_cells(SketchState *state, const SketchState *part, const SketchCache *cache)
{
	uint32		position = 0;
	int			cell;
	int64		rows;

	while (cells_next(part, &position, &cell, &rows))
		state = cells_add(state, cell, bounded_weight(part, rows, cache->rows));
	return state;
}

static void
select_of_values(Selection *selection, const SketchState *part, const SketchCache *cache)
{
	uint64	   *hashes = palloc(part->used * sizeof(uint64));
	SketchKey	key;
	int64		unused;

	for (uint32 i = 0; i < part->used; i++)
	{
		values_get(part, i, &key, &unused, &unused);
		hashes[i] = key.hash;
	}
	select_values(selection, hashes, part->used, cache->rows, cache->seed);
	pfree(hashes);
}

static SketchState *
add_values(SketchState *state, const SketchState *part, const SketchCache *cache)
{
	bool		all = part->used <= cache->rows;
	Selection	selection;
	SketchKey	key;
	int64		rows;
	int64		unused;

	if (!all)
		select_of_values(&selection, part, cache);
	for (uint32 i = 0; i < part->used; i++)
	{
		values_get(part, i, &key, &rows, &unused);
		if (all || selected(&selection, key.hash))
			state = values_add(state, &key, bounded_weight(part, rows, cache->rows), 1);
	}
	return state;
}

static void
select_of_distinct(Selection *selection, const SketchState *part, const SketchCache *cache)
{
	uint64	   *hashes = palloc(part->used * sizeof(uint64));
	uint32		position = 0;
	uint64		hash;
	uint32		n = 0;

	while (n < part->used && distinct_next(part, &position, &hash))
		hashes[n++] = hash;
	if (n != part->used)
		sketch_malformed();
	select_values(selection, hashes, n, cache->rows, cache->seed);
	pfree(hashes);
}

static SketchState *
add_distinct(SketchState *state, const SketchState *part, const SketchCache *cache)
{
	bool		all = part->used <= cache->rows;
	Selection	selection;
	uint32		position = 0;
	uint64		hash;

	if (!all)
		select_of_distinct(&selection, part, cache);
	while (distinct_next(part, &position, &hash))
	{
		if (all || selected(&selection, hash))
			state = distinct_add(state, hash);
	}
	return state;
}

/*
 * sketch_bounded_transition(state bytea, spec bytea, params float8[], i int, rows bytea)
 *
 * Adds one individual of a group by its rows.  Of n rows each weighs
 * DP_CELL_SCALE / max(n, r), rounded down for each cell or value; of more than
 * r values r count.  One whose values did not fit is as one without a value.
 */
PGDLLEXPORT Datum
dp_sketch_bounded_transition(PG_FUNCTION_ARGS)
{
	SketchCache *cache = sketch_cache(fcinfo, false);
	SketchState *state;
	const SketchState *part;

	if (PG_ARGISNULL(4))
	{
		fcinfo->isnull = PG_ARGISNULL(0);
		return PG_GETARG_DATUM(0);
	}
	part = sketch_open(PG_GETARG_DATUM(4));
	check_state(part, cache, SKETCH_ROWS);
	if (sketch_gave_up(part))
	{
		fcinfo->isnull = PG_ARGISNULL(0);
		return PG_GETARG_DATUM(0);
	}
	state = state_argument(fcinfo, cache, SKETCH_INDIVIDUALS);
	CHECK_FOR_INTERRUPTS();
	if (part->kind == SPEC_SKETCH_CELLS)
		state = add_cells(state, part, cache);
	else if (part->kind == SPEC_SKETCH_VALUES)
		state = add_values(state, part, cache);
	else
		state = add_distinct(state, part, cache);
	state->total = sketch_sum(state->total, 1);
	PG_RETURN_POINTER(state);
}

/* ----------
 * Combining
 * ----------
 */

/* Adds all that another state of the same kind holds, and what it gave up. */
static SketchState *
merge(SketchState *state, const SketchState *other)
{
	SketchKey	key;
	uint32		position = 0;
	uint64		hash;
	int			cell;
	int64		weight;
	int64		individuals;

	if (sketch_gave_up(other))
		return sketch_give_up(state);
	switch (other->kind)
	{
		case SPEC_SKETCH_CELLS:
			while (cells_next(other, &position, &cell, &weight))
				state = cells_add(state, cell, weight);
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
			while (distinct_next(other, &position, &hash))
			{
				CHECK_FOR_INTERRUPTS();
				state = distinct_add(state, hash);
			}
			break;
	}
	return state;
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
		sketch_malformed();
	state = merge(state, other);
	state->total = sketch_sum(state->total, other->total);
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
		sketch_malformed();
	return state;
}

/*
 * Fills the weights of all "ncells" cells, in DP_CELL_SCALE per individual, and
 * returns how many individuals have a value.
 */
int64
sketch_cells(Datum state, int ncells, int64 *weights)
{
	const SketchState *cells = finished_state(state, SPEC_SKETCH_CELLS);
	uint32		position = 0;
	int			cell;
	int64		weight;

	if (cells->cells != ncells)
		sketch_malformed();
	memset(weights, 0, ncells * sizeof(int64));
	while (cells_next(cells, &position, &cell, &weight))
		weights[cell] = sketch_sum(weights[cell], weight);
	return cells->total;
}

/* Order of the bytes: no type's function may fail or depend on a locale. */
static int
compare_keys(const void *a, const void *b, void *arg)
{
	const SketchState *state = arg;
	SketchKey	x;
	SketchKey	y;
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
		SketchKey	key;

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
	return Min(rows * (int64) (2 * SKETCH_ENTRY_BYTES + SKETCH_LONGEST_VALUE),
			   2 * (int64) SKETCH_ROWS_BYTES);
}

/* The number of different values. */
int64
sketch_distinct(Datum state)
{
	return finished_state(state, SPEC_SKETCH_DISTINCT)->used;
}
