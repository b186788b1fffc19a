/*
 * raw_entry.h
 *		What the ledger's entry of a raw read says.
 */
#ifndef DP_RAW_ENTRY_H
#define DP_RAW_ENTRY_H

#include "postgres.h"

#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"

#include "ledger/protocol.h"

/* A relation that a statement reads. */
typedef struct RawRead
{
	Oid			relid;			/* as the query names it */
	Bitmapset  *columns;		/* touched, as in RangeTblEntry.selectedCols */
	List	   *scanned;		/* OIDs of the classified relations that are scanned for it */
} RawRead;

extern LedgerRead *raw_entry(const RawRead *read);

#endif							/* DP_RAW_ENTRY_H */
