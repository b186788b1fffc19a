/*
 * shared.h
 *		What the participants of a parallel bounding node have in common.
 */
#ifndef DP_BOUND_SHARED_H
#define DP_BOUND_SHARED_H

#include "postgres.h"

#include "access/parallel.h"
#include "nodes/execnodes.h"
#include "port/atomics.h"
#include "storage/barrier.h"
#include "storage/dsm.h"
#include "utils/dsa.h"

#include "nodes/bound/partitions.h"
#include "nodes/bound/state.h"

/* The phases of the barrier. */
enum
{
	PHASE_DIVIDE,
	PHASE_NUMBER,				/* one participant numbers the groups of all */
	PHASE_SUM,
	PHASE_LEAVE					/* only if groups have numbers in common */
};

/* Lies in the segment of the query; shared partitions follow. */
typedef struct SharedBound
{
	Barrier		barrier;
	pg_atomic_uint32 next;		/* the first partition that nobody has taken */
	int			participants;
	dsm_handle	segment;		/* in which this lies */
	uint64		secret;
	pg_atomic_uint32 without_id;	/* somebody has met groups that got no id */
	dsa_pointer numbers;		/* of groups, if all have them in common */
	pg_atomic_uint32 next_group;	/* the first group that nobody has let leave */
	struct
	{
		dsa_pointer ids;		/* of its groups */
		dsa_pointer sums;		/* of all groups by number */
	}			of[FLEXIBLE_ARRAY_MEMBER];	/* of each participant */
} SharedBound;

extern Size shared_estimate(CustomScanState *node, ParallelContext *pcxt);
extern void shared_initialize(CustomScanState *node, ParallelContext *pcxt, void *coordinate);
extern void shared_initialize_worker(CustomScanState *node, shm_toc *toc, void *coordinate);
extern SharedPartitions *shared_partitions(SharedBound *shared);

/* The shared memory of the query, for what grows. */
static inline dsa_area *
query_area(const BoundState *state)
{
	return state->partial.css.ss.ps.state->es_query_dsa;
}

#endif							/* DP_BOUND_SHARED_H */
