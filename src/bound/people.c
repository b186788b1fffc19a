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

#include "bound/people.h"

#define FIRST_SIZE 256
#define CHUNK_SIZE (64 * 1024)

static void
start(People *people)
{
	people->n = 0;
	people->size = FIRST_SIZE;
	people->items = MemoryContextAllocZero(people->context, people->size * sizeof(Person));
	people->chunk_left = 0;
}

/* Nobody yet; sums and sketches for each group of an individual, k groups at most. */
void
people_open(People *people, int nsums, int nsketches, uint32 most_groups)
{
	people->context = AllocSetContextCreate(CurrentMemoryContext, "dp_agg individuals",
											ALLOCSET_DEFAULT_SIZES);
	people->nsums = nsums;
	people->nsketches = nsketches;
	people->most_groups = most_groups;
	people->group_size = MAXALIGN(sizeof(PersonGroup)) + nsums * sizeof(int64) +
		nsketches * sizeof(SketchState *);
	start(people);
}

/* Forgets everybody. */
void
people_reset(People *people)
{
	MemoryContextReset(people->context);
	start(people);
}

static void
grow(People *people)
{
	Person	   *old = people->items;
	uint32		old_size = people->size;

	if (old_size > PG_UINT32_MAX / 4)
		elog(ERROR, "too many individuals");
	people->size *= 2;
	people->items = MemoryContextAllocExtended(people->context, people->size * sizeof(Person),
											   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (uint32 i = 0; i < old_size; i++)
	{
		uint32		slot = (uint32) old[i].hash & (people->size - 1);

		if (old[i].groups == NULL)
			continue;
		while (people->items[slot].groups != NULL)
			slot = (slot + 1) & (people->size - 1);
		people->items[slot] = old[i];
	}
	pfree(old);
}

/*
 * The individual with the key, added if need be; then it has no group yet, and must be
 * given one at once.
 */
Person *
people_find(People *people, const BoundKey *key)
{
	uint32		mask;
	Person	   *person;

	if (unlikely(people->n >= people->size / 2))
		grow(people);
	mask = people->size - 1;
	for (uint32 slot = (uint32) key->hash & mask;; slot = (slot + 1) & mask)
	{
		person = &people->items[slot];
		if (person->groups == NULL)
			break;
		if (person->hash == key->hash && person->length == key->length &&
			(key->length == 0 || memcmp(person->bytes, key->bytes, key->length) == 0))
			return person;
	}
	people->n++;
	person->hash = key->hash;
	person->length = key->length;
	person->bytes = NULL;
	if (key->length > 0)
		person->bytes = memcpy(MemoryContextAlloc(people->context, key->length), key->bytes,
							   key->length);
	return person;
}

static PersonGroup *
new_group(People *people)
{
	PersonGroup *result;

	if (people->chunk_left < people->group_size)
	{
		people->chunk_left = Max(CHUNK_SIZE, people->group_size);
		people->chunk = MemoryContextAlloc(people->context, people->chunk_left);
	}
	result = (PersonGroup *) people->chunk;
	people->chunk += people->group_size;
	people->chunk_left -= people->group_size;
	result->sums = (int64 *) ((char *) result + MAXALIGN(sizeof(PersonGroup)));
	result->sketches = (SketchState **) (result->sums + people->nsums);
	memset(result->sketches, 0, people->nsketches * sizeof(SketchState *));
	return result;
}

/* The group with the largest rank, to be pushed out. */
static PersonGroup *
last_group(Person *person)
{
	PersonGroup *last = person->groups;

	for (PersonGroup *i = last->next; i != NULL; i = i->next)
	{
		if (i->rank > last->rank)
			last = i;
	}
	return last;
}

/* Makes a group of the individual's another one, without rows. */
static PersonGroup *
fill_group(People *people, PersonGroup *entry, uint32 group, uint64 rank)
{
	entry->group = group;
	entry->rank = rank;
	memset(entry->sums, 0, people->nsums * sizeof(int64));
	for (int i = 0; i < people->nsketches; i++)
	{
		if (entry->sketches[i] != NULL)
			pfree(entry->sketches[i]);
		entry->sketches[i] = NULL;
	}
	return entry;
}

/*
 * The individual's rows in a group; NULL if they do not count, for k groups with smaller
 * ranks are there.
 */
PersonGroup *
person_group(People *people, Person *person, uint32 group, uint64 group_hash)
{
	PersonGroup *entry;
	uint64		rank;

	for (entry = person->groups; entry != NULL; entry = entry->next)
	{
		if (entry->group == group)
			return entry;
	}
	rank = sketch_mix(person->hash ^ sketch_mix(group_hash ^ people->seed));
#ifdef DP_FAULT_CAPS_OFF
	people->most_groups = PG_UINT32_MAX;
#endif
	if (person->ngroups < people->most_groups)
	{
		entry = new_group(people);
		entry->next = person->groups;
		person->groups = entry;
		person->ngroups++;
		return fill_group(people, entry, group, rank);
	}
	entry = last_group(person);
	return rank < entry->rank ? fill_group(people, entry, group, rank) : NULL;
}
