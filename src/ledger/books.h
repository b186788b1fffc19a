/*
 * books.h
 *		The tables of the ledger, for its worker.
 */
#ifndef DP_LEDGER_BOOKS_H
#define DP_LEDGER_BOOKS_H

#include "postgres.h"

#include "access/genam.h"
#include "datatype/timestamp.h"
#include "executor/tuptable.h"
#include "nodes/pg_list.h"
#include "storage/itemptr.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

#include "ledger/protocol.h"

/* An account of a batch. */
typedef struct Account
{
	Oid			role;
	NameData	population;
	ItemPointerData tid;
	TupleTableSlot *row;		/* NULL until it is asked for */
	bool		locked;			/* false: somebody else holds the row */
	int64		epsilon_limit;
	int64		epsilon_spent;
	int64		delta_limit;
	int64		delta_spent;
	int64		query_limit;	/* -1: none */
	int64		query_minimum;	/* 0: none */
	int64		release_limit;	/* -1: none */
	int64		releases_spent;
	TimestampTz renews_at;		/* 0: never */
	int64		epsilon_charged;	/* in this batch */
	int64		delta_charged;
	bool		charged;
} Account;

typedef struct Books Books;

extern Books *books_open(Oid account_table);
extern List *books_accounts(Books *books, const NameData *population);
extern void books_lock(Books *books, Account *account);
extern void books_charge(Books *books, Account *account);
extern void books_log(Books *books, const LedgerRequest *request,
					  const LedgerMessage *message, const LedgerItem *item);
extern void books_close(Books *books);

#endif							/* DP_LEDGER_BOOKS_H */
