/*
 * people.c
 *		Which groups an individual counts in, and its sums there.
 *
 * An individual in more than k groups counts in the k with the smallest rank, a hash of
 * individual and group under the release's secret.  The choice depends on that
 * individual's rows and the secret alone, so it adds nothing to the sensitivity.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "bound/groups.h"
#include "bound/people.h"

#define FIRST_SIZE 256

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
		nsketches * sizeof(SketchState *);
	people->size = FIRST_SIZE;
	people->items = palloc0(people->size * sizeof(Person));
}

/* Forgets everybody. */
void
people_reset(People *people)
{
	if (people->n > 0)
		memset(people->items, 0, people->size * sizeof(Person));
	MemoryContextReset(people->context);
	people->n = 0;
	people->chunks_used = 0;
	people->chunk_left = 0;
}

static void
grow(People *people)
{
	Person	   *old = people->items;
	uint32		old_size = people->size;

	if (old_size > PG_UINT32_MAX / 4)
		elog(ERROR, "too many individuals");
	people->size *= 2;
	people->items = MemoryContextAllocExtended(people->table_context, people->size * sizeof(Person),
											   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (uint32 i = 0; i < old_size; i++)
	{
		uint32		slot = (uint32) old[i].hash & (people->size - 1);

		if (old[i].used == 0)
			continue;
		while (people->items[slot].used != 0)
			slot = (slot + 1) & (people->size - 1);
		people->items[slot] = old[i];
	}
	pfree(old);
}

/* Makes room for so many individuals more. */
void
people_reserve(People *people, uint32 n)
{
	while (people->n + n > people->size / 2)
		grow(people);
}

/* Makes a free entry that of an individual, without groups. */
Person *
people_add(People *people, Person *person, const BoundKey *key)
{
	people->n++;
	person->hash = key->hash;
	person->used = key->length + 1;
	if (key->length > 0)
		person->bytes = memcpy(MemoryContextAlloc(people->context, key->length), key->bytes,
							   key->length);
	return person;
}

/* Memory for groups, of which there was too little. */
static void
next_chunk(People *people)
{
	if (people->chunks_used == list_length(people->chunks))
	{
		MemoryContext old = MemoryContextSwitchTo(people->table_context);

		people->chunks = lappend(people->chunks, palloc(PEOPLE_CHUNK));
		MemoryContextSwitchTo(old);
	}
	people->chunk = list_nth(people->chunks, people->chunks_used++);
	people->chunk_left = PEOPLE_CHUNK;
}

/* A group without rows, first of the individual's. */
static PersonGroup *
add_group(People *people, Person *person, uint32 group)
{
	PersonGroup *result;

	if (people->chunk_left < people->group_size)
		next_chunk(people);
	result = (PersonGroup *) people->chunk;
	people->chunk += people->group_size;
	people->chunk_left -= people->group_size;
	memset(result, 0, people->group_size);
	result->group = group;
	result->next = person->groups;
	person->groups = result;
	person->ngroups++;
	return result;
}

static inline uint64
rank_of(const People *people, const Person *person, const Groups *groups, uint32 group)
{
	return sketch_mix(person->hash ^ sketch_mix(groups->items[group].key.hash ^ people->seed));
}

/* Makes the group with the largest rank this one, if its own is smaller. */
static PersonGroup *
push_out(People *people, Person *person, const Groups *groups, uint32 group)
{
	PersonGroup *last = NULL;
	uint64		largest = rank_of(people, person, groups, group);
	SketchState **sketches;

	for (PersonGroup *entry = person->groups; entry != NULL; entry = entry->next)
	{
		uint64		rank = rank_of(people, person, groups, entry->group);

		if (rank <= largest)
			continue;
		largest = rank;
		last = entry;
	}
	if (last == NULL)
		return NULL;
	last->group = group;
	memset(last->sums, 0, people->nsums * sizeof(int64));
	sketches = person_sketches(people, last);
	for (int i = 0; i < people->nsketches; i++)
	{
		if (sketches[i] != NULL)
			pfree(sketches[i]);
		sketches[i] = NULL;
	}
	return last;
}

/* person_group() for a group that the individual does not have. */
PersonGroup *
person_new_group(People *people, Person *person, const Groups *groups, uint32 group)
{
	if (person->ngroups < people->most_groups)
		return add_group(people, person, group);
	return push_out(people, person, groups, group);
}

/* The n groups that lie in a chunk, one after the other, group_size apart. */
PersonGroup *
people_groups(People *people, int chunk, uint32 *n)
{
	Size		used = PEOPLE_CHUNK - (chunk == people->chunks_used - 1 ? people->chunk_left : 0);

	*n = (uint32) (used / people->group_size);
	return list_nth(people->chunks, chunk);
}
