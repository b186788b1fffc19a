/*
 * group_ids.c
 *		The names of groups from process to process, by shared memory.
 *
 * Each numbers the groups as it meets them.  Who reads its records translates the
 * numbers into its own, once for each; or one process does it for all, and the numbers are
 * the same everywhere.
 */
#include "postgres.h"

#include "nodes/bound/group_ids.h"
#include "nodes/bound/groups.h"
#include "nodes/bound/keys.h"

/* What is published: the number of names, the names, their bytes. */
typedef struct PublishedNames
{
	uint32		n;
	SharedName	names[FLEXIBLE_ARRAY_MEMBER];
} PublishedNames;

/* A name of a group, one of each. */
typedef struct NumberedName
{
	uint32		participant;
	uint32		name;
} NumberedName;

/*
 * Numbers in common: the name of each group, and then the numbers plus one of all names of
 * all participants.
 */
typedef struct PublishedNumbers
{
	uint32		n;
	NumberedName names[FLEXIBLE_ARRAY_MEMBER];
} PublishedNumbers;

/* Copies the keys of groups into shared memory. */
dsa_pointer
names_publish(const Groups *names, dsa_area *area)
{
	Size		fixed = offsetof(PublishedNames, names) + names->n * sizeof(SharedName);
	Size		offset = 0;
	dsa_pointer result;
	PublishedNames *published;

	for (uint32 i = 0; i < names->n; i++)
		offset += names->items[i].key.length;
	result = dsa_allocate_extended(area, fixed + offset, DSA_ALLOC_HUGE);
	published = dsa_get_address(area, result);
	published->n = names->n;
	offset = 0;
	for (uint32 i = 0; i < names->n; i++)
	{
		const BoundKey *key = &names->items[i].key;

		published->names[i].hash = key->hash;
		published->names[i].offset = offset;
		published->names[i].length = key->length;
		if (key->length > 0)
			memcpy((char *) published + fixed + offset, key->bytes, key->length);
		offset += key->length;
	}
	return result;
}

/* Reads what a participant has published; nothing if it has not. */
void
names_open(NamesOf *of, dsa_area *area, dsa_pointer published)
{
	PublishedNames *names;

	memset(of, 0, sizeof(NamesOf));
	if (!DsaPointerIsValid(published))
		return;
	names = dsa_get_address(area, published);
	of->n = names->n;
	of->names = names->names;
	of->bytes = (const char *) &names->names[names->n];
	of->groups = palloc0(Max(of->n, 1) * sizeof(uint32));
}

/* The names of this process itself. */
void
names_open_own(NamesOf *of, const Groups *names)
{
	memset(of, 0, sizeof(NamesOf));
	of->own = names;
	of->n = names->n;
	of->groups = palloc0(Max(of->n, 1) * sizeof(uint32));
}

/* Forgets the translations, for the groups here are gone. */
void
names_forget(NamesOf *of)
{
	if (of->n > 0)
		memset(of->groups, 0, of->n * sizeof(uint32));
}

/* The key that a name stands for. */
void
names_key(const NamesOf *of, uint32 name, BoundKey *key)
{
	if (of->own != NULL)
	{
		*key = of->own->items[name].key;
		return;
	}
	key->hash = of->names[name].hash;
	key->length = of->names[name].length;
	key->bytes = of->bytes + of->names[name].offset;
}

static dsa_pointer
publish_numbers(const Groups *all, const NumberedName *names, const uint32 *numbers,
				Size total, dsa_area *area)
{
	Size		fixed = offsetof(PublishedNumbers, names) + all->n * sizeof(NumberedName);
	dsa_pointer result = dsa_allocate_extended(area, fixed + total * sizeof(uint32),
											   DSA_ALLOC_HUGE);
	PublishedNumbers *published = dsa_get_address(area, result);

	published->n = all->n;
	memcpy(published->names, names, all->n * sizeof(NumberedName));
	memcpy((char *) published + fixed, numbers, total * sizeof(uint32));
	return result;
}

/*
 * Numbers the groups of all participants, for all of them; InvalidDsaPointer if there are
 * more than so many.
 */
dsa_pointer
names_number(const NamesOf *of, int participants, uint32 most, dsa_area *area)
{
	dsa_pointer result = InvalidDsaPointer;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "dp_agg numbers",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	NumberedName *names;
	uint32	   *numbers;
	uint32	   *next;
	Size		total = 0;
	Groups		all = {0};

	for (int i = 0; i < participants; i++)
		total += of[i].n;
	names = MemoryContextAllocHuge(context, total * sizeof(NumberedName));
	next = numbers = MemoryContextAllocHuge(context, total * sizeof(uint32));
	groups_open(&all, 0, 0);
	for (int i = 0; i < participants && all.n <= most; i++)
	{
		for (uint32 name = 0; name < of[i].n && all.n <= most; name++)
		{
			BoundKey	key = {0};
			uint32		before = all.n;
			uint32		number;

			names_key(&of[i], name, &key);
			number = groups_find(&all, &key);
			if (number == before)
				names[number] = (NumberedName) {.participant = (uint32) i,.name = name};
			*next++ = number + 1;
		}
	}
	if (all.n <= most)
		result = publish_numbers(&all, names, numbers, total, area);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return result;
}

/* Has these numbers mean groups here, where there are none yet. */
void
names_take_numbers(NamesOf *of, int participants, Groups *groups, dsa_pointer numbers,
				   dsa_area *area)
{
	PublishedNumbers *published = dsa_get_address(area, numbers);
	uint32	   *next = (uint32 *) &published->names[published->n];

	groups_reserve(groups, published->n);
	for (uint32 i = 0; i < published->n; i++)
	{
		const NumberedName *name = &published->names[i];

		names_key(&of[name->participant], name->name, &groups->items[i].key);
	}
	for (int i = 0; i < participants; i++)
	{
		if (of[i].groups != NULL)
			pfree(of[i].groups);
		of[i].groups = next;
		next += of[i].n;
	}
}
