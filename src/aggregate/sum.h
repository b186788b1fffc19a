/*
 * sum.h
 *		The state of the collector: the exact sums of one group.
 */
#ifndef DP_SUM_H
#define DP_SUM_H

#include "postgres.h"

#include "mechanism/status.h"

/* A 128-bit integer that may lie anywhere: a state out of a tuple is not aligned to 16 bytes. */
typedef struct CollectSum
{
	char		bytes[sizeof(dp_int128)];
} CollectSum;

/* The state of a group: a bytea that may be unaligned. */
typedef struct CollectState
{
	int32		vl_len_;		/* varlena header (do not touch directly!) */
	int32		nsums;
	CollectSum	sums[FLEXIBLE_ARRAY_MEMBER];	/* [0] is the exact number of individuals,
												 * which never leaves the node; then
												 * coordinates, in lattice units: from 1 on,
												 * or by_total (spec.h) from 0 on */
} CollectState;

/* Bytes of a state of n sums, header included. */
#define COLLECT_STATE_SIZE(n) (offsetof(CollectState, sums) + (n) * sizeof(CollectSum))

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
