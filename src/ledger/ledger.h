/*
 * ledger.h
 *		What the rest of dp_agg may ask of the ledger.
 */
#ifndef DP_LEDGER_H
#define DP_LEDGER_H

#include "postgres.h"
#include "nodes/pg_list.h"

/* One release of a statement, as it is charged and logged. */
typedef struct LedgerItem
{
	NameData	population;
	int64		epsilon_nano;
	int64		delta_atto;
	int64		least_epsilon;	/* what a release that an account pays must cost */
	const char *relations;		/* names of the protected relations, for the log */
	const char *outputs;		/* names of the outputs, for the log */
	bool		account_required;	/* false for a role that may read the rows itself */
} LedgerItem;

extern void ledger_init(void);	/* from _PG_init, in the postmaster only */
extern void ledger_init_cache(void);
extern bool ledger_role_has_account(const NameData *population);
extern void ledger_charge(List *items, const char *query_text);

#endif							/* DP_LEDGER_H */
