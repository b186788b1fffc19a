/*
 * groups.h
 *		The groups that one process has met, and what individuals add to them.
 */
#ifndef DP_BOUND_GROUPS_H
#define DP_BOUND_GROUPS_H

#include "postgres.h"

#include "utils/memutils.h"

#include "aggregate/sketch_state.h"
#include "aggregate/sum.h"
#include "nodes/bound/keys.h"
#include "nodes/bound/prefetch.h"
#include "spec/spec.h"
#include "spec/value_key.h"

typedef struct BoundGroup
{
	BoundKey	key;
	SketchState **sketches;		/* or NULL each */
} BoundGroup;

typedef struct Groups
{
	MemoryContext context;		/* of everything below */
	const ReleaseSpec *spec;	/* of the release; NULL: keys alone are kept */
	uint64		seed;			/* of ranks */
	int			nsums;			/* number of sums of each; 0 without a release */
	int			nsketches;		/* of each */
	BoundGroup *items;
	CollectSum *sums;			/* of all groups; the first of each counts individuals */
	void	   *sums_space;		/* where they lie, aligned to lines of the cache */
	uint32		n;
	uint32		size;			/* of the arrays */
	uint32	   *slots;			/* an item's number plus one, or 0; a hash table */
	uint32		nslots;			/* a power of two */
	uint32		emitted;		/* items that groups_emit() has gone past */
	CollectState *leaving;		/* of the group that left last */
} Groups;

extern void groups_open(Groups *groups, const ReleaseSpec *spec);
extern void groups_reset(Groups *groups);
extern void groups_reserve(Groups *groups, uint32 n);
extern uint32 groups_add(Groups *groups, const BoundKey *key);
extern bool groups_emit(Groups *groups, uint32 end, KeyColumns *keys, TupleTableSlot *slot,
						MemoryContext context);

/* Bytes in use. */
static inline Size
groups_memory(const Groups *groups)
{
	return MemoryContextMemAllocated(groups->context, false);
}

/* What a group's individuals have added to it. */
static inline CollectSum *
groups_sums(const Groups *groups, uint32 number)
{
	return groups->sums + (Size) number * groups->nsums;
}

/* The rank of a group among those of an individual, from the hashes of their keys. */
static inline uint64
groups_rank(const Groups *groups, uint64 individual, uint64 group)
{
	return value_mix(individual ^ value_mix(group ^ groups->seed));
}

/* Where groups_lookup() begins for a hash: asked for before it is needed. */
static inline void
groups_prefetch_slot(const Groups *groups, uint64 hash)
{
	dp_prefetch(&groups->slots[(uint32) hash & (groups->nslots - 1)]);
}

/* The same for the group that it finds there, once that slot has come. */
static inline void
groups_prefetch_item(const Groups *groups, uint64 hash)
{
	uint32		number = groups->slots[(uint32) hash & (groups->nslots - 1)];

	if (number != 0)
		dp_prefetch(&groups->items[number - 1].key);
}

/* The number of a group, or PG_UINT32_MAX. */
static inline uint32
groups_lookup(const Groups *groups, const BoundKey *key)
{
	uint32		mask = groups->nslots - 1;

	for (uint32 slot = (uint32) key->hash & mask;; slot = (slot + 1) & mask)
	{
		uint32		number = groups->slots[slot];
		const BoundKey *other;

		if (number == 0)
			return PG_UINT32_MAX;
		other = &groups->items[number - 1].key;
		if (other->hash == key->hash && other->length == key->length &&
			(key->length == 0 || memcmp(other->bytes, key->bytes, key->length) == 0))
			return number - 1;
	}
}

/* The number of a group, which is added if need be. */
static inline uint32
groups_find(Groups *groups, const BoundKey *key)
{
	uint32		result = groups_lookup(groups, key);

	return likely(result != PG_UINT32_MAX) ? result : groups_add(groups, key);
}

/* The number of the only group, where there are no keys; it is added if need be. */
static inline uint32
groups_find_only(Groups *groups)
{
	BoundKey	key = {0};

	return likely(groups->n > 0) ? 0 : groups_add(groups, &key);
}

/*
 * Keeps a sketch that grew, or a new one, in a context, and frees what it replaces; true if
 * it did.
 */
static inline bool
groups_keep_sketch(SketchState **place, SketchState *state, MemoryContext context)
{
	if (likely(state == *place))
		return false;
	if (*place != NULL)
		pfree(*place);
	*place = memcpy(MemoryContextAllocHuge(context, VARSIZE(state)), state, VARSIZE(state));
	return true;
}

#endif							/* DP_BOUND_GROUPS_H */
