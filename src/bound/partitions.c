/*
 * partitions.c
 *		Keeps the records of partitions.
 *
 * Blocks that are full stay in memory, until a process has filled what it may; then they
 * go to temporary files, one for each partition.
 *
 * Of one process: files belong to the resource owner of the query, as those of sorts do.
 *
 * Shared: memory is that of the parallel query's area (dsa.c).  Files are shared
 * tuplestores (sharedtuplestore.c) over one set of files, as the batches of a parallel
 * hash join; the set is deleted when the last process detaches from the segment, whatever
 * ended it.  A tuplestore takes blocks instead of rows, for each call costs more than a
 * record does.
 */
#include "postgres.h"

#include "executor/tuptable.h"
#include "storage/buffile.h"
#include "storage/sharedfileset.h"
#include "utils/memutils.h"
#include "utils/sharedtuplestore.h"

#include "bound/partitions.h"

/* Four of them fill a chunk of a shared tuplestore, which has 32 kB less a header. */
#define BLOCK_SIZE 8176
#define BLOCK_SPACE (BLOCK_SIZE - offsetof(PartitionBlock, data))

/* Shared memory is asked for in larger pieces. */
#define CHUNK_BLOCKS 32

/*
 * In shared memory: the set of files, the tuplestores, and for each participant and
 * partition a chain of blocks.
 */
struct SharedPartitions
{
	SharedFileSet files;
	int			participants;
	int			n;
	dsa_pointer chains[FLEXIBLE_ARRAY_MEMBER];	/* [participant * n + partition] */
};

/*
 * So many partitions of this process, in the current context.  In "memory" bytes are
 * blocks that are full.
 */
Partitions *
partitions_create(int n, Size memory)
{
	Partitions *result = palloc0(offsetof(Partitions, items) + n * sizeof(Partition));

	result->context = CurrentMemoryContext;
	result->memory = memory;
	result->n = n;
	return result;
}

/* ----------
 * Shared memory
 * ----------
 */

static Size
chains_size(int n, int participants)
{
	return MAXALIGN(add_size(offsetof(SharedPartitions, chains),
							 mul_size(mul_size(n, participants), sizeof(dsa_pointer))));
}

static SharedTuplestore *
shared_store(SharedPartitions *shared, int i)
{
	return (SharedTuplestore *) ((char *) shared + chains_size(shared->n, shared->participants) +
								 i * MAXALIGN(sts_estimate(shared->participants)));
}

/* Bytes in shared memory that partitions_share() takes. */
Size
partitions_shared_size(int n, int participants)
{
	return add_size(chains_size(n, participants),
					mul_size(n, MAXALIGN(sts_estimate(participants))));
}

/* Makes shared partitions in this space; to be attached to by all participants. */
void
partitions_share(SharedPartitions *shared, int n, int participants, dsm_segment *segment)
{
	memset(shared, 0, chains_size(n, participants));
	shared->n = n;
	shared->participants = participants;
	SharedFileSetInit(&shared->files, segment);
	for (int i = 0; i < n; i++)
	{
		char		name[32];

		snprintf(name, sizeof(name), "dp_agg.%d", i);
		pfree(sts_initialize(shared_store(shared, i), participants, 0, 0, 0, &shared->files, name));
	}
}

/*
 * Joins shared partitions as one of the participants.  The segment is NULL for the one
 * that has made them.
 */
Partitions *
partitions_attach(SharedPartitions *shared, int participant, dsm_segment *segment,
				  dsa_area *area, Size memory)
{
	Partitions *result = partitions_create(shared->n, memory);

	result->shared = shared;
	result->area = area;
	result->participant = participant;
	if (segment != NULL)
		SharedFileSetAttach(&shared->files, segment);
	for (int i = 0; i < shared->n; i++)
		result->items[i].store = sts_attach(shared_store(shared, i), participant,
											&shared->files);
	return result;
}

/* ----------
 * Writing
 * ----------
 */

static PartitionBlock *
initialize_block(Partitions *partitions, PartitionBlock *block, Size size)
{
	block->size = (uint32) size;
	block->used = 0;
	block->next = NULL;
	block->in_area = false;
	block->participant = (uint16) partitions->participant;
	partitions->used += size;
	return block;
}

static PartitionBlock *
new_block(Partitions *partitions, Size space)
{
	Size		size = offsetof(PartitionBlock, data) + Max(space, BLOCK_SPACE);

	return initialize_block(partitions, MemoryContextAlloc(partitions->context, size), size);
}

static void
free_block(Partitions *partitions, PartitionBlock *block)
{
	partitions->used -= block->size;
	pfree(block);
}

/* May another block stay in memory? */
static inline bool
may_stay(const Partitions *partitions)
{
	return partitions->used + BLOCK_SIZE <= partitions->memory;
}

/* A block in shared memory, or NULL. */
static PartitionBlock *
new_shared_block(Partitions *partitions)
{
	PartitionBlock *block;

	if (!may_stay(partitions))
		return NULL;
	if (partitions->chunk_left == 0)
	{
		partitions->chunk_at = dsa_allocate_extended(partitions->area,
													 CHUNK_BLOCKS * BLOCK_SIZE,
													 DSA_ALLOC_NO_OOM);
		if (!DsaPointerIsValid(partitions->chunk_at))
			return NULL;
		partitions->chunk = dsa_get_address(partitions->area, partitions->chunk_at);
		partitions->chunk_left = CHUNK_BLOCKS;
	}
	block = initialize_block(partitions, (PartitionBlock *) partitions->chunk, BLOCK_SIZE);
	block->in_area = true;
	block->at = partitions->chunk_at;
	partitions->chunk += BLOCK_SIZE;
	partitions->chunk_at += BLOCK_SIZE;
	partitions->chunk_left--;
	return block;
}

/* Writes a block to the partition's file or tuplestore. */
static void
write_block(Partitions *partitions, Partition *partition, PartitionBlock *block)
{
	MemoryContext old = MemoryContextSwitchTo(partitions->context);

	if (partitions->shared != NULL)
		sts_puttuple(partition->store, NULL, (MinimalTuple) block);
	else
	{
		if (partition->file == NULL)
			partition->file = BufFileCreateTemp(false);
		BufFileWrite(partition->file, block, block->size);
	}
	MemoryContextSwitchTo(old);
}

/*
 * Puts the block that is being filled away, if there is anything in it; leaves it empty,
 * or none.
 */
static void
put_away(Partitions *partitions, Partition *partition)
{
	PartitionBlock *block = partition->filling;

	if (block == NULL || partition->at == block->data)
		return;
	block->used = (uint32) (partition->at - block->data);
	partition->filling = NULL;
	if (block->in_area)
	{
		block->at_next = partition->last;
		partition->last = block->at;
	}
	else if (partitions->shared == NULL && may_stay(partitions))
	{
		block->next = partition->first;
		partition->first = block;
	}
	else
	{
		write_block(partitions, partition, block);
		block->used = 0;
		if (block->size == BLOCK_SIZE)
			partition->filling = block;
		else
			free_block(partitions, block);
	}
}

/* A block of the partition with room for so many bytes. */
char *
partitions_make_room(Partitions *partitions, Partition *partition, Size size)
{
	put_away(partitions, partition);
	if (partition->filling != NULL && size > BLOCK_SPACE)
	{
		free_block(partitions, partition->filling);
		partition->filling = NULL;
	}
	if (partition->filling == NULL && partitions->shared != NULL && size <= BLOCK_SPACE)
		partition->filling = new_shared_block(partitions);
	if (partition->filling == NULL)
		partition->filling = new_block(partitions, size);
	partition->at = partition->filling->data;
	partition->end = (char *) partition->filling + partition->filling->size;
	return partition->at;
}

/* This process has appended all its records. */
void
partitions_end_write(Partitions *partitions)
{
	SharedPartitions *shared = partitions->shared;

	for (int i = 0; i < partitions->n; i++)
	{
		Partition  *partition = &partitions->items[i];

		put_away(partitions, partition);
		if (partition->filling != NULL && !partition->filling->in_area)
			free_block(partitions, partition->filling);
		partition->filling = NULL;
		partition->at = partition->end = NULL;
		if (shared == NULL)
			continue;
		sts_end_write(partition->store);
		shared->chains[partitions->participant * shared->n + i] = partition->last;
	}
}

/* ----------
 * Reading
 * ----------
 */

/*
 * Ends reading what is being read.  A scan of a tuplestore must come to its end, or it
 * would go on in the middle of a chunk when it begins again.
 */
static void
end_reading(Partitions *partitions)
{
	if (partitions->reading != NULL && partitions->shared != NULL)
	{
		while (!partitions->at_end)
			(void) partitions_next(partitions);
		sts_end_parallel_scan(partitions->reading->store);
	}
	partitions->reading = NULL;
}

/* Starts to read partition i, from the beginning; nobody else reads it. */
void
partitions_open(Partitions *partitions, int i)
{
	Partition  *partition = &partitions->items[i];
	MemoryContext old = MemoryContextSwitchTo(partitions->context);

	end_reading(partitions);
	partitions->reading = partition;
	partitions->next = partition->first;
	partitions->next_participant = 0;
	partitions->next_shared = InvalidDsaPointer;
	partitions->at_end = false;
	if (partitions->shared != NULL)
	{
		sts_reinitialize(partition->store);
		sts_begin_parallel_scan(partition->store);
	}
	else if (partition->file != NULL && BufFileSeek(partition->file, 0, 0, SEEK_SET) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not rewind a temporary file")));
	MemoryContextSwitchTo(old);
}

static void
read_file(BufFile *file, void *to, Size size)
{
	if (BufFileRead(file, to, size) != size)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read from a temporary file")));
}

/* The next block of a file, or NULL at its end. */
static PartitionBlock *
read_block(Partitions *partitions, BufFile *file)
{
	PartitionBlock header;
	Size		got = BufFileRead(file, &header, offsetof(PartitionBlock, data));

	if (got == 0)
		return NULL;
	if (got != offsetof(PartitionBlock, data))
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read from a temporary file")));
	if (partitions->buffer == NULL || partitions->buffer->size < header.size)
	{
		if (partitions->buffer != NULL)
			free_block(partitions, partitions->buffer);
		partitions->buffer = NULL;
		partitions->buffer = new_block(partitions,
									   header.size - offsetof(PartitionBlock, data));
	}
	partitions->buffer->used = header.used;
	partitions->buffer->participant = header.participant;
	read_file(file, partitions->buffer->data, header.size - offsetof(PartitionBlock, data));
	return partitions->buffer;
}

/* The next block of the open partition in shared memory, or NULL. */
static PartitionBlock *
next_shared_block(Partitions *partitions)
{
	SharedPartitions *shared = partitions->shared;
	int			i = (int) (partitions->reading - partitions->items);
	PartitionBlock *block;

	while (!DsaPointerIsValid(partitions->next_shared))
	{
		if (partitions->next_participant == shared->participants)
			return NULL;
		partitions->next_shared = shared->chains[partitions->next_participant++ * shared->n + i];
	}
	block = dsa_get_address(partitions->area, partitions->next_shared);
	partitions->next_shared = block->at_next;
	return block;
}

/* The next block of the open partition that is in memory, or NULL. */
static PartitionBlock *
next_in_memory(Partitions *partitions)
{
	PartitionBlock *block = partitions->next;

	if (partitions->shared != NULL)
		return next_shared_block(partitions);
	if (block != NULL)
		partitions->next = block->next;
	return block;
}

/* The next block of the open partition, valid until the next call; NULL at the end. */
PartitionBlock *
partitions_next(Partitions *partitions)
{
	PartitionBlock *block = next_in_memory(partitions);
	MemoryContext old;

	if (block != NULL)
		return block;
	old = MemoryContextSwitchTo(partitions->context);
	if (partitions->shared != NULL)
		block = (PartitionBlock *) sts_parallel_scan_next(partitions->reading->store, NULL);
	else if (partitions->reading->file != NULL)
		block = read_block(partitions, partitions->reading->file);
	partitions->at_end = block == NULL;
	MemoryContextSwitchTo(old);
	return block;
}

/* Closes all files; memory goes with its context. */
void
partitions_close(Partitions *partitions)
{
	end_reading(partitions);
	for (int i = 0; i < partitions->n; i++)
	{
		Partition  *partition = &partitions->items[i];

		if (partitions->shared != NULL)
			sts_end_write(partition->store);
		else if (partition->file != NULL)
			BufFileClose(partition->file);
		partition->file = NULL;
	}
}
