/*
 * partitions.c
 *		Keeps the records of partitions.
 *
 * Full blocks stay in memory until the memory of a process is used up.  From then on they go to
 * its temporary file.  A process has one file for all its partitions, as a hash aggregation
 * has for its tapes (logtape.c): making a file costs more than writing a partition.  The
 * blocks of a partition lie anywhere in the file, and each has the number of the one before.
 *
 * Partitions of one process: the file belongs to the resource owner of the query, as those of
 * sorts do.
 *
 * Shared partitions: the memory is that of the parallel query's area (dsa.c).  The files are
 * one set, as those of a parallel hash join, which is deleted when the last process detaches
 * from the segment, whatever ended it.
 */
#include "postgres.h"

#include <fcntl.h>

#include "storage/buffile.h"
#include "storage/sharedfileset.h"
#include "storage/shmem.h"
#include "utils/memutils.h"

#include "nodes/bound/partitions.h"

#define BLOCK_SPACE (PARTITION_BLOCK_SIZE - offsetof(PartitionBlock, data))

/*
 * The individuals of a partition of about this many rows fit into the processor's cache.  One
 * block of each partition is being filled: those of the most partitions take 8 MB, whatever the
 * settings say.
 */
#define ROWS_PER_PARTITION 32768
#define MOST_PARTITIONS 1024

/* Shared memory is asked for in larger pieces. */
#define CHUNK_BLOCKS 32

/* In shared memory: the set of files, and what each participant has put away where. */
struct SharedPartitions
{
	SharedFileSet files;
	int			participants;
	int			n;
	PartitionChains chains[FLEXIBLE_ARRAY_MEMBER];	/* [participant * n + partition] */
};

/* The number of partitions for about this many rows, a power of two. */
int
partitions_for_rows(double rows)
{
	int			n = 1;

	while (n < MOST_PARTITIONS && n * (double) ROWS_PER_PARTITION < rows)
		n *= 2;
	return n;
}

static Partitions *
create(int n, int participant, int participants, Size memory)
{
	Partitions *result = palloc0(offsetof(Partitions, items) + n * sizeof(Partition));

	result->context = CurrentMemoryContext;
	result->memory = memory;
	result->n = n;
	result->participant = participant;
	result->nparticipants = participants;
	result->files = palloc0(participants * sizeof(BufFile *));
	return result;
}

/*
 * Makes n partitions of this process alone, in the current context.  Full blocks stay in memory
 * as long as all blocks take no more than "memory" bytes.
 */
Partitions *
partitions_create(int n, Size memory)
{
	return create(n, 0, 1, memory);
}

/* ----------
 * Shared memory
 * ----------
 */

/* Bytes in shared memory that partitions_share() takes. */
Size
partitions_shared_size(int n, int participants)
{
	return add_size(offsetof(SharedPartitions, chains),
					mul_size(mul_size(n, participants), sizeof(PartitionChains)));
}

/* Makes shared partitions in this space; to be attached to by all participants. */
void
partitions_share(SharedPartitions *shared, int n, int participants, dsm_segment *segment)
{
	memset(shared, 0, partitions_shared_size(n, participants));
	shared->n = n;
	shared->participants = participants;
	SharedFileSetInit(&shared->files, segment);
}

/*
 * Joins shared partitions as one of the participants.  The segment is NULL for the one
 * that has made them.
 */
Partitions *
partitions_attach(SharedPartitions *shared, int participant, dsm_segment *segment,
				  dsa_area *area, Size memory)
{
	Partitions *result = create(shared->n, participant, shared->participants, memory);

	result->shared = shared;
	result->area = area;
	if (segment != NULL)
		SharedFileSetAttach(&shared->files, segment);
	return result;
}

/* ----------
 * Files
 * ----------
 */

/* The file of a participant, made or opened if need be. */
static BufFile *
file_of(Partitions *partitions, int participant)
{
	BufFile   **file = &partitions->files[participant];
	MemoryContext old;
	char		name[32];

	if (*file != NULL)
		return *file;
	old = MemoryContextSwitchTo(partitions->context);
	snprintf(name, sizeof(name), "dp_agg.%d", participant);
	if (partitions->shared == NULL)
		*file = BufFileCreateTemp(false);
	else if (participant == partitions->participant)
		*file = BufFileCreateFileSet(&partitions->shared->files.fs, name);
	else
		*file = BufFileOpenFileSet(&partitions->shared->files.fs, name, O_RDONLY, false);
	MemoryContextSwitchTo(old);
	return *file;
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
	Size		size = TYPEALIGN(PARTITION_BLOCK_SIZE, offsetof(PartitionBlock, data) + space);

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
	return partitions->used + PARTITION_BLOCK_SIZE <= partitions->memory;
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
													 CHUNK_BLOCKS * PARTITION_BLOCK_SIZE,
													 DSA_ALLOC_NO_OOM);
		if (!DsaPointerIsValid(partitions->chunk_at))
			return NULL;
		partitions->chunk = dsa_get_address(partitions->area, partitions->chunk_at);
		partitions->chunk_left = CHUNK_BLOCKS;
	}
	block = initialize_block(partitions, (PartitionBlock *) partitions->chunk, PARTITION_BLOCK_SIZE);
	block->in_area = true;
	block->at = partitions->chunk_at;
	partitions->chunk += PARTITION_BLOCK_SIZE;
	partitions->chunk_at += PARTITION_BLOCK_SIZE;
	partitions->chunk_left--;
	return block;
}

/* Appends a block to the file of this process. */
static void
write_block(Partitions *partitions, Partition *partition, PartitionBlock *block)
{
	BufFile    *file = file_of(partitions, partitions->participant);

	block->number_next = partition->last.written;
	BufFileWrite(file, block, block->size);
	partition->last.written = partitions->written + 1;
	partitions->written += block->size / PARTITION_BLOCK_SIZE;
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
		block->at_next = partition->last.shared;
		partition->last.shared = block->at;
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
		if (block->size == PARTITION_BLOCK_SIZE)
			partition->filling = block;
		else
			free_block(partitions, block);
	}
}

/* Gives the partition a block with room for "size" bytes, and returns where they go. */
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
		if (shared != NULL)
			shared->chains[partitions->participant * shared->n + i] = partition->last;
	}
	if (shared != NULL && partitions->files[partitions->participant] != NULL)
		BufFileExportFileSet(partitions->files[partitions->participant]);
}

/* ----------
 * Reading
 * ----------
 */

/* Starts to read partition i, from the beginning; nobody else reads it. */
void
partitions_open(Partitions *partitions, int i)
{
	partitions->reading = &partitions->items[i];
	partitions->next = partitions->reading->first;
	partitions->next_participant = 0;
	memset(&partitions->next_of, 0, sizeof(PartitionChains));
}

/* Goes on to the blocks of the next participant; false if there is none. */
static bool
next_chains(Partitions *partitions)
{
	SharedPartitions *shared = partitions->shared;
	int			participant = partitions->next_participant;

	if (participant == partitions->nparticipants)
		return false;
	partitions->next_participant++;
	partitions->next_of = shared == NULL ? partitions->reading->last :
		shared->chains[participant * shared->n + (partitions->reading - partitions->items)];
	return true;
}

static void
read_file(BufFile *file, void *to, Size size)
{
	if (BufFileRead(file, to, size) != size)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read from a temporary file")));
}

/* Reads a block of a participant's file. */
static PartitionBlock *
read_block(Partitions *partitions, int participant, uint64 number)
{
	BufFile    *file = file_of(partitions, participant);
	PartitionBlock *buffer = partitions->buffer;
	PartitionBlock header;

	if (BufFileSeekBlock(file, (long) number) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not seek to block %llu of a temporary file",
						(unsigned long long) number)));
	read_file(file, &header, offsetof(PartitionBlock, data));
	if (buffer == NULL || buffer->size < header.size)
	{
		partitions->buffer = NULL;
		if (buffer != NULL)
			free_block(partitions, buffer);
		buffer = partitions->buffer = new_block(partitions, header.size -
												offsetof(PartitionBlock, data));
	}
	buffer->used = header.used;
	buffer->participant = header.participant;
	buffer->number_next = header.number_next;
	read_file(file, buffer->data, header.used);
	return buffer;
}

/* The next block of the open partition, valid until the next call; NULL at the end. */
PartitionBlock *
partitions_next(Partitions *partitions)
{
	PartitionChains *chains = &partitions->next_of;
	PartitionBlock *block = partitions->next;

	if (block != NULL)
	{
		partitions->next = block->next;
		return block;
	}
	while (!DsaPointerIsValid(chains->shared) && chains->written == 0)
	{
		if (!next_chains(partitions))
			return NULL;
	}
	if (DsaPointerIsValid(chains->shared))
	{
		block = dsa_get_address(partitions->area, chains->shared);
		chains->shared = block->at_next;
	}
	else
	{
		block = read_block(partitions, partitions->next_participant - 1, chains->written - 1);
		chains->written = block->number_next;
	}
	return block;
}

/* Closes all files; memory goes with its context. */
void
partitions_close(Partitions *partitions)
{
	for (int i = 0; i < partitions->nparticipants; i++)
	{
		if (partitions->files[i] != NULL)
			BufFileClose(partitions->files[i]);
		partitions->files[i] = NULL;
	}
}
