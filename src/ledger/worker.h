/*
 * worker.h
 *		The background worker that writes the ledger.
 */
#ifndef DP_LEDGER_WORKER_H
#define DP_LEDGER_WORKER_H

#include "postgres.h"

/* called by the postmaster's fork through the library's name */
extern PGDLLEXPORT void dp_ledger_worker_main(Datum main_arg);

#endif							/* DP_LEDGER_WORKER_H */
