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
#include "nodes/bound/partial.h"
#include "nodes/bound/rows.h"
#include "nodes/bound/stream.h"
#include "nodes/custom.h"
#include "nodes/identity.h"
#include "spec/spec.h"

typedef struct StreamState
{
	PartialNode partial;		/* must be first */
	RowReader	rows;
	CollectProgram *program;
	Size		memory;			/* for groups */
	bool		ended;			/* there are no more rows */
} StreamState;

static void
begin_stream(CustomScanState *node, EState *estate, int eflags)
{
	StreamState *state = (StreamState *) node;
	PartialNode *partial = &state->partial;
	MemoryContext old;

	partial_begin(partial, estate, eflags);
	old = MemoryContextSwitchTo(partial->context);
	state->rows.child = partial_child(partial);
	state->program = program_compile(partial->contributions, partial->context);
	memcpy(&partial->keys.seed, partial->spec->id, sizeof(partial->keys.seed));
	groups_open(&partial->groups, partial->spec);
	state->memory = Max(get_hash_memory_limit(), PARTIAL_LEAST_MEMORY);
	MemoryContextSwitchTo(old);
}

/* ----------
 * Rows
 * ----------
 */

static inline uint32
group_of(PartialNode *partial, TupleTableSlot *slot)
{
	BoundKey	key = {0};

	if (partial->columns.nkeys == 0)
		return groups_find_only(&partial->groups);
	(void) key_columns_read(&partial->keys, slot, &key);
	return groups_find(&partial->groups, &key);
}

/* Adds a row to the sketches of its group; true if one of them grew. */
static inline bool
add_to_sketches(PartialNode *partial, TupleTableSlot *slot, BoundGroup *group)
{
	const AttrNumber *column = partial->columns.values;
	bool		grew = false;

	for (int i = 0; i < partial->groups.nsketches; i++)
	{
		SketchReader *reader = &partial->sketches[i];
		SketchState *sketch = group->sketches[i];
		SketchItem	item;

		if (slot->tts_isnull[column[i] - 1] ||
			!sketch_read(reader, slot->tts_values[column[i] - 1], &item))
			continue;
		if (sketch == NULL)
			sketch = sketch_first(reader, SKETCH_INDIVIDUALS);
		sketch = sketch_add_row(reader, sketch, &item, DP_CELL_SCALE, 1);
		grew |= groups_keep_sketch(&group->sketches[i], sketch, partial->groups.context);
	}
	return grew;
}

/* Adds a row; true if the groups take more memory than before. */
static inline bool
add_row(StreamState *state, TupleTableSlot *slot)
{
	PartialNode *partial = &state->partial;
	const CollectProgram *program = state->program;
	const AttrNumber *column = partial->columns.arguments;
	uint32		ngroups = partial->groups.n;
	uint32		number;
	int64		y[DP_MAX_ARGUMENTS + 1];
	bool		present[DP_MAX_ARGUMENTS + 1];
	BoundGroup *group;

	direct_columns_read(&partial->columns.direct, slot);
	number = group_of(partial, slot);
	group = &partial->groups.items[number]; /* the array may have moved */
	for (int i = 0; i < program->narguments; i++)
		present[i] = read_value(&program->arguments[i], slot->tts_values[column[i] - 1],
								slot->tts_isnull[column[i] - 1], &y[i]);
	program_add(program, groups_sums(&partial->groups, number), y, present);
	return add_to_sketches(partial, slot, group) || partial->groups.n > ngroups;
}

/* Adds rows until there are no more, or no more memory. */
static void
add_rows(StreamState *state)
{
	PartialNode *partial = &state->partial;
	TupleTableSlot *slot;

	partial->started = true;
	while ((slot = next_row(&state->rows)) != NULL)
	{
		MemoryContext old;
		bool		grew;

		old = MemoryContextSwitchTo(partial->row_context);
		grew = add_row(state, slot);
		MemoryContextSwitchTo(old);
		MemoryContextReset(partial->row_context);
		if (grew && groups_memory(&partial->groups) > state->memory)
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
	PartialNode *partial = &state->partial;
	TupleTableSlot *slot = node->ss_ScanTupleSlot;

	ExecClearTuple(slot);
	for (;;)
	{
		if (partial->emitting && partial_emit(partial, partial->groups.n))
			return slot;
		if (state->ended)
			return slot;
		if (partial->emitting)
			groups_reset(&partial->groups);
		add_rows(state);
		partial->emitting = true;
	}
}

static TupleTableSlot *
exec_stream(CustomScanState *node)
{
	return custom_exec(node, next_group);
}

static const CustomExecMethods stream_exec_methods = {
	.CustomName = node_stream,
	.BeginCustomScan = begin_stream,
	.ExecCustomScan = exec_stream,
	.EndCustomScan = partial_end,
	.ReScanCustomScan = partial_rescan,
};

/* CreateCustomScanState */
Node *
stream_create_state(CustomScan *scan)
{
	return custom_create_state(sizeof(StreamState), &stream_exec_methods);
}
