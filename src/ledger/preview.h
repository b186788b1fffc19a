/*
 * preview.h
 *		What accounts would have left after a statement, and whether they could pay it.
 */
#ifndef DP_LEDGER_PREVIEW_H
#define DP_LEDGER_PREVIEW_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

/*
 * One account, or the cap of a population, and what a statement would cost it.  What is left is as
 * dp_agg.my_budget shows it after the statement; if any account refuses that, as it is now.
 */
typedef struct LedgerPreview
{
	NameData	population;
	Oid			role;			/* the holder; InvalidOid: it is the cap, or there is no
								 * account */
	bool		exists;			/* false: an account is required, and there is none */
	bool		concentrated;	/* it adds up rho */
	int64		epsilon_nano;	/* price of the statement, nano-epsilon */
	int64		delta_atto;		/* price of the statement, atto-delta */
	int64		rho_pico;		/* price of the statement, pico-rho; if it is concentrated */
	int64		epsilon_left;	/* nano-epsilon */
	int64		delta_left;		/* atto-delta */
	int64		rho_left;		/* pico-rho; if it is concentrated */
	int64		releases_left;	/* -1: they are not limited */
	int64		query_limit;	/* most that it pays for a statement, nano-epsilon; -1: no
								 * limit */
	TimestampTz renews_at;		/* 0: never */
	char	   *refusal;		/* what a client would be told; NULL: the account can pay */
} LedgerPreview;

extern List *ledger_preview(List *items, const char *query_text);

#endif							/* DP_LEDGER_PREVIEW_H */
