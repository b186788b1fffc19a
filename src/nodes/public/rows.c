/*
 * rows.c
 *		The rows of a public relation, as they were read ahead.
 *
 * Rows lie in chunks, one behind the other, in the order in which they came.  Chunks stay in
 * memory up to a limit; later ones go to a temporary file.
 *
 * Rows for one process alone: the memory is that of a context, the file belongs to the resource
 * owner of the query, as those of sorts do.
 *
 * Shared rows: the process that makes them makes a segment of shared memory, with an area in it
 * (dsa.c) and a set of files (sharedfileset.c).  Others attach to the segment by its handle.  All
 * of it goes when the last process detaches, whatever ends it; and what a process that was killed
 * leaves, the postmaster removes when it starts anew.  They are complete before anybody attaches, so
 * nothing is locked: processes that divide the rows among themselves count chunks.
 */
#include "postgres.h"

#include <fcntl.h>

#include "storage/buffile.h"
#include "storage/lwlock.h"
#include "storage/sharedfileset.h"
#include "utils/dsa.h"
#include "utils/memutils.h"

#include "nodes/public/rows.h"

/* Bytes of a chunk, but for one that holds a single, wider row.  Chunks are what processes divide. */
#define CHUNK_SIZE (4 * BLCKSZ)

/* Bytes of the segment: it holds small relations, and no more than that is wasted. */
#define SEGMENT_SIZE (128 * 1024)

#define FILE_NAME "dp_agg.public"

typedef struct RowChunk
{
	uint64		at;				/* its address in this process or in the area, or block of the
								 * file */
	uint32		used;			/* bytes */
	bool		in_file;
} RowChunk;

/* Stands at the beginning of the segment; the area follows. */
typedef struct SharedRows
{
	SharedFileSet files;
	dsa_pointer chunks;
	uint32		nchunks;
} SharedRows;

struct PublicRows
{
	MemoryContext context;
	RowChunk   *chunks;
	uint32		nchunks;
	uint32		most_chunks;	/* for which there is space */
	BufFile    *file;			/* NULL until it is needed */
	dsm_segment *segment;		/* NULL if this process is alone */
	dsa_area   *area;
	SharedRows *shared;

	/* while rows are added: the last chunk, which chunks[nchunks] describes */
	Size		memory;			/* that chunks may still take */
	char	   *filling;		/* NULL if there is none */
	Size		space;			/* its size */
	uint64		blocks;			/* written to the file */

	/* a chunk that was read from the file, or is to be written to it */
	char	   *buffer;
	Size		buffer_size;

	/* while rows are read */
	uint32		next;			/* chunk, where this process reads all of them */
	char	   *at;				/* next row of the current one */
	char	   *end;
};

/* ----------
 * Making and sharing
 * ----------
 */

/* The area that follows at the beginning of a segment. */
static inline char *
area_place(dsm_segment *segment)
{
	return (char *) dsm_segment_address(segment) + MAXALIGN(sizeof(SharedRows));
}

/*
 * Begins to keep rows, in the current memory context.  memory: bytes that they may take before they go
 * to a file.  shared: other processes will read them.
 */
PublicRows *
public_rows_create(bool shared, Size memory)
{
	PublicRows *rows = palloc0(sizeof(PublicRows));

	rows->context = CurrentMemoryContext;
	rows->memory = memory;
	rows->most_chunks = 64;
	rows->chunks = palloc(rows->most_chunks * sizeof(RowChunk));
	if (!shared)
		return rows;

	rows->segment = dsm_create(SEGMENT_SIZE, 0);
	rows->shared = dsm_segment_address(rows->segment);
	rows->shared->chunks = InvalidDsaPointer;
	rows->shared->nchunks = 0;
	SharedFileSetInit(&rows->shared->files, rows->segment);
	rows->area = dsa_create_in_place(area_place(rows->segment),
									 SEGMENT_SIZE - MAXALIGN(sizeof(SharedRows)),
									 LWTRANCHE_PARALLEL_QUERY_DSA, rows->segment);
	return rows;
}

/* By what other processes find shared rows; DSM_HANDLE_INVALID if they are not shared. */
dsm_handle
public_rows_handle(const PublicRows *rows)
{
	return rows->segment != NULL ? dsm_segment_handle(rows->segment) : DSM_HANDLE_INVALID;
}

/* Opens shared rows in another process, in the current memory context. */
PublicRows *
public_rows_attach(dsm_handle handle)
{
	PublicRows *rows = palloc0(sizeof(PublicRows));

	rows->context = CurrentMemoryContext;
	rows->segment = dsm_attach(handle);
	if (rows->segment == NULL)
		elog(ERROR, "could not map dynamic shared memory segment");
	rows->shared = dsm_segment_address(rows->segment);
	rows->area = dsa_attach_in_place(area_place(rows->segment), rows->segment);
	SharedFileSetAttach(&rows->shared->files, rows->segment);
	rows->nchunks = rows->shared->nchunks;
	if (rows->nchunks > 0)
		rows->chunks = dsa_get_address(rows->area, rows->shared->chunks);
	return rows;
}

/* Lets go of the rows: of files and shared memory.  The rest goes with the memory context. */
void
public_rows_release(PublicRows *rows)
{
	if (rows->file != NULL)
		BufFileClose(rows->file);
	rows->file = NULL;
	if (rows->segment == NULL)
		return;
	dsa_detach(rows->area);
	dsm_detach(rows->segment);
	rows->segment = NULL;
}

/* ----------
 * Adding rows
 * ----------
 */

/* Sees to it that the buffer has this size. */
static void
need_buffer(PublicRows *rows, Size size)
{
	if (rows->buffer_size >= size)
		return;
	if (rows->buffer != NULL)
		pfree(rows->buffer);
	rows->buffer = NULL;
	rows->buffer = MemoryContextAllocExtended(rows->context, size, MCXT_ALLOC_HUGE);
	rows->buffer_size = size;
}

/* Begins a chunk that has space for a row. */
static void
begin_chunk(PublicRows *rows, Size row)
{
	Size		size = Max((Size) CHUNK_SIZE, TYPEALIGN(BLCKSZ, row));
	RowChunk   *chunk;

	if (rows->nchunks == rows->most_chunks)
	{
		rows->most_chunks *= 2;
		rows->chunks = repalloc_huge(rows->chunks, (Size) rows->most_chunks * sizeof(RowChunk));
	}
	chunk = &rows->chunks[rows->nchunks];
	chunk->used = 0;
	chunk->in_file = rows->memory < size;
	if (chunk->in_file)
	{
		rows->memory = 0;		/* what follows goes there, too */
		need_buffer(rows, size);
		rows->filling = rows->buffer;
	}
	else if (rows->area != NULL)
	{
		chunk->at = dsa_allocate_extended(rows->area, size, DSA_ALLOC_HUGE);
		rows->filling = dsa_get_address(rows->area, chunk->at);
	}
	else
	{
		rows->filling = MemoryContextAllocExtended(rows->context, size, MCXT_ALLOC_HUGE);
		chunk->at = (uint64) (uintptr_t) rows->filling;
	}
	if (!chunk->in_file)
		rows->memory -= size;
	rows->space = size;
}

/* Writes the chunk that is being filled to the file, as whole blocks. */
static void
write_chunk(PublicRows *rows, RowChunk *chunk)
{
	Size		size = TYPEALIGN(BLCKSZ, chunk->used);
	MemoryContext old = MemoryContextSwitchTo(rows->context);

	if (rows->file == NULL)
		rows->file = rows->shared != NULL ?
			BufFileCreateFileSet(&rows->shared->files.fs, FILE_NAME) : BufFileCreateTemp(false);
	memset(rows->filling + chunk->used, 0, size - chunk->used);
	BufFileWrite(rows->file, rows->filling, size);
	chunk->at = rows->blocks;
	rows->blocks += size / BLCKSZ;
	MemoryContextSwitchTo(old);
}

/* Ends the chunk that is being filled, if there is one. */
static void
end_chunk(PublicRows *rows)
{
	RowChunk   *chunk = &rows->chunks[rows->nchunks];

	if (rows->filling == NULL)
		return;
	if (chunk->in_file)
		write_chunk(rows, chunk);
	rows->nchunks++;
	rows->filling = NULL;
}

/* Adds a copy of a row. */
void
public_rows_add(PublicRows *rows, MinimalTuple tuple)
{
	Size		size = MAXALIGN(tuple->t_len);

	if (rows->filling != NULL && rows->space - rows->chunks[rows->nchunks].used < size)
		end_chunk(rows);
	if (rows->filling == NULL)
		begin_chunk(rows, size);
	memcpy(rows->filling + rows->chunks[rows->nchunks].used, tuple, tuple->t_len);
	rows->chunks[rows->nchunks].used += size;
}

/* All rows have been added: from here on they are read. */
void
public_rows_complete(PublicRows *rows)
{
	SharedRows *shared = rows->shared;

	end_chunk(rows);
	if (shared == NULL || rows->nchunks == 0)
		return;
	shared->chunks = dsa_allocate_extended(rows->area, (Size) rows->nchunks * sizeof(RowChunk),
										   DSA_ALLOC_HUGE);
	memcpy(dsa_get_address(rows->area, shared->chunks), rows->chunks,
		   (Size) rows->nchunks * sizeof(RowChunk));
	shared->nchunks = rows->nchunks;
	if (rows->file != NULL)
		BufFileExportFileSet(rows->file);
}

/* ----------
 * Reading
 * ----------
 */

/* Begins with the first row again. */
void
public_rows_rewind(PublicRows *rows)
{
	rows->next = 0;
	rows->at = rows->end = NULL;
}

/* Reads a chunk from the file. */
static char *
read_chunk(PublicRows *rows, const RowChunk *chunk)
{
	need_buffer(rows, chunk->used);
	if (rows->file == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(rows->context);

		rows->file = BufFileOpenFileSet(&rows->shared->files.fs, FILE_NAME, O_RDONLY, false);
		MemoryContextSwitchTo(old);
	}
	if (BufFileSeekBlock(rows->file, (long) chunk->at) != 0 ||
		BufFileRead(rows->file, rows->buffer, chunk->used) != chunk->used)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read from a temporary file")));
	return rows->buffer;
}

/* Goes on to the next chunk; false if there is none. */
static bool
next_chunk(PublicRows *rows, pg_atomic_uint32 *claims)
{
	uint32		number = claims != NULL ? pg_atomic_fetch_add_u32(claims, 1) : rows->next;
	const RowChunk *chunk;

	if (number >= rows->nchunks)
		return false;
	rows->next = number + 1;
	chunk = &rows->chunks[number];
	if (chunk->in_file)
		rows->at = read_chunk(rows, chunk);
	else if (rows->area != NULL)
		rows->at = dsa_get_address(rows->area, chunk->at);
	else
		rows->at = (char *) (uintptr_t) chunk->at;
	rows->end = rows->at + chunk->used;
	return true;
}

/*
 * The next row, or NULL at the end; valid until the next call.  claims: the number of chunks that
 * processes have taken which divide the rows among themselves, or NULL to read all of them.
 */
MinimalTuple
public_rows_next(PublicRows *rows, pg_atomic_uint32 *claims)
{
	MinimalTuple result;

	if (rows->at == rows->end && !next_chunk(rows, claims))
		return NULL;
	result = (MinimalTuple) rows->at;
	rows->at += MAXALIGN(result->t_len);
	return result;
}
