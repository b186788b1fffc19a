/*
 * entries.h
 *		Entries of the ledger, for its worker: numbered, and chained by hashes.
 */
#ifndef DP_LEDGER_ENTRIES_H
#define DP_LEDGER_ENTRIES_H

#include "postgres.h"

#include "executor/tuptable.h"

#include "ledger/protocol.h"
#include "ledger/writing.h"

/* The log, open for one transaction. */
typedef struct Entries Entries;

extern Entries *entries_open(Writing *writing);
extern bool entries_lock(Entries *entries);
extern void entries_add_release(Entries *entries, const LedgerRequest *request,
								const LedgerMessage *message, const LedgerItem *item,
								const char *accounts);
extern void entries_add_read(Entries *entries, const LedgerRequest *request,
							 const LedgerMessage *message, const LedgerRead *read);
extern bool entries_have_changes(const Entries *entries);
extern void entries_add_changes(Entries *entries);
extern void entries_close(Entries *entries);

#endif							/* DP_LEDGER_ENTRIES_H */
