/*
 * individuals.h
 *		The individuals of one partition, and their rows' sums in the groups that count.
 *
 * Memory per individual is bounded by k, however many rows and groups it has: it keeps
 * the k groups with the smallest ranks that it has met, and a group that was pushed out
 * never comes back.
 */
#ifndef DP_BOUND_INDIVIDUALS_H
#define DP_BOUND_INDIVIDUALS_H

#include "postgres.h"

#include "lib/binaryheap.h"
#include "utils/memutils.h"

#include "nodes/bound/groups.h"
#include "nodes/bound/items.h"
#include "nodes/bound/keys.h"

/* Of an individual with more groups than this there is an index. */
#define MOST_LISTED_GROUPS 16

/* An individual's rows in one group. */
typedef struct IndividualGroup
{
	uint32		group;
	int64		sums[FLEXIBLE_ARRAY_MEMBER];	/* of features, as feature_of() gives them.
												 * Then of each sketch IndividualItems. */
} IndividualGroup;

/* The groups of an individual beyond those that lie beside it. */
typedef struct MoreGroups
{
	uint32	   *index;			/* positions plus one by group, or 0; NULL if they are few */
	uint32		index_size;		/* a power of two */
	binaryheap *ranked;			/* positions, the largest rank first; NULL while all groups
								 * count */
	int64		groups[FLEXIBLE_ARRAY_MEMBER];	/* IndividualGroups, aligned like these */
} MoreGroups;

typedef struct Individual
{
	uint64		hash;
	union						/* of the key, if it is not short */
	{
		KeyWords	words;
		const char *bytes;		/* if they do not fit into words */
	};
	uint64		largest;		/* rank of its k groups; 0: not computed yet */
	uint32		length;			/* of the key */
	uint32		ngroups;
	MoreGroups *more;			/* the groups beyond the first ones */
	char		groups[FLEXIBLE_ARRAY_MEMBER];	/* the first ones, see individual_nth_group() */
} Individual;

/*
 * What the table has of each individual where there is one group and keys of units are short: these
 * lie closer together, and to find one takes less.
 */
typedef struct SingleIndividual
{
	uint64		hash;			/* as in Individual */
	IndividualGroup group;
} SingleIndividual;

/* Where an individual is, found by its hash: a number plus one, or 0, and some bits of it. */
typedef struct IndividualSlot
{
	uint32		number;
	uint32		tag;
} IndividualSlot;

typedef struct IndividualTable
{
	MemoryContext context;		/* of keys, sketches and more groups, emptied with the table */
	MemoryContext table_context;	/* of what is used again */
	Size		group_size;		/* of an IndividualGroup */
	Size		individual_size;	/* of an Individual with its first groups */
	uint32		first_groups;	/* number of groups that lie beside their individual */
	int			nsums;
	int			nsketches;
	uint32		most_groups;	/* k */
	bool		single;			/* it has SingleIndividuals */
	IndividualSlot *slots;		/* a hash table */
	uint32		size;			/* of it, a power of two */
	uint32		n;
	char	  **chunks;			/* of IndividualTable, 2^chunk_bits each */
	int			chunk_bits;
	int			nchunks;
} IndividualTable;

extern void individuals_open(IndividualTable *individuals, int nsums, int nsketches,
							 uint32 most_groups, bool single);
extern void individuals_reset(IndividualTable *individuals);
extern Individual *individuals_add(IndividualTable *individuals, const BoundKey *key);
extern SingleIndividual *individuals_add_single(IndividualTable *individuals, uint64 hash);
extern Size individuals_memory(const IndividualTable *individuals);
extern bool individual_has_room(IndividualTable *individuals, Individual *individual,
								const Groups *groups, uint64 rank);
extern IndividualGroup *individual_indexed_group(IndividualTable *individuals, Individual *individual,
												 const Groups *groups, uint32 group);
extern IndividualGroup *individual_new_group(IndividualTable *individuals, Individual *individual,
											 const Groups *groups, uint32 group);

static inline Individual *
individuals_nth(const IndividualTable *individuals, uint32 i)
{
	uint32		in_chunk = i & (((uint32) 1 << individuals->chunk_bits) - 1);

	return (Individual *) (individuals->chunks[i >> individuals->chunk_bits] +
						   in_chunk * individuals->individual_size);
}

/* The same where all are single. */
static inline SingleIndividual *
individuals_nth_single(const IndividualTable *individuals, uint32 i)
{
	return (SingleIndividual *) individuals_nth(individuals, i);
}

static inline IndividualSlot *
individuals_slot(const IndividualTable *individuals, uint64 hash)
{
	return &individuals->slots[(uint32) hash & (individuals->size - 1)];
}

/* The bits of a hash that a slot keeps; partitions and slots are chosen by others. */
static inline uint32
individual_tag(uint64 hash)
{
	return (uint32) (hash >> 24);
}

/* Is it the individual with the key?  Bytes that fit into words have zeros behind them. */
static inline bool
individual_is(const Individual *individual, const BoundKey *key)
{
	if (individual->hash != key->hash || individual->length != key->length)
		return false;
	if (key->length == 0)
		return true;
	if (likely(key_fits_words(key->length)))
		return memcmp(&individual->words, key->bytes, sizeof(KeyWords)) == 0;
	return memcmp(individual->bytes, key->bytes, key->length) == 0;
}

/* The individual with the key, added if need be; valid until individuals_reset(). */
static inline Individual *
individuals_find(IndividualTable *individuals, const BoundKey *key)
{
	uint32		mask = individuals->size - 1;
	uint32		tag = individual_tag(key->hash);

	for (uint32 slot = (uint32) key->hash & mask;; slot = (slot + 1) & mask)
	{
		Individual *individual;

		if (individuals->slots[slot].number == 0)
			return individuals_add(individuals, key);
		if (individuals->slots[slot].tag != tag)
			continue;
		individual = individuals_nth(individuals, individuals->slots[slot].number - 1);
		if (individual_is(individual, key))
			return individual;
	}
}

/*
 * The rows in the only group of the individual whose key is this hash, who is added if need be;
 * valid until individuals_reset().
 */
static inline IndividualGroup *
individuals_find_single(IndividualTable *individuals, uint64 hash)
{
	uint32		mask = individuals->size - 1;

	for (uint32 slot = (uint32) hash & mask;; slot = (slot + 1) & mask)
	{
		uint32		number = individuals->slots[slot].number;
		SingleIndividual *individual;

		if (number == 0)
			return &individuals_add_single(individuals, hash)->group;
		individual = individuals_nth_single(individuals, number - 1);
		if (individual->hash == hash)
			return &individual->group;
	}
}

/* Group i of an individual's ngroups. */
static inline IndividualGroup *
individual_nth_group(const IndividualTable *individuals, const Individual *individual, uint32 i)
{
	Size		size = individuals->group_size;

	if (i < individuals->first_groups)
		return (IndividualGroup *) ((char *) individual->groups + i * size);
	i -= individuals->first_groups;
	return (IndividualGroup *) ((char *) individual->more->groups + i * size);
}

/* What an individual's rows hold for each sketch. */
static inline IndividualItems *
individual_items(const IndividualTable *individuals, IndividualGroup *group)
{
	return (IndividualItems *) (group->sums + individuals->nsums);
}

/*
 * Would a group that the individual does not have count, as far as its rows were read?
 * The hash is that of the group's key.  What does not count now never will.
 */
static inline bool
individual_may_count(IndividualTable *individuals, Individual *individual, const Groups *groups,
					 uint64 hash)
{
	return individual->ngroups < individuals->most_groups ||
		individual_has_room(individuals, individual, groups,
							groups_rank(groups, individual->hash, hash));
}

/*
 * The individual's rows in a group; NULL if they do not count, for k groups with smaller
 * ranks are there.  Valid until the next call for this individual.
 */
static inline IndividualGroup *
individual_group(IndividualTable *individuals, Individual *individual, const Groups *groups,
				 uint32 group)
{
	if (unlikely(individual->ngroups > MOST_LISTED_GROUPS))
		return individual_indexed_group(individuals, individual, groups, group);
	for (uint32 i = 0; i < individual->ngroups; i++)
	{
		IndividualGroup *entry = individual_nth_group(individuals, individual, i);

		if (entry->group == group)
			return entry;
	}
	return individual_new_group(individuals, individual, groups, group);
}

#endif							/* DP_BOUND_INDIVIDUALS_H */
