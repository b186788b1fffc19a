/*
 * people.h
 *		The individuals of one partition, and their rows' sums in the groups that count.
 *
 * Memory per individual is bounded by k, however many rows and groups it has: it keeps
 * the k groups with the smallest ranks that it has met, and a group that was pushed out
 * never comes back.
 */
#ifndef DP_BOUND_PEOPLE_H
#define DP_BOUND_PEOPLE_H

#include "postgres.h"

#include "aggregate/sketch_state.h"
#include "bound/keys.h"
#include "nodes/pg_list.h"
#include "utils/memutils.h"

#define PEOPLE_CHUNK ((Size) 64 * 1024)

/* An individual's rows in one group. */
typedef struct PersonGroup
{
	struct PersonGroup *next;
	uint32		group;
	int64		sums[FLEXIBLE_ARRAY_MEMBER];	/* of features; of "one" the number of rows.
												 * Then of each sketch its rows, or NULL. */
} PersonGroup;

typedef struct Person
{
	uint64		hash;
	PersonGroup *groups;
	const char *bytes;			/* of the key, if it is not short */
	uint32		used;			/* their number plus one; 0: the entry is free */
	uint32		ngroups;
} Person;

typedef struct People
{
	MemoryContext context;		/* of keys and sketches, emptied with the table */
	MemoryContext table_context;	/* of what is used again */
	Size		group_size;		/* of a PersonGroup */
	int			nsums;
	int			nsketches;
	uint32		most_groups;	/* k */
	uint64		seed;			/* of ranks */
	Person	   *items;			/* a hash table */
	uint32		size;			/* of it, a power of two */
	uint32		n;
	List	   *chunks;			/* PersonGroups are cut from them */
	int			chunks_used;
	char	   *chunk;
	Size		chunk_left;
} People;

/* Where the sketches of an individual's rows are. */
static inline SketchState **
person_sketches(const People *people, PersonGroup *group)
{
	return (SketchState **) (group->sums + people->nsums);
}

/* Bytes in use. */
static inline Size
people_memory(const People *people)
{
	return people->size * sizeof(Person) + people->chunks_used * PEOPLE_CHUNK +
		MemoryContextMemAllocated(people->context, true);
}

struct Groups;

extern void people_open(People *people, int nsums, int nsketches, uint32 most_groups);
extern void people_reset(People *people);
extern void people_reserve(People *people, uint32 n);
extern Person *people_add(People *people, Person *person, const BoundKey *key);
extern PersonGroup *people_groups(People *people, int chunk, uint32 *n);
extern PersonGroup *person_new_group(People *people, Person *person,
									 const struct Groups *groups, uint32 group);

/* Where an individual with this hash will be looked for. */
static inline const Person *
people_place(const People *people, uint64 hash)
{
	return &people->items[(uint32) hash & (people->size - 1)];
}

/*
 * The individual with the key, added if need be; there must be room.  It stays where it
 * is until people_reserve().
 */
static inline Person *
people_find(People *people, const BoundKey *key)
{
	uint32		mask = people->size - 1;

	for (uint32 slot = (uint32) key->hash & mask;; slot = (slot + 1) & mask)
	{
		Person	   *person = &people->items[slot];

		if (person->used == 0)
			return people_add(people, person, key);
		if (person->hash == key->hash && person->used == key->length + 1 &&
			(key->length == 0 || memcmp(person->bytes, key->bytes, key->length) == 0))
			return person;
	}
}

/*
 * The individual's rows in a group; NULL if they do not count, for k groups with smaller
 * ranks are there.
 */
static inline PersonGroup *
person_group(People *people, Person *person, const struct Groups *groups, uint32 group)
{
	for (PersonGroup *entry = person->groups; entry != NULL; entry = entry->next)
	{
		if (entry->group == group)
			return entry;
	}
	return person_new_group(people, person, groups, group);
}

#endif							/* DP_BOUND_PEOPLE_H */
