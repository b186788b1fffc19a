/*
 * node.c
 *		Bounds what each individual contributes: at most k groups, r rows in each.
 *
 * A custom scan between the rows of a release and the aggregation of its groups:
 *
 * 1. All rows become records, divided by a keyed hash of their unit (partitions.c).
 * 2. Partition by partition, the rows of each individual are summed up in the k groups
 *    that count (sum.c, individuals.c), and the bounded contributions added to these groups
 *    (groups.c).
 * 3. The groups leave as partial states, which an Agg above combines.
 *
 * In a parallel plan all participants divide the rows that they scan among shared
 * partitions, wait for each other at a barrier, and then take partitions in turn.
 * Nobody waits after the first row that left, as in a parallel hash join
 * (nodeHashjoin.c).  A participant that comes after the barrier skips the first step.
 *
 * Memory: blocks of records beyond a share of hash memory go to temporary files.  Groups leave
 * when they exceed their share.  If individuals of a partition, or the groups that they may
 * count in, exceed it, the partition is read several times, each time for some of them.
 *
 * What is chosen of an individual's groups and values follows from its own rows and the
 * release's secret, which the leader hands to the workers in shared memory.  Nothing here
 * draws noise, and no row raises an error.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "port/atomics.h"
#include "port/pg_bitutils.h"
#include "storage/barrier.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

#include "aggregate/contribution.h"
#include "aggregate/sketch_add.h"
#include "aggregate/sum.h"
#include "core/errors.h"
#include "nodes/bound/group_ids.h"
#include "nodes/bound/groups.h"
#include "nodes/bound/individuals.h"
#include "nodes/bound/items.h"
#include "nodes/bound/keys.h"
#include "nodes/bound/layout.h"
#include "nodes/bound/node.h"
#include "nodes/bound/partitions.h"
#include "nodes/bound/records.h"
#include "nodes/bound/rows.h"
#include "nodes/bound/state.h"
#include "nodes/drain.h"
#include "nodes/identity.h"
#include "nodes/node_params.h"
#include "spec/spec.h"
#include "spec/value_key.h"

/*
 * Partitions of about so many rows keep their individuals in the processor's cache.  Of
 * each a block is being filled: the most take 8 MB, whatever the settings say.
 */
#define ROWS_PER_PARTITION 32768
#define MOST_PARTITIONS 1024

/* Least memory for individuals, whatever the settings say. */
#define LEAST_MEMORY ((Size) 256 * 1024)

/* Groups that get a number which goes into records, at most. */
#define MOST_IDS (1 << 20)

/* Groups that a participant lets leave at a time, of those with numbers in common. */
#define GROUPS_AT_A_TIME 1024

static void begin_bound(CustomScanState *node, EState *estate, int eflags);
static TupleTableSlot *exec_bound(CustomScanState *node);
static void end_bound(CustomScanState *node);
static void rescan_bound(CustomScanState *node);
static Size estimate_dsm(CustomScanState *node, ParallelContext *pcxt);
static void initialize_dsm(CustomScanState *node, ParallelContext *pcxt, void *coordinate);
static void initialize_worker(CustomScanState *node, shm_toc *toc, void *coordinate);
static void shutdown_bound(CustomScanState *node);

static const CustomExecMethods bound_exec_methods = {
	.CustomName = node_bound,
	.BeginCustomScan = begin_bound,
	.ExecCustomScan = exec_bound,
	.EndCustomScan = end_bound,
	.ReScanCustomScan = rescan_bound,
	.EstimateDSMCustomScan = estimate_dsm,
	.InitializeDSMCustomScan = initialize_dsm,
	.InitializeWorkerCustomScan = initialize_worker,
	.ShutdownCustomScan = shutdown_bound,
};

/* CreateCustomScanState */
Node *
bound_create_state(CustomScan *scan)
{
	BoundState *state = (BoundState *) newNode(sizeof(BoundState), T_CustomScanState);

	state->css.methods = &bound_exec_methods;
	return (Node *) state;
}

/* ----------
 * Start
 * ----------
 */

static void
read_plan(BoundState *state, List *private)
{
	List	   *numbers = lsecond(private);

	state->expected_rows = list_nth_int(numbers, BOUND_ROWS);
	state->nkeys = list_nth_int(numbers, BOUND_KEYS);
	state->nunits = list_nth_int(numbers, BOUND_UNITS);
	if (list_nth_int(numbers, BOUND_ARGUMENTS) != state->spec->narguments ||
		list_nth_int(numbers, BOUND_SKETCHES) != state->spec->nsketches ||
		state->nkeys != state->spec->nkeys)
		malformed("plan of a release");
	state->columns = rows_columns(numbers, state->nkeys + state->nunits +
								  state->spec->narguments + state->spec->nsketches,
								  &state->last_column);
}

static void
compile_features(FeatureSteps *steps, const ReleaseSpec *spec)
{
	steps->nfeatures = spec->nfeatures;
	for (int f = 0; f < spec->nfeatures; f++)
	{
		const SpecSet *set = &spec->sets[spec->features[f].set];
		bool		has_x = set->x != DP_NONE;
		bool		has_y = set->y != DP_NONE;

		steps->features[f].kind = spec->features[f].kind;
		steps->features[f].mask = set->every_row ? 0 :
			(has_x ? (uint32) 1 << set->x : 0) | (has_y ? (uint32) 1 << set->y : 0);
		steps->features[f].x = has_x ? set->x : 0;
		steps->features[f].y = has_y ? set->y : 0;
		if ((feature_reads_x(spec->features[f].kind) && spec->arguments[set->x].bound == 0) ||
			(feature_reads_y(spec->features[f].kind) && spec->arguments[set->y].bound == 0))
			malformed("release description");
	}
	for (int i = 1; i < spec->dimensions; i++)
	{
		int			f = spec->coordinates[i].feature;

		if (f == DP_NONE)
			continue;
		steps->coordinates[steps->ncoordinates].coordinate = i;
		steps->coordinates[steps->ncoordinates].feature = f;
		steps->coordinates[steps->ncoordinates].ones = spec->features[f].ones;
		steps->ncoordinates++;
	}
	if (steps->ncoordinates == 0)
		steps->nfeatures = 0;	/* individuals are counted without */
}

/* Opens what reads the rows; all that it needs from catalogs is looked up now. */
static void
open_columns(BoundState *state, ArrayType *params, TupleDesc desc)
{
	const ReleaseSpec *spec = state->spec;

	key_columns_open(&state->keys, desc, state->columns, state->nkeys, true);
	key_columns_open(&state->units, desc, state->columns + state->nkeys, state->nunits, false);
	state->sketches = rows_open_values(spec, params, desc,
									   state->columns + state->nkeys + state->nunits);
	record_layout(&state->layout, spec, &state->units, &state->keys);
	compile_features(&state->features, spec);
	items_weights(state->weights, state->contributions->params.rows);
}

static void
begin_bound(CustomScanState *node, EState *estate, int eflags)
{
	BoundState *state = (BoundState *) node;
	CustomScan *scan = (CustomScan *) node->ss.ps.plan;
	MemoryContext old;
	ArrayType  *params;

	node->custom_ps = list_make1(ExecInitNode(linitial(scan->custom_plans), estate, eflags));
	state->context = AllocSetContextCreate(estate->es_query_cxt, "dp_agg bounding",
										   ALLOCSET_DEFAULT_SIZES);
	state->row_context = AllocSetContextCreate(estate->es_query_cxt, "dp_agg bounded row",
											   ALLOCSET_DEFAULT_SIZES);
	state->partition = -1;
	old = MemoryContextSwitchTo(state->context);
	params = DatumGetArrayTypePCopy(PointerGetDatum(node_params(node)));
	state->contributions =
		contributions_open(DatumGetByteaP(linitial_node(Const, scan->custom_private)->constvalue),
						   params, state->context);
	state->spec = &state->contributions->spec;
	read_plan(state, scan->custom_private);
	open_columns(state, params, ExecGetResultType(linitial(node->custom_ps)));
	MemoryContextSwitchTo(old);
}

/* A power of two, for about so many rows. */
static int
choose_partitions(double rows)
{
	int			n = 1;

	while (n < MOST_PARTITIONS && n * (double) ROWS_PER_PARTITION < rows)
		n *= 2;
	return n;
}

static Size
shared_size(int participants)
{
	return MAXALIGN(offsetof(SharedBound, of) + participants * 2 * sizeof(dsa_pointer));
}

static SharedPartitions *
partitions_space(SharedBound *shared)
{
	return (SharedPartitions *) ((char *) shared + shared_size(shared->participants));
}

static dsa_area *
query_area(BoundState *state)
{
	return state->css.ss.ps.state->es_query_dsa;
}

/* Divides the memory, and takes the secret. */
static void
open_work(BoundState *state, uint64 secret)
{
	Size		memory = get_hash_memory_limit();
	MemoryContext old = MemoryContextSwitchTo(state->context);

	state->individuals_memory = Max(memory / 2, LEAST_MEMORY);
	state->groups_memory = Max(memory / 4, LEAST_MEMORY);
	state->ids_memory = Max(memory / 8, LEAST_MEMORY);
	state->units.seed = state->layout.unit_seed = secret;
	state->keys.seed = value_mix(secret + 1);
	individuals_open(&state->individuals, state->features.nfeatures, state->spec->nsketches,
				state->nkeys == 0 ? 1 : (uint32) state->contributions->params.groups);
	groups_open(&state->groups, state->spec->dimensions, state->spec->nsketches);
	state->groups.seed = value_mix(secret + 2);
	groups_open(&state->ids, 0, 0);
	if (state->shared != NULL)
		state->partitions =
			partitions_attach(partitions_space(state->shared), ParallelWorkerNumber + 1,
							  IsParallelWorker() ? dsm_find_mapping(state->shared->segment) : NULL,
							  query_area(state), memory / 2);
	else
		state->partitions = partitions_create(choose_partitions(state->expected_rows),
											  Max(memory / 4, LEAST_MEMORY));
	state->npartitions = state->partitions->n;
	state->partition_bits = pg_ceil_log2_32(state->npartitions);
	MemoryContextSwitchTo(old);
}

/* ----------
 * Parallel plans
 * ----------
 */

static Size
estimate_dsm(CustomScanState *node, ParallelContext *pcxt)
{
	BoundState *state = (BoundState *) node;
	int			participants = pcxt->nworkers + 1;

	/* the rows of the plan are those of one participant */
	state->npartitions = choose_partitions(state->expected_rows * participants);
	return add_size(shared_size(participants),
					partitions_shared_size(state->npartitions, participants));
}

static void
initialize_dsm(CustomScanState *node, ParallelContext *pcxt, void *coordinate)
{
	BoundState *state = (BoundState *) node;
	SharedBound *shared = coordinate;
	MemoryContext old;

	if (pcxt->seg == NULL)
		return;					/* there was no shared memory: no workers either */
	old = MemoryContextSwitchTo(state->context);
	BarrierInit(&shared->barrier, 0);
	pg_atomic_init_u32(&shared->next, 0);
	shared->participants = pcxt->nworkers + 1;
	shared->segment = dsm_segment_handle(pcxt->seg);
	shared->secret = drain_secret();
	pg_atomic_init_u32(&shared->without_id, 0);
	pg_atomic_init_u32(&shared->next_group, 0);
	shared->numbers = InvalidDsaPointer;
	for (int i = 0; i < shared->participants; i++)
		shared->of[i].ids = shared->of[i].sums = InvalidDsaPointer;
	partitions_share(partitions_space(shared), state->npartitions, shared->participants,
					 pcxt->seg);
	state->shared = shared;
	MemoryContextSwitchTo(old);
}

static void
initialize_worker(CustomScanState *node, shm_toc *toc, void *coordinate)
{
	((BoundState *) node)->shared = coordinate;
}

/* ----------
 * First step: rows into partitions
 * ----------
 */

/* Reads the arguments from these columns on. */
static inline void
divide_arguments(BoundState *state, TupleTableSlot *slot, const AttrNumber *column,
				 Record *record)
{
	const Contributions *contributions = state->contributions;

	record->present = 0;
	for (int i = 0; i < state->layout.narguments; i++)
	{
		int64		y;

		if (read_value(&contributions->readers[i], slot->tts_values[column[i] - 1],
					   slot->tts_isnull[column[i] - 1], &y))
			record->present |= (uint32) 1 << i;
		record->values[i] = (RecordValue) y;
	}
}

/* The number of the row's group; as long as there is memory, it gets an id. */
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

static inline void
divide_row(BoundState *state, TupleTableSlot *slot, Record *record)
{
	const AttrNumber *column = state->columns + state->nkeys + state->nunits;

	slot_getsomeattrs(slot, state->last_column);
	if (!key_columns_read(&state->units, slot, &record->unit))
		return;					/* nobody's; the rewriter asks for IS NOT NULL */
	if (state->nkeys > 0)
	{
		(void) key_columns_read(&state->keys, slot, &record->group);
		divide_group(state, record);
	}
	divide_arguments(state, slot, column, record);
	column += state->spec->narguments;
	for (int i = 0; i < state->spec->nsketches; i++, column++)
		record->has_item[i] = !slot->tts_isnull[*column - 1] &&
			sketch_read(&state->sketches[i], slot->tts_values[*column - 1], &record->items[i]);
	record_write(&state->layout, record, state->partitions,
				 (int) (record->unit.hash >> 1 >> (63 - state->partition_bits)));
}

static void
divide_rows(BoundState *state)
{
	RowReader	rows = {.child = linitial(state->css.custom_ps)};
	Record	   *record = &state->record;
	TupleTableSlot *slot;

	while ((slot = next_row(&rows)) != NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(state->row_context);

		divide_row(state, slot, record);
		MemoryContextSwitchTo(old);
		if (unlikely(!state->row_context->isReset))
			MemoryContextReset(state->row_context);
	}
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
	MemoryContext old = MemoryContextSwitchTo(state->context);

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
 * Numbers the groups of all participants, if each has room for the sums of all.  Those of
 * sketches are not added up by number, nor is the one group where there are no keys.
 */
static void
number_groups(BoundState *state)
{
	Size		most = state->groups_memory / (state->spec->dimensions * sizeof(CollectSum));

	if (state->nkeys == 0 || state->spec->nsketches > 0 ||
		pg_atomic_read_u32(&state->shared->without_id) != 0)
		return;
	state->shared->numbers = group_ids_number(state->ids_of, state->nparticipants,
										  (uint32) Min(most, PG_INT32_MAX), query_area(state));
}

/*
 * Takes numbers that groups have in common, and makes room for their sums, if it is not
 * too late to add to them.
 */
static void
take_numbers(BoundState *state)
{
	SharedBound *shared = state->shared;
	Groups	   *groups = &state->groups;
	dsa_pointer *sums = &shared->of[ParallelWorkerNumber + 1].sums;

	group_ids_take_numbers(state->ids_of, state->nparticipants, groups, shared->numbers,
					   query_area(state));
	state->numbered = true;
	if (BarrierPhase(&shared->barrier) == PHASE_LEAVE)
		return;
	*sums = dsa_allocate_extended(query_area(state),
								  Max(groups->n, 1) * (Size) groups->dimensions *
								  sizeof(CollectSum), DSA_ALLOC_HUGE | DSA_ALLOC_ZERO);
	groups->sums = dsa_get_address(query_area(state), *sums);
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
		number_groups(state);
	if (phase == PHASE_NUMBER)
		BarrierArriveAndWait(barrier, PG_WAIT_EXTENSION);
	if (DsaPointerIsValid(state->shared->numbers))
		take_numbers(state);
	else
		BarrierDetach(barrier);
}

/* The first step. */
static void
divide(BoundState *state)
{
	SharedBound *shared = state->shared;

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

/* ----------
 * Third step: groups leave
 * ----------
 */

/* Adds all individuals, and waits until the others have. */
static void
sum_up(BoundState *state)
{
	Barrier    *barrier = &state->shared->barrier;

	while (bound_do_pass(state) != PASS_NONE)
		;
	if (BarrierPhase(barrier) == PHASE_SUM)
		BarrierArriveAndWait(barrier, PG_WAIT_EXTENSION);
	BarrierDetach(barrier);
	state->summed = true;
}

/* Adds the others' sums of the groups that leave here now. */
static void
add_up(BoundState *state, uint32 first)
{
	SharedBound *shared = state->shared;
	Groups	   *groups = &state->groups;
	CollectSum *sums = groups_sums(groups, first);
	Size		n = (Size) (state->groups_end - first) * groups->dimensions;

	for (int i = 0; i < state->nparticipants; i++)
	{
		const CollectSum *others;

		if (i == ParallelWorkerNumber + 1 || !DsaPointerIsValid(shared->of[i].sums))
			continue;
		others = (CollectSum *) dsa_get_address(query_area(state), shared->of[i].sums) +
			(Size) first * groups->dimensions;
		for (Size d = 0; d < n; d++)
			sum_add(&sums[d], sum_get(&others[d]));
	}
}

/* Takes groups with numbers in common that nobody has taken; false if there are none. */
static bool
take_groups(BoundState *state)
{
	Groups	   *groups = &state->groups;
	uint32		first;

	if (groups->sums == NULL)
		return false;			/* too late */
	first = pg_atomic_fetch_add_u32(&state->shared->next_group, GROUPS_AT_A_TIME);
	if (first >= groups->n)
		return false;
	groups->emitted = first;
	state->groups_end = Min(first + GROUPS_AT_A_TIME, groups->n);
	add_up(state, first);
	return true;
}

/* next_group() where groups have numbers in common. */
static TupleTableSlot *
next_numbered_group(BoundState *state, TupleTableSlot *slot)
{
	if (!state->summed)
		sum_up(state);
	while (!groups_emit(&state->groups, state->groups_end, &state->keys, slot,
						state->css.ss.ps.ps_ExprContext->ecxt_per_tuple_memory))
	{
		if (!take_groups(state))
			break;
	}
	return slot;
}

static TupleTableSlot *
next_group(ScanState *node)
{
	BoundState *state = (BoundState *) node;
	TupleTableSlot *slot = node->ss_ScanTupleSlot;

	ExecClearTuple(slot);
	if (!state->divided)
		divide(state);
	if (state->numbered)
		return next_numbered_group(state, slot);
	for (;;)
	{
		PassEnd		end;

		if (state->emitting && groups_emit(&state->groups, state->groups.n, &state->keys, slot,
										   node->ps.ps_ExprContext->ecxt_per_tuple_memory))
			return slot;
		if (state->emitting)
			bound_forget_groups(state);
		state->emitting = false;
		/* what a pass would be left for is better done before it */
		do
			end = bound_do_pass(state);
		while (end == PASS_WIDE ||
			   (end == PASS_DONE && groups_memory(&state->groups) <= state->groups_memory / 2));
		if (end == PASS_NONE && state->groups.n == 0)
			return slot;
		state->emitting = true;
	}
}

static bool
recheck_group(ScanState *node, TupleTableSlot *slot)
{
	return true;
}

static TupleTableSlot *
exec_bound(CustomScanState *node)
{
	return ExecScan(&node->ss, next_group, recheck_group);
}

/* ----------
 * End
 * ----------
 */

/* The child of a sealed node runs once. */
static void
rescan_bound(CustomScanState *node)
{
	if (((BoundState *) node)->divided)
		elog(ERROR, "a release cannot be run again");
	ExecReScan(linitial(node->custom_ps));
}

/* Lets go of what lies in shared memory, before that goes. */
static void
shutdown_bound(CustomScanState *node)
{
	BoundState *state = (BoundState *) node;

	if (state->partitions != NULL)
		partitions_close(state->partitions);
	state->partitions = NULL;
	state->shared = NULL;
}

static void
end_bound(CustomScanState *node)
{
	BoundState *state = (BoundState *) node;

	shutdown_bound(node);
	ExecEndNode(linitial(node->custom_ps));
	MemoryContextDelete(state->row_context);
	MemoryContextDelete(state->context);
}
