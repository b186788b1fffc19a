/*
 * partitions.c
 *		Keeps the records of partitions.
 *
 * Of one process: chains of blocks, until they exceed the memory that there is; then all
 * go to temporary files, one for each partition, and so does every block that fills up
 * later.  Files belong to the resource owner of the query, as those of sorts do.
 *
 * Shared: shared tuplestores (sharedtuplestore.c) over one set of files, as the batches of
 * a parallel hash join; the set is deleted when the last process detaches from the
 * segment, whatever ended it.  A tuplestore takes blocks instead of rows, for each call
 * costs more than a record does.
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

typedef struct Partition
{
	PartitionBlock *filling;	/* what records are appended to, or NULL */
	PartitionBlock *first;		/* full ones in memory */
	BufFile    *file;			/* or NULL */
	SharedTuplestoreAccessor *store;	/* or NULL */
} Partition;

struct Partitions
{
	MemoryContext context;
	bool		shared;
	bool		in_files;		/* not shared: memory was not enough */
	Size		memory;			/* that blocks may take */
	Size		used;
	Partition  *reading;
	bool		at_end;			/* of it */
	PartitionBlock *next;		/* to be read from memory */
	PartitionBlock *buffer;		/* what was read from a file last */
	int			n;
	Partition	items[FLEXIBLE_ARRAY_MEMBER];
};

static Partitions *
new_partitions(int n)
{
	Partitions *result = palloc0(offsetof(Partitions, items) + n * sizeof(Partition));

	result->context = CurrentMemoryContext;
	result->n = n;
	return result;
}

/* So many partitions of this process, in the current context; memory in bytes. */
Partitions *
partitions_create(int n, Size memory)
{
	Partitions *result = new_partitions(n);

	result->memory = memory;
	return result;
}

/* ----------
 * Shared memory: the file set, then the tuplestores
 * ----------
 */

static SharedTuplestore *
shared_store(void *space, int i, int participants)
{
	return (SharedTuplestore *) ((char *) space + MAXALIGN(sizeof(SharedFileSet)) +
								 i * MAXALIGN(sts_estimate(participants)));
}

/* Bytes in shared memory that partitions_share() takes. */
Size
partitions_shared_size(int n, int participants)
{
	return add_size(MAXALIGN(sizeof(SharedFileSet)),
					mul_size(n, MAXALIGN(sts_estimate(participants))));
}

/* Makes shared partitions, as participant 0 of so many. */
Partitions *
partitions_share(void *space, int n, int participants, dsm_segment *segment)
{
	Partitions *result = new_partitions(n);

	result->shared = true;
	SharedFileSetInit((SharedFileSet *) space, segment);
	for (int i = 0; i < n; i++)
	{
		char		name[32];

		snprintf(name, sizeof(name), "dp_agg.%d", i);
		result->items[i].store = sts_initialize(shared_store(space, i, participants),
												participants, 0, 0, 0,
												(SharedFileSet *) space, name);
	}
	return result;
}

/* Joins them, as one of so many participants in all. */
Partitions *
partitions_attach(void *space, int n, int participants, int participant, dsm_segment *segment)
{
	Partitions *result = new_partitions(n);

	result->shared = true;
	SharedFileSetAttach((SharedFileSet *) space, segment);
	for (int i = 0; i < n; i++)
		result->items[i].store = sts_attach(shared_store(space, i, participants), participant,
											(SharedFileSet *) space);
	return result;
}

/* ----------
 * Writing
 * ----------
 */

static PartitionBlock *
new_block(Partitions *partitions, Size space)
{
	Size		size = offsetof(PartitionBlock, data) + Max(space, BLOCK_SPACE);
	PartitionBlock *block = MemoryContextAlloc(partitions->context, size);

	block->size = (uint32) size;
	block->used = 0;
	block->next = NULL;
	partitions->used += size;
	return block;
}

static void
free_block(Partitions *partitions, PartitionBlock *block)
{
	partitions->used -= block->size;
	pfree(block);
}

/* Writes a block to the partition's file or tuplestore. */
static void
write_block(Partitions *partitions, Partition *partition, PartitionBlock *block)
{
	MemoryContext old = MemoryContextSwitchTo(partitions->context);

	if (partitions->shared)
		sts_puttuple(partition->store, NULL, (MinimalTuple) block);
	else
	{
		if (partition->file == NULL)
			partition->file = BufFileCreateTemp(false);
		BufFileWrite(partition->file, block, block->size);
	}
	MemoryContextSwitchTo(old);
}

/* Memory is not enough: from now on full blocks are in files. */
static void
move_to_files(Partitions *partitions)
{
	partitions->in_files = true;
	for (int i = 0; i < partitions->n; i++)
	{
		Partition  *partition = &partitions->items[i];

		while (partition->first != NULL)
		{
			PartitionBlock *block = partition->first;

			partition->first = block->next;
			write_block(partitions, partition, block);
			free_block(partitions, block);
		}
	}
}

/* Puts the block that is being filled away, and leaves an empty one, or none. */
static void
put_away(Partitions *partitions, Partition *partition)
{
	PartitionBlock *block = partition->filling;

	if (partitions->shared || partitions->in_files)
	{
		write_block(partitions, partition, block);
		block->used = 0;
		if (block->size == BLOCK_SIZE)
			return;
		free_block(partitions, block);
	}
	else
	{
		block->next = partition->first;
		partition->first = block;
	}
	partition->filling = NULL;
	if (!partitions->shared && !partitions->in_files &&
		partitions->used > partitions->memory)
		move_to_files(partitions);
}

/* A block of the partition with room for so many bytes. */
static PartitionBlock *
make_room(Partitions *partitions, Partition *partition, Size size)
{
	if (partition->filling != NULL)
	{
		if (partition->filling->used > 0)
			put_away(partitions, partition);
		if (partition->filling != NULL && size > BLOCK_SPACE)
		{
			free_block(partitions, partition->filling);
			partition->filling = NULL;
		}
	}
	if (partition->filling == NULL)
		partition->filling = new_block(partitions, size);
	return partition->filling;
}

/* Room for a record of so many bytes, a multiple of MAXALIGN, in partition i. */
void *
partitions_append(Partitions *partitions, int i, Size size)
{
	Partition  *partition = &partitions->items[i];
	PartitionBlock *block = partition->filling;
	void	   *result;

	if (unlikely(block == NULL ||
				 block->used + size > block->size - offsetof(PartitionBlock, data)))
		block = make_room(partitions, partition, size);
	result = block->data + block->used;
	block->used += (uint32) size;
	return result;
}

/* This process has appended all its records. */
void
partitions_end_write(Partitions *partitions)
{
	for (int i = 0; i < partitions->n; i++)
	{
		Partition  *partition = &partitions->items[i];

		if (partition->filling != NULL)
		{
			put_away(partitions, partition);
			if (partition->filling != NULL)
				free_block(partitions, partition->filling);
			partition->filling = NULL;
		}
		if (partitions->shared)
			sts_end_write(partition->store);
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
	if (partitions->reading != NULL && partitions->shared)
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
	partitions->at_end = false;
	if (partitions->shared)
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
	read_file(file, partitions->buffer->data, header.size - offsetof(PartitionBlock, data));
	return partitions->buffer;
}

/* The next block of the open partition, valid until the next call; NULL at the end. */
PartitionBlock *
partitions_next(Partitions *partitions)
{
	PartitionBlock *block = partitions->next;
	MemoryContext old;

	if (block != NULL)
	{
		partitions->next = block->next;
		return block;
	}
	old = MemoryContextSwitchTo(partitions->context);
	if (partitions->shared)
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

		if (partitions->shared)
			sts_end_write(partition->store);
		else if (partition->file != NULL)
			BufFileClose(partition->file);
		partition->file = NULL;
	}
}
