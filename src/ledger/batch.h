/*
 * batch.h
 *		One transaction of the ledger for several requests.
 */
#ifndef DP_BATCH_H
#define DP_BATCH_H

#include "postgres.h"

#include "ledger/protocol.h"

extern int64 ledger_batch_run(LedgerRequest *requests, int n);

#endif							/* DP_BATCH_H */
