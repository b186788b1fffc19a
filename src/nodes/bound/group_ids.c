/*
 * group_ids.c
 *		What the ids of groups mean, from process to process, by shared memory.
 *
 * Each process numbers the groups as it meets them.  Who reads its records translates each id
 * once, into the number that the group has here.  Or one process numbers the groups of all, and
 * the numbers are the same everywhere.
 */
#include "postgres.h"

#include "nodes/bound/group_ids.h"
#include "nodes/bound/groups.h"
#include "nodes/bound/keys.h"

/* What a participant publishes: the number of its ids, the key of each, and then their bytes. */
typedef struct PublishedIds
{
	uint32		n;
	SharedKey	keys[FLEXIBLE_ARRAY_MEMBER];
} PublishedIds;

/* One id of a group, by which a participant knows it. */
typedef struct GroupId
{
	uint32		participant;
	uint32		id;
} GroupId;

/*
 * Numbers that all participants have in common: one id of each group, and then, for each id of
 * each participant, its number plus one.
 */
typedef struct PublishedNumbers
{
	uint32		n;
	GroupId		ids[FLEXIBLE_ARRAY_MEMBER];
} PublishedNumbers;

/* Copies the keys of groups into shared memory. */
dsa_pointer
group_ids_publish(const Groups *groups, dsa_area *area)
{
	Size		fixed = offsetof(PublishedIds, keys) + groups->n * sizeof(SharedKey);
	Size		offset = 0;
	dsa_pointer result;
	PublishedIds *published;

	for (uint32 i = 0; i < groups->n; i++)
		offset += groups->items[i].key.length;
	result = dsa_allocate_extended(area, fixed + offset, DSA_ALLOC_HUGE);
	published = dsa_get_address(area, result);
	published->n = groups->n;
	offset = 0;
	for (uint32 i = 0; i < groups->n; i++)
	{
		const BoundKey *key = &groups->items[i].key;

		published->keys[i].hash = key->hash;
		published->keys[i].offset = offset;
		published->keys[i].length = key->length;
		if (key->length > 0)
			memcpy((char *) published + fixed + offset, key->bytes, key->length);
		offset += key->length;
	}
	return result;
}

/* Reads what a participant has published; nothing if it has not. */
void
group_ids_open(GroupIds *of, dsa_area *area, dsa_pointer published)
{
	PublishedIds *ids;

	memset(of, 0, sizeof(GroupIds));
	if (!DsaPointerIsValid(published))
		return;
	ids = dsa_get_address(area, published);
	of->n = ids->n;
	of->keys = ids->keys;
	of->bytes = (const char *) &ids->keys[ids->n];
	of->groups = palloc0(Max(of->n, 1) * sizeof(uint32));
}

/* The ids that this process has given out itself, to these groups. */
void
group_ids_open_own(GroupIds *of, const Groups *groups)
{
	memset(of, 0, sizeof(GroupIds));
	of->own = groups;
	of->n = groups->n;
	of->groups = palloc0(Max(of->n, 1) * sizeof(uint32));
}

/* Forgets the translations, for the groups here are gone. */
void
group_ids_forget(GroupIds *of)
{
	if (of->n > 0)
		memset(of->groups, 0, of->n * sizeof(uint32));
}

/* The key of the group that an id stands for. */
void
group_ids_key(const GroupIds *of, uint32 id, BoundKey *key)
{
	if (of->own != NULL)
	{
		*key = of->own->items[id].key;
		return;
	}
	key->hash = of->keys[id].hash;
	key->length = of->keys[id].length;
	key->bytes = of->bytes + of->keys[id].offset;
}

static dsa_pointer
publish_numbers(const Groups *all, const GroupId *ids, const uint32 *numbers,
				Size nids, dsa_area *area)
{
	Size		fixed = offsetof(PublishedNumbers, ids) + all->n * sizeof(GroupId);
	dsa_pointer result = dsa_allocate_extended(area, fixed + nids * sizeof(uint32),
											   DSA_ALLOC_HUGE);
	PublishedNumbers *published = dsa_get_address(area, result);

	published->n = all->n;
	memcpy(published->ids, ids, all->n * sizeof(GroupId));
	memcpy((char *) published + fixed, numbers, nids * sizeof(uint32));
	return result;
}

/*
 * Numbers the groups of all participants, for all of them; InvalidDsaPointer if there are
 * more than "most".
 */
dsa_pointer
group_ids_number(const GroupIds *of, int participants, uint32 most, dsa_area *area)
{
	dsa_pointer result = InvalidDsaPointer;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "dp_agg numbers",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	GroupId    *ids;
	uint32	   *numbers;
	uint32	   *next;
	Size		nids = 0;
	Groups		all = {0};

	for (int i = 0; i < participants; i++)
		nids += of[i].n;
	ids = MemoryContextAllocHuge(context, nids * sizeof(GroupId));
	next = numbers = MemoryContextAllocHuge(context, nids * sizeof(uint32));
	groups_open(&all, NULL);
	for (int i = 0; i < participants && all.n <= most; i++)
	{
		for (uint32 id = 0; id < of[i].n && all.n <= most; id++)
		{
			BoundKey	key = {0};
			uint32		before = all.n;
			uint32		number;

			group_ids_key(&of[i], id, &key);
			number = groups_find(&all, &key);
			if (number == before)
				ids[number] = (GroupId) {.participant = (uint32) i,.id = id};
			*next++ = number + 1;
		}
	}
	if (all.n <= most)
		result = publish_numbers(&all, ids, numbers, nids, area);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return result;
}

/* Has these numbers mean groups here, where there are none yet. */
void
group_ids_take_numbers(GroupIds *of, int participants, Groups *groups, dsa_pointer numbers,
					   dsa_area *area)
{
	PublishedNumbers *published = dsa_get_address(area, numbers);
	uint32	   *next = (uint32 *) &published->ids[published->n];

	groups_reserve(groups, published->n);
	for (uint32 i = 0; i < published->n; i++)
	{
		const GroupId *id = &published->ids[i];

		group_ids_key(&of[id->participant], id->id, &groups->items[i].key);
	}
	for (int i = 0; i < participants; i++)
	{
		if (of[i].groups != NULL)
			pfree(of[i].groups);
		of[i].groups = next;
		next += of[i].n;
	}
}
