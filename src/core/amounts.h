/*
 * amounts.h
 *		Amounts in units of the ledger as SQL shows them.
 */
#ifndef DP_AMOUNTS_H
#define DP_AMOUNTS_H

#include "postgres.h"

extern Datum amount_numeric(int64 amount, int digits);

#endif							/* DP_AMOUNTS_H */
