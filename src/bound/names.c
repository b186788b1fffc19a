/*
 * names.c
 *		The names of groups from process to process, by shared memory.
 *
 * Each numbers the groups as it meets them.  Who reads its records translates the
 * numbers into its own, once for each.
 */
#include "postgres.h"

#include "bound/names.h"

/* What is published: the number of names, the names, their bytes. */
typedef struct PublishedNames
{
	uint32		n;
	SharedName	names[FLEXIBLE_ARRAY_MEMBER];
} PublishedNames;

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
