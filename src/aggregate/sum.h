/*
 * sum.h
 *		The exact sums of one group: the state of the collector.
 */
#ifndef DP_SUM_H
#define DP_SUM_H

#include "postgres.h"

#include "mechanism/status.h"

/* A 128-bit integer without alignment demands. */
typedef struct CollectSum
{
	char		bytes[sizeof(dp_int128)];
} CollectSum;

typedef struct CollectState
{
	int32		vl_len_;		/* varlena header (do not touch directly!) */
	int32		dimensions;
	CollectSum	sums[FLEXIBLE_ARRAY_MEMBER];	/* one per dimension; [0] is the
												 * exact number of individuals,
												 * which never leaves the node */
} CollectState;

#define COLLECT_STATE_SIZE(d) (offsetof(CollectState, sums) + (d) * sizeof(CollectSum))

static inline dp_int128
sum_get(const CollectSum *sum)
{
	dp_int128	value;

	memcpy(&value, sum, sizeof(value));
	return value;
}

static inline void
sum_add(CollectSum *sum, dp_int128 increment)
{
	dp_int128	value = sum_get(sum) + increment;

	memcpy(sum, &value, sizeof(value));
}

#endif							/* DP_SUM_H */
