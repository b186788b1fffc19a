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

/* An individual's rows in one group. */
typedef struct PersonGroup
{
	struct PersonGroup *next;
	uint64		rank;
	uint32		group;
	int64	   *sums;			/* of features; of "one" the number of rows */
	SketchState **sketches;		/* of its rows, or NULL each */
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
	MemoryContext context;		/* of everything below */
	Size		group_size;		/* of a PersonGroup and what it points to */
	int			nsums;
	int			nsketches;
	uint32		most_groups;	/* k */
	uint64		seed;			/* of ranks */
	Person	   *items;			/* a hash table */
	uint32		size;			/* of it, a power of two */
	uint32		n;
	char	   *chunk;			/* PersonGroups are cut from it */
	Size		chunk_left;
} People;

extern void people_open(People *people, int nsums, int nsketches, uint32 most_groups);
extern void people_reset(People *people);
extern Person *people_find(People *people, const BoundKey *key);
extern PersonGroup *person_group(People *people, Person *person, uint32 group,
								 uint64 group_hash);

#endif							/* DP_BOUND_PEOPLE_H */
