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
	uint16		participant;	/* who has written it */
	bool		in_area;		/* of the parallel query, where others see it */
	union
	{
		struct PartitionBlock *next;	/* chains blocks that stay in memory */
		dsa_pointer at_next;
	};
	dsa_pointer at;				/* of this block, if it is in the area */
	char		data[FLEXIBLE_ARRAY_MEMBER];	/* records */
} PartitionBlock;

typedef struct Partition
{
	char	   *at;				/* where the next record goes */
	char	   *end;			/* of the block */
	PartitionBlock *filling;	/* what records are appended to, or NULL */
	PartitionBlock *first;		/* full ones in memory, if it is not shared */
	dsa_pointer last;			/* full ones of this process in shared memory */
	struct BufFile *file;		/* or NULL */
	struct SharedTuplestoreAccessor *store;	/* or NULL */
} Partition;

typedef struct Partitions
{
	MemoryContext context;
	Size		memory;			/* that full blocks may take */
	Size		used;			/* that all blocks take */
	struct SharedPartitions *shared;	/* or NULL */
	dsa_area   *area;
	int			participant;
	char	   *chunk;			/* blocks in shared memory are cut from it */
	dsa_pointer chunk_at;
	int			chunk_left;		/* blocks */
	Partition  *reading;
	bool		at_end;			/* of it */
	PartitionBlock *next;		/* to be read from memory */
	int			next_participant;	/* whose shared blocks are to be read */
	dsa_pointer next_shared;
	PartitionBlock *buffer;		/* what was read from a file last */
	int			n;
	Partition	items[FLEXIBLE_ARRAY_MEMBER];
} Partitions;

typedef struct SharedPartitions SharedPartitions;

extern Partitions *partitions_create(int n, Size memory);
extern Size partitions_shared_size(int n, int participants);
extern void partitions_share(SharedPartitions *shared, int n, int participants,
							 dsm_segment *segment);
extern Partitions *partitions_attach(SharedPartitions *shared, int participant,
									 dsm_segment *segment, dsa_area *area, Size memory);
extern char *partitions_make_room(Partitions *partitions, Partition *partition, Size size);
extern void partitions_end_write(Partitions *partitions);
extern void partitions_open(Partitions *partitions, int i);
extern PartitionBlock *partitions_next(Partitions *partitions);
extern void partitions_close(Partitions *partitions);

/* Room for a record of so many bytes in partition i; not aligned. */
static inline void *
partitions_append(Partitions *partitions, int i, Size size)
{
	Partition  *partition = &partitions->items[i];
	char	   *result = partition->at;

	if (unlikely((Size) (partition->end - result) < size))
		result = partitions_make_room(partitions, partition, size);
	partition->at = result + size;
	return result;
}

#endif							/* DP_PARTITIONS_H */
