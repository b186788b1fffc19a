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
	PersonGroup *groups;		/* NULL: the entry is free */
	const char *bytes;			/* of the key, if it is not short */
	uint32		length;
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
extern Person *people_find(People *people, const BoundKey *key);
extern PersonGroup *person_new_group(People *people, Person *person,
									 const struct Groups *groups, uint32 group);

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
