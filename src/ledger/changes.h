/*
 * changes.h
 *		Changes of accounts on their way into the ledger.
 */
#ifndef DP_LEDGER_CHANGES_H
#define DP_LEDGER_CHANGES_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "ledger/writing.h"

extern List *changes_read(Writing *writing, ResultRelInfo *waiting);

#endif							/* DP_LEDGER_CHANGES_H */
