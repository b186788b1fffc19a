/*
 * stream.c
 *		Adds rows that are individuals to their groups.
 *
 * A custom scan between the rows of a release and the aggregation of its groups.  Each
 * row is an individual: there is nothing to bound, and no row waits for another.  Groups
 * leave as partial states, which an Agg above combines: when there are no more rows, and
 * before that when they exceed hash memory.
 *
 * In a parallel plan each participant does so with the rows that it scans.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "utils/memutils.h"

#include "aggregate/contribution.h"
#include "aggregate/program.h"
#include "aggregate/sketch_add.h"
#include "aggregate/sketch_state.h"
#include "mechanism/rank.h"
#include "nodes/bound/groups.h"
#include "nodes/bound/keys.h"
#include "nodes/bound/rows.h"
#include "nodes/bound/stream.h"
#include "nodes/identity.h"
#include "nodes/node_params.h"
#include "spec/spec.h"

/* Least memory for groups, whatever the settings say. */
#define LEAST_MEMORY ((Size) 256 * 1024)

typedef struct StreamState
{
	CustomScanState css;		/* must be first */
	MemoryContext context;		/* of all that lasts until the end */
	MemoryContext row_context;	/* reset after each row */
	RowReader	rows;
	CollectProgram *program;
	int			nsketches;
	SketchReader *sketches;
	AttrNumber *columns;		/* of the child: keys, arguments, sketched values */
	int			last_column;
	int			nkeys;
	KeyColumns	keys;
	Groups		groups;
	Size		memory;			/* for groups */
	bool		started;
	bool		ended;			/* there are no more rows */
	bool		emitting;
} StreamState;

/* The key of the only group where there are no keys. */
static const BoundKey no_key = {0};

static void begin_stream(CustomScanState *node, EState *estate, int eflags);
static TupleTableSlot *exec_stream(CustomScanState *node);
static void end_stream(CustomScanState *node);
static void rescan_stream(CustomScanState *node);

static const CustomExecMethods stream_exec_methods = {
	.CustomName = node_stream,
	.BeginCustomScan = begin_stream,
	.ExecCustomScan = exec_stream,
	.EndCustomScan = end_stream,
	.ReScanCustomScan = rescan_stream,
};

/* CreateCustomScanState */
Node *
stream_create_state(CustomScan *scan)
{
	StreamState *state = (StreamState *) newNode(sizeof(StreamState), T_CustomScanState);

	state->css.methods = &stream_exec_methods;
	return (Node *) state;
}

/* ----------
 * Start
 * ----------
 */

/* Opens what reads the rows; all that it needs from catalogs is looked up now. */
static void
open_columns(StreamState *state, const ReleaseSpec *spec, ArrayType *params, TupleDesc desc)
{
	key_columns_open(&state->keys, desc, state->columns, state->nkeys, true);
	memcpy(&state->keys.seed, spec->id, sizeof(state->keys.seed));
	state->sketches = rows_open_values(spec, params, desc, state->columns + state->nkeys);
}

static void
begin_stream(CustomScanState *node, EState *estate, int eflags)
{
	StreamState *state = (StreamState *) node;
	CustomScan *scan = (CustomScan *) node->ss.ps.plan;
	Contributions *contributions;
	MemoryContext old;
	ArrayType  *params;

	node->custom_ps = list_make1(ExecInitNode(linitial(scan->custom_plans), estate, eflags));
	state->rows.child = linitial(node->custom_ps);
	state->context = AllocSetContextCreate(estate->es_query_cxt, "dp_agg streaming",
										   ALLOCSET_DEFAULT_SIZES);
	state->row_context = AllocSetContextCreate(estate->es_query_cxt, "dp_agg streamed row",
											   ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(state->context);
	params = DatumGetArrayTypePCopy(PointerGetDatum(node_params(node)));
	contributions =
		contributions_open(DatumGetByteaP(linitial_node(Const, scan->custom_private)->constvalue),
						   params, state->context);
	state->program = program_compile(contributions, state->context);
	state->nkeys = contributions->spec.nkeys;
	state->nsketches = contributions->spec.nsketches;
	state->columns = rows_columns(lsecond(scan->custom_private),
								  state->nkeys + contributions->spec.narguments + state->nsketches,
								  &state->last_column);
	open_columns(state, &contributions->spec, params,
				 ExecGetResultType(linitial(node->custom_ps)));
	groups_open(&state->groups, contributions->spec.dimensions, state->nsketches);
	state->memory = Max(get_hash_memory_limit(), LEAST_MEMORY);
	pfree(contributions);
	MemoryContextSwitchTo(old);
}

/* ----------
 * Rows
 * ----------
 */

static inline uint32
group_of(StreamState *state, TupleTableSlot *slot)
{
	BoundKey	key;

	if (state->nkeys == 0)
		return groups_find(&state->groups, &no_key);
	(void) key_columns_read(&state->keys, slot, &key);
	return groups_find(&state->groups, &key);
}

/* Adds a row to the sketches of its group; true if one of them grew. */
static inline bool
add_to_sketches(StreamState *state, TupleTableSlot *slot, const AttrNumber *column,
				BoundGroup *group)
{
	bool		grew = false;

	for (int i = 0; i < state->nsketches; i++)
	{
		SketchReader *reader = &state->sketches[i];
		SketchState *sketch = group->sketches[i];
		SketchItem	item;

		if (slot->tts_isnull[column[i] - 1] ||
			!sketch_read(reader, slot->tts_values[column[i] - 1], &item))
			continue;
		if (sketch == NULL)
			sketch = sketch_first(reader, SKETCH_INDIVIDUALS);
		sketch = sketch_add_row(reader, sketch, &item, DP_CELL_SCALE, 1);
		grew |= groups_keep_sketch(&group->sketches[i], sketch, state->groups.context);
	}
	return grew;
}

/* Adds a row; true if the groups take more memory than before. */
static inline bool
add_row(StreamState *state, TupleTableSlot *slot)
{
	const CollectProgram *program = state->program;
	const AttrNumber *column = state->columns + state->nkeys;
	uint32		ngroups = state->groups.n;
	uint32		number;
	int64		y[DP_MAX_ARGUMENTS + 1];
	bool		present[DP_MAX_ARGUMENTS + 1];
	BoundGroup *group;

	slot_getsomeattrs(slot, state->last_column);
	number = group_of(state, slot);
	group = &state->groups.items[number];	/* the array may have moved */
	for (int i = 0; i < program->narguments; i++)
		present[i] = read_value(&program->arguments[i], slot->tts_values[column[i] - 1],
								slot->tts_isnull[column[i] - 1], &y[i]);
	program_add(program, groups_sums(&state->groups, number), y, present);
	return add_to_sketches(state, slot, column + program->narguments, group) ||
		state->groups.n > ngroups;
}

/* Adds rows until there are no more, or no more memory. */
static void
add_rows(StreamState *state)
{
	TupleTableSlot *slot;

	state->started = true;
	while ((slot = next_row(&state->rows)) != NULL)
	{
		MemoryContext old;
		bool		grew;

		old = MemoryContextSwitchTo(state->row_context);
		grew = add_row(state, slot);
		MemoryContextSwitchTo(old);
		MemoryContextReset(state->row_context);
		if (grew && groups_memory(&state->groups) > state->memory)
			return;
	}
	state->ended = true;
}

/* ----------
 * Groups
 * ----------
 */

static TupleTableSlot *
next_group(ScanState *node)
{
	StreamState *state = (StreamState *) node;
	TupleTableSlot *slot = node->ss_ScanTupleSlot;

	ExecClearTuple(slot);
	for (;;)
	{
		if (state->emitting && groups_emit(&state->groups, state->groups.n, &state->keys, slot,
										   node->ps.ps_ExprContext->ecxt_per_tuple_memory))
			return slot;
		if (state->ended)
			return slot;
		if (state->emitting)
			groups_reset(&state->groups);
		add_rows(state);
		state->emitting = true;
	}
}

static bool
recheck_group(ScanState *node, TupleTableSlot *slot)
{
	return true;
}

static TupleTableSlot *
exec_stream(CustomScanState *node)
{
	return ExecScan(&node->ss, next_group, recheck_group);
}

/* ----------
 * End
 * ----------
 */

/* The child of a sealed node runs once. */
static void
rescan_stream(CustomScanState *node)
{
	if (((StreamState *) node)->started)
		elog(ERROR, "a release cannot be run again");
	ExecReScan(linitial(node->custom_ps));
}

static void
end_stream(CustomScanState *node)
{
	StreamState *state = (StreamState *) node;

	ExecEndNode(linitial(node->custom_ps));
	MemoryContextDelete(state->row_context);
	MemoryContextDelete(state->context);
}
