/*
 * storable.h
 *		Texts that the ledger can store, hash and hand out.
 */
#ifndef DP_LEDGER_STORABLE_H
#define DP_LEDGER_STORABLE_H

#include "postgres.h"

extern bool ledger_is_storable(const char *text, int length);
extern char *ledger_storable(const char *text, int length);

#endif							/* DP_LEDGER_STORABLE_H */
