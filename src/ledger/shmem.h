/*
 * shmem.h
 *		The shared memory through which backends and workers of the ledger talk.
 */
#ifndef DP_LEDGER_SHMEM_H
#define DP_LEDGER_SHMEM_H

#include "postgres.h"

#include "ledger/protocol.h"

/* both sides */
extern void ledger_shmem_init(void);
extern bool ledger_shmem_exists(void);

/* backend side */
extern uint64 ledger_request_submit(const char *payload, int length);
extern LedgerPoll ledger_request_poll(uint64 number, LedgerAnswer *answer);
extern void ledger_request_withdraw(uint64 number);
extern LedgerWake ledger_worker_wake(uint64 *epoch, bool doubt);
extern void ledger_worker_not_started(uint64 epoch);

/* worker side */
extern bool ledger_worker_claim(Oid database, uint64 epoch);
extern void ledger_worker_ready(void);
extern int	ledger_worker_take(LedgerRequest *requests, int max, char *buffer, Size size);
extern int	ledger_worker_pending(void);
extern void ledger_worker_answer(LedgerRequest *requests, int n);
extern bool ledger_worker_leave(void);

#endif							/* DP_LEDGER_SHMEM_H */
