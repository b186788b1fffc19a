/*
 * individuals.c
 *		Which groups an individual counts in, and its sums there.
 *
 * An individual in more than k groups counts in the k with the smallest rank, a hash of
 * individual and group under the release's secret.  The choice depends on that
 * individual's rows and the secret alone, so it adds nothing to the sensitivity.
 *
 * IndividualTable lie one after the other, with their first groups, and are found by a table
 * of their numbers: what a row touches is few lines of the cache.
 */
#include "postgres.h"

#include "port/pg_bitutils.h"

#include "nodes/bound/groups.h"
#include "nodes/bound/individuals.h"
#include "nodes/bound/items.h"
#include "nodes/bound/keys.h"
#include "spec/value_key.h"

#define FIRST_SIZE 256

/* Groups that lie beside their individual, at most. */
#define MOST_FIRST_GROUPS 4

#define CHUNK_SIZE ((Size) 128 * 1024)

/*
 * No individuals yet; each will have sums and sketches for at most k groups, or, if they are to be
 * single, sums for the group number 0.
 */
void
individuals_open(IndividualTable *individuals, int nsums, int nsketches, uint32 most_groups,
				 bool single)
{
	individuals->context = AllocSetContextCreate(CurrentMemoryContext, "dp_agg individuals",
												 ALLOCSET_DEFAULT_SIZES);
	individuals->table_context = CurrentMemoryContext;
	individuals->nsums = nsums;
	individuals->nsketches = nsketches;
	individuals->most_groups = most_groups;
#ifdef DP_FAULT_CAPS_OFF
	individuals->most_groups = PG_UINT32_MAX;
#endif
	individuals->group_size = offsetof(IndividualGroup, sums) + nsums * sizeof(int64) +
		nsketches * sizeof(IndividualItems);
	individuals->first_groups = Min(individuals->most_groups, MOST_FIRST_GROUPS);
	individuals->single = single;
	individuals->individual_size = single ?
		offsetof(SingleIndividual, group) + individuals->group_size :
		offsetof(Individual, groups) + individuals->first_groups * individuals->group_size;
	individuals->chunk_bits =
		pg_leftmost_one_pos32((uint32) (CHUNK_SIZE / individuals->individual_size));
	individuals->size = FIRST_SIZE;
	individuals->slots = palloc0(individuals->size * sizeof(IndividualSlot));
}

/* Forgets everybody. */
void
individuals_reset(IndividualTable *individuals)
{
	if (individuals->n > 0)
		memset(individuals->slots, 0, individuals->size * sizeof(IndividualSlot));
	MemoryContextReset(individuals->context);
	individuals->n = 0;
}

/* Bytes in use. */
Size
individuals_memory(const IndividualTable *individuals)
{
	return individuals->size * sizeof(IndividualSlot) +
		individuals->n * individuals->individual_size +
		MemoryContextMemAllocated(individuals->context, true);
}

/* The free slot that a hash takes. */
static IndividualSlot *
free_slot(IndividualTable *individuals, uint64 hash)
{
	uint32		mask = individuals->size - 1;
	uint32		slot = (uint32) hash & mask;

	while (individuals->slots[slot].number != 0)
		slot = (slot + 1) & mask;
	return &individuals->slots[slot];
}

static void
put_into_slot(IndividualTable *individuals, uint32 i, uint64 hash)
{
	IndividualSlot *slot = free_slot(individuals, hash);

	slot->number = i + 1;
	slot->tag = individual_tag(hash);
}

static void
grow(IndividualTable *individuals)
{
	if (individuals->size > PG_UINT32_MAX / 4)
		elog(ERROR, "too many individuals");
	individuals->size *= 2;
	pfree(individuals->slots);
	individuals->slots = MemoryContextAllocExtended(individuals->table_context,
													individuals->size * sizeof(IndividualSlot),
													MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (uint32 i = 0; i < individuals->n; i++)
		put_into_slot(individuals, i, individuals_nth(individuals, i)->hash);
}

/* Memory for one individual more than there are. */
static void
make_room(IndividualTable *individuals)
{
	MemoryContext old;

	if (individuals->n >> individuals->chunk_bits < (uint32) individuals->nchunks)
		return;
	old = MemoryContextSwitchTo(individuals->table_context);
	if (individuals->nchunks == 0)
		individuals->chunks = palloc(sizeof(char *));
	else if ((individuals->nchunks & (individuals->nchunks - 1)) == 0)
		individuals->chunks = repalloc_huge(individuals->chunks,
											2 * individuals->nchunks * sizeof(char *));
	individuals->chunks[individuals->nchunks++] =
		palloc(individuals->individual_size << individuals->chunk_bits);
	MemoryContextSwitchTo(old);
}

/* Memory for an individual, and its slot. */
static Individual *
add(IndividualTable *individuals, uint64 hash)
{
	Individual *individual;

	if (individuals->n >= individuals->size / 2)
		grow(individuals);
	make_room(individuals);
	individual = individuals_nth(individuals, individuals->n);
	put_into_slot(individuals, individuals->n++, hash);
	return individual;
}

/* Adds an individual that is not there, without groups. */
Individual *
individuals_add(IndividualTable *individuals, const BoundKey *key)
{
	Individual *individual = add(individuals, key->hash);

	individual->hash = key->hash;
	individual->length = key->length;
	individual->ngroups = 0;
	individual->largest = 0;
	individual->more = NULL;
	if (!key_fits_words(key->length))
		individual->bytes = memcpy(MemoryContextAlloc(individuals->context, key->length),
								   key->bytes, key->length);
	else if (key->length > 0)
		memcpy(&individual->words, key->bytes, sizeof(KeyWords));
	return individual;
}

/* Adds a single individual that is not there, without rows. */
SingleIndividual *
individuals_add_single(IndividualTable *individuals, uint64 hash)
{
	SingleIndividual *individual = (SingleIndividual *) add(individuals, hash);

	memset(individual, 0, individuals->individual_size);
	individual->hash = hash;
	return individual;
}

static inline uint64
rank_of(const Individual *individual, const Groups *groups, uint32 group)
{
	return groups_rank(groups, individual->hash, groups->items[group].key.hash);
}

static inline uint64
nth_rank(const IndividualTable *individuals, const Individual *individual, const Groups *groups,
		 uint32 i)
{
	return rank_of(individual, groups, individual_nth_group(individuals, individual, i)->group);
}

/* What the order of an individual's groups rests on. */
typedef struct RankedBy
{
	const IndividualTable *individuals;
	const Individual *individual;
	const Groups *groups;
} RankedBy;

static int
compare_ranks(Datum a, Datum b, void *arg)
{
	const RankedBy *by = arg;
	uint64		first = nth_rank(by->individuals, by->individual, by->groups, DatumGetUInt32(a));
	uint64		second = nth_rank(by->individuals, by->individual, by->groups, DatumGetUInt32(b));

	return first < second ? -1 : first > second ? 1 : 0;
}

/* Puts the groups of an individual with an index in order: many may have to leave. */
static void
rank_groups(IndividualTable *individuals, Individual *individual, const Groups *groups)
{
	MemoryContext old = MemoryContextSwitchTo(individuals->context);
	RankedBy   *by = palloc(sizeof(RankedBy));

	by->individuals = individuals;
	by->individual = individual;
	by->groups = groups;
	individual->more->ranked = binaryheap_allocate((int) individual->ngroups, compare_ranks, by);
	for (uint32 i = 0; i < individual->ngroups; i++)
		binaryheap_add_unordered(individual->more->ranked, UInt32GetDatum(i));
	binaryheap_build(individual->more->ranked);
	MemoryContextSwitchTo(old);
}

/* The largest rank of an individual's k groups, and the position of the group that has it. */
static uint64
largest_rank(IndividualTable *individuals, Individual *individual, const Groups *groups,
			 uint32 *position)
{
	uint64		largest = 0;

	*position = 0;
	if (individual->ngroups > MOST_LISTED_GROUPS)
	{
		if (individual->more->ranked == NULL)
			rank_groups(individuals, individual, groups);
		*position = DatumGetUInt32(binaryheap_first(individual->more->ranked));
		return nth_rank(individuals, individual, groups, *position);
	}
	for (uint32 i = 0; i < individual->ngroups; i++)
	{
		uint64		rank = nth_rank(individuals, individual, groups, i);

		if (rank > largest)
		{
			largest = rank;
			*position = i;
		}
	}
	return largest;
}

/*
 * Is the rank below the largest of those of an individual's k groups?  Ranks are computed
 * when first an individual has more groups than count, which most never have.
 */
bool
individual_has_room(IndividualTable *individuals, Individual *individual, const Groups *groups,
					uint64 rank)
{
	uint32		position;

	if (individual->largest == 0)
		individual->largest = largest_rank(individuals, individual, groups, &position);
	return rank < individual->largest;
}

/* Room for a group more; beyond the first ones it doubles. */
static void
make_room_for_group(IndividualTable *individuals, Individual *individual)
{
	uint32		n = individual->ngroups - individuals->first_groups;

	if (individual->ngroups < individuals->first_groups)
		return;
	if (n == 0)
	{
		individual->more = MemoryContextAlloc(individuals->context,
											  offsetof(MoreGroups, groups) + individuals->group_size);
		individual->more->index = NULL;
		individual->more->index_size = 0;
		individual->more->ranked = NULL;
	}
	else if ((n & (n - 1)) == 0)
		individual->more = repalloc_huge(individual->more, offsetof(MoreGroups, groups) +
										 2 * (Size) n * individuals->group_size);
}

static inline uint32
index_slot(const MoreGroups *more, uint32 group)
{
	return (uint32) value_mix(group) & (more->index_size - 1);
}

static void
put_into_index(MoreGroups *more, uint32 group, uint32 position)
{
	uint32		slot = index_slot(more, group);

	while (more->index[slot] != 0)
		slot = (slot + 1) & (more->index_size - 1);
	more->index[slot] = position + 1;
}

/* Makes the index anew, four times as large as the groups are many. */
static void
make_index(IndividualTable *individuals, Individual *individual)
{
	MoreGroups *more = individual->more;

	if (more->index != NULL)
		pfree(more->index);
	more->index_size = pg_nextpower2_32(4 * individual->ngroups);
	more->index = MemoryContextAllocExtended(individuals->context,
											 more->index_size * sizeof(uint32),
											 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (uint32 i = 0; i < individual->ngroups; i++)
		put_into_index(more, individual_nth_group(individuals, individual, i)->group, i);
}

/* A group was added: the index, if there must be one, has it. */
static void
index_last_group(IndividualTable *individuals, Individual *individual)
{
	MoreGroups *more = individual->more;
	uint32		last = individual->ngroups - 1;

	if (individual->ngroups <= MOST_LISTED_GROUPS)
		return;
	if (individual->ngroups > more->index_size / 2)
		make_index(individuals, individual);
	else
		put_into_index(more, individual_nth_group(individuals, individual, last)->group, last);
}

/* A group without rows. */
static IndividualGroup *
add_group(IndividualTable *individuals, Individual *individual, uint32 group)
{
	IndividualGroup *result;

	make_room_for_group(individuals, individual);
	result = individual_nth_group(individuals, individual, individual->ngroups++);
	result->group = group;
	memset(result->sums, 0, individuals->group_size - offsetof(IndividualGroup, sums));
	index_last_group(individuals, individual);
	return result;
}

/* Takes away the sums and sketches of a group. */
static void
clear_group(IndividualTable *individuals, IndividualGroup *entry)
{
	IndividualItems *items = individual_items(individuals, entry);

	for (int i = 0; i < individuals->nsketches; i++)
	{
		if (items_state(&items[i]) != NULL)
			pfree(items_state(&items[i]));
	}
	memset(entry->sums, 0, individuals->group_size - offsetof(IndividualGroup, sums));
}

/* Takes the group at a position out of the index, and closes the gap. */
static void
take_from_index(IndividualTable *individuals, Individual *individual, uint32 position)
{
	MoreGroups *more = individual->more;
	uint32		mask = more->index_size - 1;
	uint32		gap = index_slot(more, individual_nth_group(individuals, individual, position)->group);

	while (more->index[gap] != position + 1)
		gap = (gap + 1) & mask;
	for (uint32 slot = (gap + 1) & mask; more->index[slot] != 0; slot = (slot + 1) & mask)
	{
		uint32		home = index_slot(more, individual_nth_group(individuals, individual,
																 more->index[slot] - 1)->group);

		/* it moves if its search begins at the gap or before */
		if (((slot - home) & mask) < ((slot - gap) & mask))
			continue;
		more->index[gap] = more->index[slot];
		gap = slot;
	}
	more->index[gap] = 0;
}

/* Makes the group with the largest rank this one, whose rank is smaller. */
static IndividualGroup *
push_out(IndividualTable *individuals, Individual *individual, const Groups *groups, uint32 group)
{
	IndividualGroup *last;
	uint32		position;

	(void) largest_rank(individuals, individual, groups, &position);
	last = individual_nth_group(individuals, individual, position);
	clear_group(individuals, last);
	if (individual->ngroups > MOST_LISTED_GROUPS)
	{
		take_from_index(individuals, individual, position);
		last->group = group;
		put_into_index(individual->more, group, position);
		binaryheap_replace_first(individual->more->ranked, UInt32GetDatum(position));
	}
	else
		last->group = group;
	individual->largest = largest_rank(individuals, individual, groups, &position);
	return last;
}

/* individual_group() for a group that the individual does not have. */
IndividualGroup *
individual_new_group(IndividualTable *individuals, Individual *individual, const Groups *groups,
					 uint32 group)
{
	uint64		rank;

	if (individual->ngroups < individuals->most_groups)
		return add_group(individuals, individual, group);
	rank = rank_of(individual, groups, group);
	if (!individual_has_room(individuals, individual, groups, rank))
		return NULL;
	return push_out(individuals, individual, groups, group);
}

/* individual_group() for an individual with an index. */
IndividualGroup *
individual_indexed_group(IndividualTable *individuals, Individual *individual, const Groups *groups,
						 uint32 group)
{
	const MoreGroups *more = individual->more;
	uint32		slot = index_slot(more, group);

	for (; more->index[slot] != 0; slot = (slot + 1) & (more->index_size - 1))
	{
		IndividualGroup *entry = individual_nth_group(individuals, individual,
													  more->index[slot] - 1);

		if (entry->group == group)
			return entry;
	}
	return individual_new_group(individuals, individual, groups, group);
}
