/*
 * shares.h
 *		What an account has to pay for a request, and whether it can.
 */
#ifndef DP_LEDGER_SHARES_H
#define DP_LEDGER_SHARES_H

#include "postgres.h"

#include "ledger/books.h"
#include "ledger/protocol.h"

/* One account and the price that it has to pay for one request. */
typedef struct Share
{
	Account    *account;
	LedgerPrice *price;
} Share;

extern void share_set_verdict(LedgerAnswer *answer, LedgerVerdict verdict, const LedgerPrice *price);
extern void share_check(const Share *share, LedgerAnswer *answer);
extern void share_charge(const Share *share);
extern int64 share_lifetime(const Share *share);

#endif							/* DP_LEDGER_SHARES_H */
