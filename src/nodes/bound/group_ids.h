/*
 * group_ids.h
 *		Numbers for the groups that a process meets, which go into its records instead of
 *		keys, what the numbers of others mean, and numbers that all have in common.
 */
#ifndef DP_BOUND_NAMES_H
#define DP_BOUND_NAMES_H

#include "postgres.h"

#include "utils/dsa.h"

#include "core/errors.h"
#include "nodes/bound/groups.h"
#include "nodes/bound/keys.h"

/* A key in shared memory; its bytes follow the keys of all. */
typedef struct SharedName
{
	uint64		hash;
	Size		offset;
	uint32		length;
} SharedName;

/* The names of one participant, as this process sees them. */
typedef struct NamesOf
{
	const Groups *own;			/* NULL if they are in shared memory */
	const SharedName *names;
	const char *bytes;
	uint32		n;
	uint32	   *groups;			/* number here plus one, or 0 */
} NamesOf;

extern dsa_pointer names_publish(const Groups *names, dsa_area *area);
extern void names_open(NamesOf *of, dsa_area *area, dsa_pointer published);
extern void names_open_own(NamesOf *of, const Groups *names);
extern void names_forget(NamesOf *of);
extern dsa_pointer names_number(const NamesOf *of, int participants, uint32 most,
								dsa_area *area);
extern void names_take_numbers(NamesOf *of, int participants, Groups *groups,
							   dsa_pointer numbers, dsa_area *area);
extern void names_key(const NamesOf *of, uint32 name, BoundKey *key);

/* The group here that a number of the participant means; PG_UINT32_MAX if nobody said. */
static inline uint32
names_group(const NamesOf *of, uint32 name)
{
	if (unlikely(name >= of->n))
		malformed("record of a release");
	return of->groups[name] - 1;
}

#endif							/* DP_BOUND_NAMES_H */
