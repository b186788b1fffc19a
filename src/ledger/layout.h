/*
 * layout.h
 *		Opens tables of the ledger that are as they were installed.
 */
#ifndef DP_LEDGER_LAYOUT_H
#define DP_LEDGER_LAYOUT_H

#include "postgres.h"

#include "storage/lockdefs.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

extern Relation ledger_open(const char *name, LOCKMODE lockmode);
extern Relation ledger_open_holders(LOCKMODE lockmode);
extern bool ledger_has_rows(const char *name, Snapshot snapshot);

#endif							/* DP_LEDGER_LAYOUT_H */
