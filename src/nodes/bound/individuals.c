/*
 * individuals.c
 *		Which groups an individual counts in, and its sums there.
 *
 * An individual in more than k groups counts in the k with the smallest rank, a hash of
 * individual and group under the release's secret.  The choice depends on that
 * individual's rows and the secret alone, so it adds nothing to the sensitivity.
 *
 * Individuals lie one after the other, with their first groups, and are found by a table
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

/* Nobody yet; sums and sketches for each group of an individual, k groups at most. */
void
people_open(People *people, int nsums, int nsketches, uint32 most_groups)
{
	people->context = AllocSetContextCreate(CurrentMemoryContext, "dp_agg individuals",
											ALLOCSET_DEFAULT_SIZES);
	people->table_context = CurrentMemoryContext;
	people->nsums = nsums;
	people->nsketches = nsketches;
	people->most_groups = most_groups;
#ifdef DP_FAULT_CAPS_OFF
	people->most_groups = PG_UINT32_MAX;
#endif
	people->group_size = offsetof(PersonGroup, sums) + nsums * sizeof(int64) +
		nsketches * sizeof(PersonItems);
	people->first_groups = Min(people->most_groups, MOST_FIRST_GROUPS);
	people->person_size = offsetof(Person, groups) + people->first_groups * people->group_size;
	people->chunk_bits = pg_leftmost_one_pos32((uint32) (CHUNK_SIZE / people->person_size));
	people->size = FIRST_SIZE;
	people->slots = palloc0(people->size * sizeof(PersonSlot));
}

/* Forgets everybody. */
void
people_reset(People *people)
{
	if (people->n > 0)
		memset(people->slots, 0, people->size * sizeof(PersonSlot));
	MemoryContextReset(people->context);
	people->n = 0;
}

/* Bytes in use. */
Size
people_memory(const People *people)
{
	return people->size * sizeof(PersonSlot) + people->n * people->person_size +
		MemoryContextMemAllocated(people->context, true);
}

/* The free slot that a hash takes. */
static PersonSlot *
free_slot(People *people, uint64 hash)
{
	uint32		mask = people->size - 1;
	uint32		slot = (uint32) hash & mask;

	while (people->slots[slot].number != 0)
		slot = (slot + 1) & mask;
	return &people->slots[slot];
}

static void
put_into_slot(People *people, uint32 i, uint64 hash)
{
	PersonSlot *slot = free_slot(people, hash);

	slot->number = i + 1;
	slot->tag = person_tag(hash);
}

static void
grow(People *people)
{
	if (people->size > PG_UINT32_MAX / 4)
		elog(ERROR, "too many individuals");
	people->size *= 2;
	pfree(people->slots);
	people->slots = MemoryContextAllocExtended(people->table_context,
											   people->size * sizeof(PersonSlot),
											   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (uint32 i = 0; i < people->n; i++)
		put_into_slot(people, i, people_nth(people, i)->hash);
}

/* Memory for one individual more than there are. */
static void
make_room(People *people)
{
	MemoryContext old;

	if (people->n >> people->chunk_bits < (uint32) people->nchunks)
		return;
	old = MemoryContextSwitchTo(people->table_context);
	if (people->nchunks == 0)
		people->chunks = palloc(sizeof(char *));
	else if ((people->nchunks & (people->nchunks - 1)) == 0)
		people->chunks = repalloc_huge(people->chunks, 2 * people->nchunks * sizeof(char *));
	people->chunks[people->nchunks++] = palloc(people->person_size << people->chunk_bits);
	MemoryContextSwitchTo(old);
}

/* Adds an individual that is not there, without groups. */
Person *
people_add(People *people, const BoundKey *key)
{
	Person	   *person;

	if (people->n >= people->size / 2)
		grow(people);
	make_room(people);
	person = people_nth(people, people->n);
	person->hash = key->hash;
	person->bytes = NULL;
	person->length = key->length;
	person->ngroups = 0;
	person->largest = 0;
	person->more = NULL;
	if (key->length > 0)
		person->bytes = memcpy(MemoryContextAlloc(people->context, key->length), key->bytes,
							   key->length);
	put_into_slot(people, people->n++, key->hash);
	return person;
}

static inline uint64
rank_of(const Person *person, const Groups *groups, uint32 group)
{
	return groups_rank(groups, person->hash, groups->items[group].key.hash);
}

/*
 * Is the rank below the largest of those of an individual's k groups?  Ranks are computed
 * when first an individual has more groups than count, which most never have.
 */
bool
person_has_room(People *people, Person *person, const Groups *groups, uint64 rank)
{
	if (person->largest == 0)
	{
		for (uint32 i = 0; i < person->ngroups; i++)
			person->largest = Max(person->largest,
								  rank_of(person, groups,
										  person_nth_group(people, person, i)->group));
	}
	return rank < person->largest;
}

/* Room for a group more; beyond the first ones it doubles. */
static void
make_room_for_group(People *people, Person *person)
{
	uint32		n = person->ngroups - people->first_groups;

	if (person->ngroups < people->first_groups)
		return;
	if (n == 0)
	{
		person->more = MemoryContextAlloc(people->context,
										  offsetof(MoreGroups, groups) + people->group_size);
		person->more->index = NULL;
		person->more->index_size = 0;
	}
	else if ((n & (n - 1)) == 0)
		person->more = repalloc_huge(person->more, offsetof(MoreGroups, groups) +
									 2 * (Size) n * people->group_size);
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
make_index(People *people, Person *person)
{
	MoreGroups *more = person->more;

	if (more->index != NULL)
		pfree(more->index);
	more->index_size = pg_nextpower2_32(4 * person->ngroups);
	more->index = MemoryContextAllocExtended(people->context,
											 more->index_size * sizeof(uint32),
											 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (uint32 i = 0; i < person->ngroups; i++)
		put_into_index(more, person_nth_group(people, person, i)->group, i);
}

/* A group was added: the index, if there must be one, has it. */
static void
index_last_group(People *people, Person *person)
{
	MoreGroups *more = person->more;

	if (person->ngroups <= MOST_LISTED_GROUPS)
		return;
	if (person->ngroups > more->index_size / 2)
		make_index(people, person);
	else
		put_into_index(more, person_nth_group(people, person, person->ngroups - 1)->group,
					   person->ngroups - 1);
}

/* A group without rows. */
static PersonGroup *
add_group(People *people, Person *person, uint32 group)
{
	PersonGroup *result;

	make_room_for_group(people, person);
	result = person_nth_group(people, person, person->ngroups++);
	result->group = group;
	memset(result->sums, 0, people->group_size - offsetof(PersonGroup, sums));
	index_last_group(people, person);
	return result;
}

/* Takes away the sums and sketches of a group. */
static void
clear_group(People *people, PersonGroup *entry)
{
	PersonItems *items = person_items(people, entry);

	for (int i = 0; i < people->nsketches; i++)
	{
		if (items_state(&items[i]) != NULL)
			pfree(items_state(&items[i]));
	}
	memset(entry->sums, 0, people->group_size - offsetof(PersonGroup, sums));
}

/* Makes the group with the largest rank this one, whose rank is smaller. */
static PersonGroup *
push_out(People *people, Person *person, const Groups *groups, uint32 group, uint64 rank)
{
	PersonGroup *last = NULL;
	uint64		largest = rank;

	for (uint32 i = 0; i < person->ngroups; i++)
	{
		PersonGroup *entry = person_nth_group(people, person, i);
		uint64		other = rank_of(person, groups, entry->group);

		if (last == NULL && other == person->largest)
			last = entry;
		else
			largest = Max(largest, other);
	}
	person->largest = largest;
	clear_group(people, last);
	last->group = group;
	if (person->ngroups > MOST_LISTED_GROUPS)
		make_index(people, person);
	return last;
}

/* person_group() for a group that the individual does not have. */
PersonGroup *
person_new_group(People *people, Person *person, const Groups *groups, uint32 group)
{
	uint64		rank;

	if (person->ngroups < people->most_groups)
		return add_group(people, person, group);
	rank = rank_of(person, groups, group);
	if (!person_has_room(people, person, groups, rank))
		return NULL;
	return push_out(people, person, groups, group, rank);
}

/* person_group() for an individual with an index. */
PersonGroup *
person_indexed_group(People *people, Person *person, const Groups *groups, uint32 group)
{
	const MoreGroups *more = person->more;
	uint32		slot = index_slot(more, group);

	for (; more->index[slot] != 0; slot = (slot + 1) & (more->index_size - 1))
	{
		PersonGroup *entry = person_nth_group(people, person, more->index[slot] - 1);

		if (entry->group == group)
			return entry;
	}
	return person_new_group(people, person, groups, group);
}
