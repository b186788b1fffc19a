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

#include "nodes/bound/prefetch.h"

/* Bytes of a block, unless a record needs more.  Blocks are written and read as a whole. */
#define PARTITION_BLOCK_SIZE BLCKSZ

typedef struct PartitionBlock
{
	uint32		size;			/* of the block, in bytes */
	uint32		used;			/* bytes of records */
	uint16		participant;	/* who has written it */
	bool		in_area;		/* of the parallel query, where others see it */
	union						/* the block of the partition before this one */
	{
		struct PartitionBlock *next;	/* in memory of this process */
		dsa_pointer at_next;	/* in shared memory */
		uint64		number_next;	/* in a file: the block's number plus one, or 0 */
	};
	dsa_pointer at;				/* of this block, if it is in the area */
	char		data[FLEXIBLE_ARRAY_MEMBER];	/* records */
} PartitionBlock;

/* The last blocks of a partition that a participant has put away. */
typedef struct PartitionChains
{
	dsa_pointer shared;			/* in shared memory */
	uint64		written;		/* in the file: the block's number plus one, or 0 */
} PartitionChains;

typedef struct Partition
{
	char	   *at;				/* where the next record goes */
	char	   *end;			/* of the block */
	PartitionBlock *filling;	/* what records are appended to, or NULL */
	PartitionBlock *first;		/* full ones in memory, if it is not shared */
	PartitionChains last;
} Partition;

typedef struct Partitions
{
	MemoryContext context;
	Size		memory;			/* bytes that full blocks may take */
	Size		used;			/* bytes that all blocks take */
	struct SharedPartitions *shared;	/* or NULL */
	dsa_area   *area;
	int			participant;
	int			nparticipants;
	char	   *chunk;			/* blocks in shared memory are cut from it */
	dsa_pointer chunk_at;
	int			chunk_left;		/* blocks */
	struct BufFile **files;		/* of each participant, or NULL */
	uint64		written;		/* blocks in the file of this one */
	Partition  *reading;
	PartitionBlock *next;		/* to be read from memory */
	int			next_participant;	/* whose blocks are to be read */
	PartitionChains next_of;	/* what is left of those of the one before */
	PartitionBlock *buffer;		/* what was read from a file last */
	int			n;
	Partition	items[FLEXIBLE_ARRAY_MEMBER];
} Partitions;

typedef struct SharedPartitions SharedPartitions;

extern int	partitions_for_rows(double rows);
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

/*
 * Room in partition i for a record of "size" bytes; not aligned.  The memory of the next ones is
 * asked for, since nobody has touched it as yet.
 */
static inline void *
partitions_append(Partitions *partitions, int i, Size size)
{
	Partition  *partition = &partitions->items[i];
	char	   *result = partition->at;

	if (unlikely((Size) (partition->end - result) < size))
		result = partitions_make_room(partitions, partition, size);
	partition->at = result + size;
	dp_prefetch_to_write(result + PG_CACHE_LINE_SIZE);
	return result;
}

#endif							/* DP_PARTITIONS_H */
