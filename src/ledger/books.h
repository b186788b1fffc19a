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

#include "ledger/ledger.h"
#include "ledger/protocol.h"

/* Columns of dp_agg.account, in the order of the install script. */
#define Anum_account_role					1
#define Anum_account_population				2
#define Anum_account_epsilon_limit			3
#define Anum_account_epsilon_spent			4
#define Anum_account_delta_limit			5
#define Anum_account_delta_spent			6
#define Anum_account_max_epsilon_per_query	7
#define Anum_account_min_epsilon_per_query	8
#define Anum_account_max_releases			9
#define Anum_account_releases_spent			10
#define Anum_account_period					11
#define Anum_account_period_anchor			12
#define Anum_account_renews_at				13
#define Anum_account_epsilon_lifetime		15
#define Anum_account_delta_lifetime			16

/* And of dp_agg.release. */
#define Anum_release_id				1
#define Anum_release_at				2
#define Anum_release_session_role	3
#define Anum_release_current_role	4
#define Anum_release_session_id		5
#define Anum_release_current_id		6
#define Anum_release_cluster		7
#define Anum_release_population		8
#define Anum_release_relations		9
#define Anum_release_query			10
#define Anum_release_fingerprint	11
#define Anum_release_epsilon		12
#define Anum_release_delta			13
#define Anum_release_outputs		14
#define Anum_release_reused			16
#define Natts_release				18

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

/* account.c */
extern SysScanDesc ledger_begin_accounts(Relation account, const NameData *population,
										 Snapshot snapshot);

/* books.c */
extern Books *books_open(Oid account_table);
extern List *books_accounts(Books *books, const NameData *population);
extern void books_lock(Books *books, Account *account);
extern void books_charge(Books *books, Account *account);
extern void books_log(Books *books, const LedgerRequest *request,
					  const LedgerMessage *message, const LedgerItem *item);
extern void books_close(Books *books);

#endif							/* DP_LEDGER_BOOKS_H */
