/*
 * refusal.h
 *		What the ledger says when it refuses.
 */
#ifndef DP_LEDGER_REFUSAL_H
#define DP_LEDGER_REFUSAL_H

#include "postgres.h"

#include "ledger/protocol.h"

extern void ledger_report_refusal(const LedgerAnswer *answer) pg_attribute_noreturn();

#endif							/* DP_LEDGER_REFUSAL_H */
