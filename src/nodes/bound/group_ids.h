/*
 * group_ids.h
 *		Ids of groups.
 *
 * A process numbers the groups that it meets, and its records hold these numbers, the ids of the
 * groups, instead of keys.  Who reads records of others must know what their ids mean: they are
 * translated one by one, or by numbers that all participants have in common.
 */
#ifndef DP_GROUP_IDS_H
#define DP_GROUP_IDS_H

#include "postgres.h"

#include "utils/dsa.h"

#include "core/errors.h"
#include "nodes/bound/groups.h"
#include "nodes/bound/keys.h"

/* A key in shared memory; its bytes follow the keys of all. */
typedef struct SharedKey
{
	uint64		hash;
	Size		offset;
	uint32		length;
} SharedKey;

/* The ids of one participant, as this process sees them. */
typedef struct GroupIds
{
	const Groups *own;			/* groups that have them; NULL if they are in shared memory */
	const SharedKey *keys;
	const char *bytes;
	uint32		n;
	uint32	   *groups;			/* number here plus one, or 0 */
} GroupIds;

extern dsa_pointer group_ids_publish(const Groups *groups, dsa_area *area);
extern void group_ids_open(GroupIds *of, dsa_area *area, dsa_pointer published);
extern void group_ids_open_own(GroupIds *of, const Groups *groups);
extern void group_ids_forget(GroupIds *of);
extern dsa_pointer group_ids_number(const GroupIds *of, int participants, uint32 most,
									dsa_area *area);
extern void group_ids_take_numbers(GroupIds *of, int participants, Groups *groups,
								   dsa_pointer numbers, dsa_area *area);
extern void group_ids_key(const GroupIds *of, uint32 id, BoundKey *key);

/* The number here of a group by its id there; PG_UINT32_MAX if it was not translated yet. */
static inline uint32
group_ids_group(const GroupIds *of, uint32 id)
{
	if (unlikely(id >= of->n))
		malformed("record of a release");
	return of->groups[id] - 1;
}

#endif							/* DP_GROUP_IDS_H */
