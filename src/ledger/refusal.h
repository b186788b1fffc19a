/*
 * refusal.h
 *		What the ledger says when it refuses.
 */
#ifndef DP_LEDGER_REFUSAL_H
#define DP_LEDGER_REFUSAL_H

#include "postgres.h"

#include "core/compat.h"

#include "ledger/protocol.h"

DP_NORETURN extern void ledger_report_refusal(const LedgerAnswer *answer);

#endif							/* DP_LEDGER_REFUSAL_H */
