/*
 * charge.h
 *		Charges a statement for its releases, before they run.
 */
#ifndef DP_CHARGE_H
#define DP_CHARGE_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "ledger/protocol.h"

extern void ledger_init(void);	/* from _PG_init, in the postmaster only */
extern void ledger_charge(List *items, const char *query_text);
extern void ledger_record_reads(List *reads, const char *query_text);
extern void ledger_settle_changes(void);
extern bool ledger_keep_answer(LedgerKeep *keep, const char *answer);

#endif							/* DP_CHARGE_H */
