/*
 * individuals.h
 *		The individuals of one partition, and their rows' sums in the groups that count.
 *
 * Memory per individual is bounded by k, however many rows and groups it has: it keeps
 * the k groups with the smallest ranks that it has met, and a group that was pushed out
 * never comes back.
 */
#ifndef DP_BOUND_PEOPLE_H
#define DP_BOUND_PEOPLE_H

#include "postgres.h"

#include "utils/memutils.h"

#include "nodes/bound/groups.h"
#include "nodes/bound/items.h"
#include "nodes/bound/keys.h"

/* Of an individual with more groups than this there is an index. */
#define MOST_LISTED_GROUPS 16

/* An individual's rows in one group. */
typedef struct PersonGroup
{
	uint32		group;
	int64		sums[FLEXIBLE_ARRAY_MEMBER];	/* of features; of "one" the number of rows.
												 * Then of each sketch PersonItems. */
} PersonGroup;

/* The groups of an individual that has more than lie beside it. */
typedef struct MoreGroups
{
	uint32	   *index;			/* positions plus one by group, or 0; NULL if they are few */
	uint32		index_size;		/* a power of two */
	char		groups[FLEXIBLE_ARRAY_MEMBER];
} MoreGroups;

typedef struct Person
{
	uint64		hash;
	uint64		largest;		/* rank of its k groups; 0 as long as nobody asked */
	const char *bytes;			/* of the key, if it is not short */
	uint32		length;
	uint32		ngroups;
	MoreGroups *more;			/* groups that do not follow here */
	char		groups[FLEXIBLE_ARRAY_MEMBER];	/* the first, see person_nth_group() */
} Person;

/* Where an individual is, found by its hash: a number plus one, or 0, and a part of it. */
typedef struct PersonSlot
{
	uint32		number;
	uint32		tag;
} PersonSlot;

typedef struct People
{
	MemoryContext context;		/* of keys, sketches and more groups, emptied with the table */
	MemoryContext table_context;	/* of what is used again */
	Size		group_size;		/* of a PersonGroup */
	Size		person_size;	/* of a Person with its first groups */
	uint32		first_groups;	/* so many follow a Person */
	int			nsums;
	int			nsketches;
	uint32		most_groups;	/* k */
	PersonSlot *slots;			/* a hash table */
	uint32		size;			/* of it, a power of two */
	uint32		n;
	char	  **chunks;			/* of Persons, 2^chunk_bits each */
	int			chunk_bits;
	int			nchunks;
} People;

extern void people_open(People *people, int nsums, int nsketches, uint32 most_groups);
extern void people_reset(People *people);
extern Person *people_add(People *people, const BoundKey *key);
extern Size people_memory(const People *people);
extern bool person_has_room(People *people, Person *person, const Groups *groups, uint64 rank);
extern PersonGroup *person_indexed_group(People *people, Person *person, const Groups *groups,
										 uint32 group);
extern PersonGroup *person_new_group(People *people, Person *person, const Groups *groups,
									 uint32 group);

static inline Person *
people_nth(const People *people, uint32 i)
{
	return (Person *) (people->chunks[i >> people->chunk_bits] +
					   (i & (((uint32) 1 << people->chunk_bits) - 1)) * people->person_size);
}

static inline PersonSlot *
people_slot(const People *people, uint64 hash)
{
	return &people->slots[(uint32) hash & (people->size - 1)];
}

/* The part of a hash that a slot keeps; partitions and slots are chosen by others. */
static inline uint32
person_tag(uint64 hash)
{
	return (uint32) (hash >> 24);
}

/* The individual with the key, added if need be; valid until people_reset(). */
static inline Person *
people_find(People *people, const BoundKey *key)
{
	uint32		mask = people->size - 1;
	uint32		tag = person_tag(key->hash);

	for (uint32 slot = (uint32) key->hash & mask;; slot = (slot + 1) & mask)
	{
		Person	   *person;

		if (people->slots[slot].number == 0)
			return people_add(people, key);
		if (people->slots[slot].tag != tag)
			continue;
		person = people_nth(people, people->slots[slot].number - 1);
		if (person->hash == key->hash && person->length == key->length &&
			(key->length == 0 || memcmp(person->bytes, key->bytes, key->length) == 0))
			return person;
	}
}

/* Group i of an individual's ngroups. */
static inline PersonGroup *
person_nth_group(const People *people, const Person *person, uint32 i)
{
	return (PersonGroup *) (i < people->first_groups ?
							(char *) person->groups + i * people->group_size :
							person->more->groups + (i - people->first_groups) * people->group_size);
}

/* What an individual's rows hold for each sketch. */
static inline PersonItems *
person_items(const People *people, PersonGroup *group)
{
	return (PersonItems *) (group->sums + people->nsums);
}

/*
 * Would a group that the individual does not have count, as far as its rows were read?
 * The hash is that of the group's key.  What does not count now never will.
 */
static inline bool
person_may_count(People *people, Person *person, const Groups *groups, uint64 hash)
{
	return person->ngroups < people->most_groups ||
		person_has_room(people, person, groups, groups_rank(groups, person->hash, hash));
}

/*
 * The individual's rows in a group; NULL if they do not count, for k groups with smaller
 * ranks are there.  Valid until the next call for this individual.
 */
static inline PersonGroup *
person_group(People *people, Person *person, const Groups *groups, uint32 group)
{
	if (unlikely(person->ngroups > MOST_LISTED_GROUPS))
		return person_indexed_group(people, person, groups, group);
	for (uint32 i = 0; i < person->ngroups; i++)
	{
		PersonGroup *entry = person_nth_group(people, person, i);

		if (entry->group == group)
			return entry;
	}
	return person_new_group(people, person, groups, group);
}

#endif							/* DP_BOUND_PEOPLE_H */
