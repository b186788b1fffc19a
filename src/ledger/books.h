/*
 * books.h
 *		The accounts, for the worker of the ledger.
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

#include "ledger/writing.h"

/*
 * An account, as a batch sees it.  Everything from the limits on is read under the lock;
 * epsilon is in nano-epsilon (1e-9), delta in atto-delta (1e-18), rho in pico-rho (1e-12).
 */
typedef struct Account
{
	Oid			role;			/* the holder; InvalidOid: it is the cap of the population */
	NameData	population;
	ItemPointerData tid;		/* place of the row when it was found */
	TupleTableSlot *row;		/* the row; NULL until books_lock() was called */
	bool		locked;			/* the row is locked and read */
	bool		concentrated;	/* rho is limited, not epsilon */
	int64		epsilon_limit;	/* most epsilon of a period */
	int64		epsilon_spent;	/* epsilon spent in the period, this batch included */
	int64		delta_limit;	/* most delta that releases of a period may cost */
	int64		delta_spent;
	int64		conversion_delta;	/* the delta at which rho means an epsilon; 0: not
									 * concentrated */
	int64		rho_limit;		/* most rho of a period; 0: not concentrated */
	int64		rho_spent;		/* rho spent in the period, this batch included; saturated */
	int64		query_limit;	/* most epsilon of one statement; -1: no limit */
	int64		query_minimum;	/* least epsilon of one release; 0: no minimum */
	int64		release_limit;	/* most releases of a period; -1: no limit */
	int64		releases_spent;
	TimestampTz renews_at;		/* end of the period; 0: it has none */
	int64		epsilon_lifetime;	/* epsilon spent in all periods before this batch */
	int64		rho_lifetime;	/* the same of rho */
	int64		lifetime_limit; /* most epsilon of all periods; -1: no limit */
	int64		rho_lifetime_limit; /* most rho of all periods, if it is concentrated and
									 * limited */
	int64		rho_charged;	/* rho that this batch has added */
	int64		epsilon_charged;	/* epsilon that this batch has added */
	int64		delta_charged;	/* delta that this batch has added */
	bool		charged;		/* this batch has added something: to be written */
} Account;

/* The table of accounts, open for one transaction. */
typedef struct Books Books;

extern Books *books_open(Writing *writing);
extern Account *books_account(Books *books, const NameData *population, Oid role);
extern void books_read(Account *account, TimestampTz now);
extern bool books_lock(Books *books, Account *account);
extern void books_charge(Books *books, Account *account);

#endif							/* DP_LEDGER_BOOKS_H */
