/*
 * partitions.h
 *		Records divided into partitions, in memory or in temporary files, of one
 *		process or shared by the participants of a parallel plan.
 *
 * Records lie in blocks, which are what is written and read.  A process first appends
 * all its records, then partitions_end_write(); then each partition is read by one
 * process, as often as it likes: of shared ones it gets the blocks of all participants.
 */
#ifndef DP_PARTITIONS_H
#define DP_PARTITIONS_H

#include "postgres.h"

#include "storage/dsm.h"
#include "utils/dsa.h"

/* What goes through a shared tuplestore as if it were a MinimalTuple. */
typedef struct PartitionBlock
{
	uint32		size;			/* of the whole; where MinimalTupleData has t_len */
	uint32		used;			/* bytes of records */
	bool		in_area;		/* of the parallel query, where others see it */
	union
	{
		struct PartitionBlock *next;	/* chains blocks that stay in memory */
		dsa_pointer at_next;
	};
	dsa_pointer at;				/* of this block, if it is in the area */
	char		data[FLEXIBLE_ARRAY_MEMBER];	/* records, each MAXALIGN'ed */
} PartitionBlock;

typedef struct Partitions Partitions;
typedef struct SharedPartitions SharedPartitions;

extern Partitions *partitions_create(int n, Size memory);
extern Size partitions_shared_size(int n, int participants);
extern void partitions_share(SharedPartitions *shared, int n, int participants,
							 dsm_segment *segment);
extern Partitions *partitions_attach(SharedPartitions *shared, int participant,
									 dsm_segment *segment, dsa_area *area, Size memory);
extern void *partitions_append(Partitions *partitions, int i, Size size);
extern void partitions_end_write(Partitions *partitions);
extern void partitions_open(Partitions *partitions, int i);
extern PartitionBlock *partitions_next(Partitions *partitions);
extern void partitions_close(Partitions *partitions);

#endif							/* DP_PARTITIONS_H */
