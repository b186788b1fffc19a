/*
 * shared.c
 *		What the participants of a parallel bounding node have in common.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "port/atomics.h"
#include "storage/barrier.h"
#include "utils/memutils.h"

#include "nodes/bound/partitions.h"
#include "nodes/bound/shared.h"
#include "nodes/bound/state.h"
#include "nodes/drain.h"

static Size
shared_size(int participants)
{
	return MAXALIGN(offsetof(SharedBound, of) + participants * 2 * sizeof(dsa_pointer));
}

/* The partitions that follow. */
SharedPartitions *
shared_partitions(SharedBound *shared)
{
	return (SharedPartitions *) ((char *) shared + shared_size(shared->participants));
}

/* EstimateDSMCustomScan */
Size
shared_estimate(CustomScanState *node, ParallelContext *pcxt)
{
	BoundState *state = (BoundState *) node;
	int			participants = pcxt->nworkers + 1;

	/* the rows of the plan are those of one participant */
	state->npartitions = partitions_for_rows(state->expected_rows * participants);
	return add_size(shared_size(participants),
					partitions_shared_size(state->npartitions, participants));
}

/* InitializeDSMCustomScan */
void
shared_initialize(CustomScanState *node, ParallelContext *pcxt, void *coordinate)
{
	BoundState *state = (BoundState *) node;
	SharedBound *shared = coordinate;
	MemoryContext old;

	if (pcxt->seg == NULL)
		return;					/* there was no shared memory: no workers either */
	old = MemoryContextSwitchTo(state->partial.context);
	BarrierInit(&shared->barrier, 0);
	pg_atomic_init_u32(&shared->next, 0);
	shared->participants = pcxt->nworkers + 1;
	shared->segment = dsm_segment_handle(pcxt->seg);
	shared->secret = drain_secret();
	pg_atomic_init_u32(&shared->without_id, 0);
	pg_atomic_init_u32(&shared->next_group, 0);
	shared->numbers = InvalidDsaPointer;
	for (int i = 0; i < shared->participants; i++)
		shared->of[i].ids = shared->of[i].sums = InvalidDsaPointer;
	partitions_share(shared_partitions(shared), state->npartitions, shared->participants,
					 pcxt->seg);
	state->shared = shared;
	MemoryContextSwitchTo(old);
}

/* InitializeWorkerCustomScan */
void
shared_initialize_worker(CustomScanState *node, shm_toc *toc, void *coordinate)
{
	((BoundState *) node)->shared = coordinate;
}
