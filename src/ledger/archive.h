/*
 * archive.h
 *		Entries of the ledger that were moved to an archive.
 */
#ifndef DP_LEDGER_ARCHIVE_H
#define DP_LEDGER_ARCHIVE_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/snapshot.h"

#include "ledger/chain.h"

/* Entries that follow each other and are not in the tables any more. */
typedef struct ArchivedRange
{
	int64		first_id;
	int64		last_id;
	uint8		prev_hash[CHAIN_HASH_SIZE]; /* of the first of them */
	uint8		hash[CHAIN_HASH_SIZE];	/* of the last of them */
} ArchivedRange;

extern List *archive_read(Snapshot snapshot);

#endif							/* DP_LEDGER_ARCHIVE_H */
