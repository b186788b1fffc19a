/*
 * groups.c
 *		A hash table of groups, with a state of the collector and of each sketch.
 *
 * It knows the groups of the partitions that a process has done, and is emptied when it
 * takes too much memory; states of the same group are combined above the node.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "aggregate/sketch_state.h"
#include "aggregate/sum.h"
#include "nodes/bound/groups.h"
#include "nodes/bound/keys.h"
#include "spec/layout.h"
#include "spec/spec.h"

#define FIRST_SIZE 64

static Size
sums_size(const Groups *groups, uint32 n)
{
	return (Size) n * groups->nsums * sizeof(CollectSum);
}

/* Makes room for the sums of "size" groups, and keeps the sums that there are. */
static void
make_sums(Groups *groups)
{
	void	   *old = groups->sums_space;
	CollectSum *sums = groups->sums;

	if (groups->nsums == 0)
		return;
	groups->sums_space = MemoryContextAllocHuge(groups->context,
												sums_size(groups, groups->size) +
												PG_CACHE_LINE_SIZE);
	groups->sums = (CollectSum *) CACHELINEALIGN(groups->sums_space);
	if (groups->n == 0)
		return;
	memcpy(groups->sums, sums, sums_size(groups, groups->n));
	pfree(old);
}

static void
start(Groups *groups)
{
	groups->n = 0;
	groups->emitted = 0;
	groups->size = FIRST_SIZE;
	groups->nslots = 2 * FIRST_SIZE;
	groups->items = MemoryContextAlloc(groups->context, groups->size * sizeof(BoundGroup));
	make_sums(groups);
	groups->slots = MemoryContextAllocZero(groups->context, groups->nslots * sizeof(uint32));
}

/*
 * No groups yet.  They get the sums and sketches of the release, which must outlive them; or
 * neither, if it is NULL.
 */
void
groups_open(Groups *groups, const ReleaseSpec *spec)
{
	int			nsums = spec != NULL ? spec_sums(spec) : 0;

	groups->context = AllocSetContextCreate(CurrentMemoryContext, "dp_agg groups",
											ALLOCSET_DEFAULT_SIZES);
	groups->spec = spec;
	groups->nsums = nsums;
	groups->nsketches = spec != NULL ? spec->nsketches : 0;
	groups->leaving = palloc0(COLLECT_STATE_SIZE(nsums));
	SET_VARSIZE(groups->leaving, COLLECT_STATE_SIZE(nsums));
	groups->leaving->nsums = nsums;
	start(groups);
}

/* Forgets all groups. */
void
groups_reset(Groups *groups)
{
	MemoryContextReset(groups->context);
	start(groups);
}

static void
put_into_slot(Groups *groups, uint32 number)
{
	uint32		mask = groups->nslots - 1;
	uint32		slot = (uint32) groups->items[number].key.hash & mask;

	while (groups->slots[slot] != 0)
		slot = (slot + 1) & mask;
	groups->slots[slot] = number + 1;
}

static void
grow(Groups *groups)
{
	if (groups->size > PG_UINT32_MAX / 4)
		elog(ERROR, "too many groups");
	groups->size *= 2;
	groups->nslots *= 2;
	groups->items = repalloc_huge(groups->items, groups->size * sizeof(BoundGroup));
	make_sums(groups);
	pfree(groups->slots);
	groups->slots = MemoryContextAllocExtended(groups->context,
											   groups->nslots * sizeof(uint32),
											   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (uint32 i = 0; i < groups->n; i++)
		put_into_slot(groups, i);
}

/* Adds a group that is not there, without individuals. */
uint32
groups_add(Groups *groups, const BoundKey *key)
{
	MemoryContext old;
	BoundGroup *group;

	if (groups->n == groups->size)
		grow(groups);
	group = &groups->items[groups->n];
	old = MemoryContextSwitchTo(groups->context);
	group->key = *key;
	if (key->length > 0)
		group->key.bytes = memcpy(palloc(key->length), key->bytes, key->length);
	group->sketches = groups->nsketches == 0 ? NULL :
		palloc0(groups->nsketches * sizeof(SketchState *));
	MemoryContextSwitchTo(old);
	if (groups->nsums > 0)
		memset(groups_sums(groups, groups->n), 0, sums_size(groups, 1));
	put_into_slot(groups, groups->n);
	return groups->n++;
}

/*
 * Makes n groups, whose keys the caller fills in and whose sums it keeps.  They are found by
 * their numbers alone, and no group can be added to them.
 */
void
groups_reserve(Groups *groups, uint32 n)
{
	MemoryContextReset(groups->context);
	groups->items = MemoryContextAllocExtended(groups->context, n * sizeof(BoundGroup),
											   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	groups->sums = NULL;
	groups->sums_space = NULL;
	groups->slots = NULL;
	groups->nslots = 0;
	groups->n = groups->size = n;
}

/* Puts the states of a group into their columns. */
static inline void
put_states(Groups *groups, const BoundGroup *group, const CollectSum *sums, TupleTableSlot *slot)
{
	int			state = release_state_column(groups->spec);

	memcpy(groups->leaving->sums, sums, sums_size(groups, 1));
	slot->tts_values[state] = PointerGetDatum(groups->leaving);
	slot->tts_isnull[state] = false;
	for (int i = 0; i < groups->nsketches; i++)
	{
		int			column = release_sketch_column(groups->spec, i);

		slot->tts_values[column] = PointerGetDatum(group->sketches[i]);
		slot->tts_isnull[column] = group->sketches[i] == NULL;
	}
}

/*
 * Puts the next group with individuals into a slot, by the columns of spec/layout.h: its
 * keys, which are allocated in the context, its state, and each sketch or NULL.  Returns false
 * if the groups before number "end" have no such left.
 */
bool
groups_emit(Groups *groups, uint32 end, KeyColumns *keys, TupleTableSlot *slot,
			MemoryContext context)
{
	int			key = release_key_column(groups->spec, 0);

	while (groups->emitted < end)
	{
		uint32		number = groups->emitted++;
		BoundGroup *group = &groups->items[number];
		const CollectSum *sums = groups_sums(groups, number);
		MemoryContext old;

		if (sum_get(&sums[0]) == 0)
			continue;			/* met, but nobody counts in it */
		old = MemoryContextSwitchTo(context);
		if (keys->n > 0)
			key_columns_values(keys, &group->key, slot->tts_values + key,
							   slot->tts_isnull + key);
		MemoryContextSwitchTo(old);
		put_states(groups, group, sums, slot);
		ExecStoreVirtualTuple(slot);
		return true;
	}
	return false;
}
