/*
 * divide.c
 *		The bounding node's first step: rows into partitions.
 *
 * Each row becomes a record of the partition that the hash of its unit tells.  Participants
 * of a parallel plan do so side by side, and wait for each other at the end.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "port/pg_bitutils.h"
#include "storage/barrier.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

#include "aggregate/contribution.h"
#include "aggregate/sketch_add.h"
#include "nodes/bound/divide.h"
#include "nodes/bound/group_ids.h"
#include "nodes/bound/groups.h"
#include "nodes/bound/individuals.h"
#include "nodes/bound/keys.h"
#include "nodes/bound/numbered.h"
#include "nodes/bound/partial.h"
#include "nodes/bound/partitions.h"
#include "nodes/bound/records.h"
#include "nodes/bound/rows.h"
#include "nodes/bound/shared.h"
#include "nodes/bound/state.h"
#include "nodes/drain.h"
#include "spec/value_key.h"

/* Groups that get a number which goes into records, at most. */
#define MOST_IDS (1 << 20)

/*
 * Bytes of records that each of several processes keeps in memory.  With much memory that is no more than all of them may
 * hold together beside a plain query: the rest goes to files, which takes little more time.
 */
#define SHARED_RECORDS (48 * 1024 * 1024)

static Size
memory_of_records(Size memory)
{
	return Min(memory / 2, Max(memory / 10, SHARED_RECORDS));
}

/* Divides the memory among the steps, and lets the secret decide about hashes and ranks. */
static void
open_work(BoundState *state, uint64 secret)
{
	Size		memory = get_hash_memory_limit();
	MemoryContext old = MemoryContextSwitchTo(state->partial.context);

	state->individuals_memory = Max(memory / 2, PARTIAL_LEAST_MEMORY);
	state->groups_memory = Max(memory / 4, PARTIAL_LEAST_MEMORY);
	state->ids_memory = Max(memory / 8, PARTIAL_LEAST_MEMORY);
	state->units.seed = state->layout.unit_seed = secret;
	state->partial.keys.seed = value_mix(secret + 1);
	individuals_open(&state->individuals, state->features.nfeatures,
					 state->partial.spec->nsketches,
					 (uint32) state->partial.contributions->params.kept,
					 state->partial.columns.nkeys == 0 && state->units.is_short &&
					 state->partial.spec->nsketches == 0);
	groups_open(&state->partial.groups, state->partial.spec);
	state->partial.groups.seed = value_mix(secret + 2);
	groups_open(&state->ids, NULL);
	if (state->shared != NULL)
		state->partitions =
			partitions_attach(shared_partitions(state->shared), ParallelWorkerNumber + 1,
							  IsParallelWorker() ? dsm_find_mapping(state->shared->segment) : NULL,
							  query_area(state), memory_of_records(memory));
	else
		state->partitions = partitions_create(partitions_for_rows(state->expected_rows),
											  Max(memory / 4, PARTIAL_LEAST_MEMORY));
	state->npartitions = state->partitions->n;
	state->partition_bits = pg_ceil_log2_32(state->npartitions);
	MemoryContextSwitchTo(old);
}

static inline void
divide_arguments(BoundState *state, TupleTableSlot *slot, Record *record)
{
	const Contributions *contributions = state->partial.contributions;
	const AttrNumber *column = state->partial.columns.arguments;

	record->present = 0;
	for (int i = 0; i < state->layout.narguments; i++)
	{
		int64		y;

		if (read_value(&contributions->readers[i], slot->tts_values[column[i] - 1],
					   slot->tts_isnull[column[i] - 1], &y))
			record->present |= ARGUMENT_BIT(i);
		record->values[i] = (RecordValue) y;
	}
}

/* Finds the id of the row's group; it gets one, if there is memory. */
static inline void
divide_group(BoundState *state, Record *record)
{
	record->id = groups_lookup(&state->ids, &record->group);
	if (likely(record->id != RECORD_NO_ID))
		return;
	if (state->ids.n < MOST_IDS &&
		groups_memory(&state->ids) < state->ids_memory)
		record->id = groups_add(&state->ids, &record->group);
	else
		state->without_id = true;
}

/* Writes a row into its partition. */
static pg_attribute_always_inline void
divide_record(BoundState *state, Record *record)
{
	if (state->layout.grouped)
		divide_group(state, record);
	record_write(&state->layout, record, state->partitions,
				 (int) (record->unit.hash >> 1 >> (63 - state->partition_bits)));
}

/* Writes the rows that wait, after prefetching what is known of their groups. */
static void
divide_batch(BoundState *state)
{
	for (int i = 0; i < state->nrecords; i++)
		groups_prefetch_item(&state->ids, state->records[i].group.hash);
	for (int i = 0; i < state->nrecords; i++)
		divide_record(state, &state->records[i]);
	state->nrecords = 0;
}

/* Are all records complete without bytes of their rows?  If not, none can wait for the next row. */
static inline bool
may_wait(const BoundState *state)
{
	return state->partial.keys.is_short && state->units.is_short && !state->layout.varies;
}

static inline void
divide_row(BoundState *state, TupleTableSlot *slot)
{
	const AttrNumber *column = state->partial.columns.values;
	Record	   *record = &state->records[state->nrecords];

	direct_columns_read(&state->partial.columns.direct, slot);
	if (!key_columns_read(&state->units, slot, &record->unit))
		return;					/* no individual's; the rewriter asks for IS NOT NULL */
	if (state->layout.grouped)
	{
		(void) key_columns_read(&state->partial.keys, slot, &record->group);
		groups_prefetch_slot(&state->ids, record->group.hash);
	}
	divide_arguments(state, slot, record);
	for (int i = 0; i < state->partial.spec->nsketches; i++, column++)
		record->has_item[i] = !slot->tts_isnull[*column - 1] &&
			sketch_read(&state->partial.sketches[i], slot->tts_values[*column - 1], &record->items[i]);
	if (!may_wait(state))
		divide_record(state, record);
	else if (++state->nrecords == DIVIDE_BATCH)
		divide_batch(state);
}

static void
divide_rows(BoundState *state)
{
	RowReader	rows = {.child = partial_child(&state->partial)};
	TupleTableSlot *slot;

	while ((slot = next_row(&rows)) != NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(state->partial.row_context);

		divide_row(state, slot);
		MemoryContextSwitchTo(old);
		if (unlikely(!state->partial.row_context->isReset))
			MemoryContextReset(state->partial.row_context);
	}
	divide_batch(state);
	partitions_end_write(state->partitions);
	if (state->shared == NULL)
		return;
	state->shared->of[ParallelWorkerNumber + 1].ids =
		group_ids_publish(&state->ids, query_area(state));
	if (state->without_id)
		pg_atomic_write_u32(&state->shared->without_id, 1);
}

/* Opens the ids of all participants. */
static void
open_ids(BoundState *state)
{
	SharedBound *shared = state->shared;
	MemoryContext old = MemoryContextSwitchTo(state->partial.context);

	state->nparticipants = shared != NULL ? shared->participants : 1;
	state->ids_of = palloc(state->nparticipants * sizeof(GroupIds));
	for (int i = 0; i < state->nparticipants; i++)
	{
		if (shared != NULL)
			group_ids_open(&state->ids_of[i], query_area(state), shared->of[i].ids);
		else
			group_ids_open_own(&state->ids_of[i], &state->ids);
	}
	MemoryContextSwitchTo(old);
}

/*
 * The first step of all participants.  Returns when they are done with it, attached to the
 * barrier if groups have numbers in common.
 */
static void
divide_shared(BoundState *state)
{
	Barrier    *barrier = &state->shared->barrier;
	int			phase = BarrierAttach(barrier);
	bool		chosen = false;

	if (phase == PHASE_DIVIDE)
	{
		divide_rows(state);
		chosen = BarrierArriveAndWait(barrier, PG_WAIT_EXTENSION);
		phase = PHASE_NUMBER;
	}
	open_ids(state);
	if (chosen)
		numbered_make(state);
	if (phase == PHASE_NUMBER)
		BarrierArriveAndWait(barrier, PG_WAIT_EXTENSION);
	if (DsaPointerIsValid(state->shared->numbers))
		numbered_take(state);
	else
		BarrierDetach(barrier);
}

/* Does the first step: all rows of this process are records when it returns. */
void
bound_divide(BoundState *state)
{
	SharedBound *shared = state->shared;

	state->partial.started = true;
	open_work(state, shared != NULL ? shared->secret : drain_secret());
	if (shared != NULL)
		divide_shared(state);
	else
	{
		divide_rows(state);
		open_ids(state);
	}
	state->divided = true;
}
