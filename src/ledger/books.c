/*
 * books.c
 *		The accounts, as the worker of the ledger reads and writes them.
 *
 * An account is locked before it is read, and the worker never waits for that lock.
 * A row that another transaction has locked stays unread in this batch, and the
 * requests that need it are refused for now (batch.c).
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "accounting/concentrated.h"
#include "ledger/books.h"
#include "ledger/layout.h"
#include "ledger/renewal.h"
#include "ledger/tables.h"
#include "ledger/writing.h"

struct Books
{
	Writing    *writing;
	ResultRelInfo *accounts;
};

/* books_open: the table of accounts, for one transaction. */
Books *
books_open(Writing *writing)
{
	Books	   *books = palloc0(sizeof(Books));

	books->writing = writing;
	books->accounts = writing_open(writing, ledger_open("account", RowExclusiveLock));
	return books;
}

/*
 * books_account
 *		The account of a role on a population, or (InvalidOid) the cap of the population; NULL if there
 *		is none.
 *
 * Holder, population and place in the table are set; the rest is read by books_lock().
 */
Account *
books_account(Books *books, const NameData *population, Oid role)
{
	SysScanDesc scan = ledger_begin_account(books->accounts->ri_RelationDesc, population, role,
											books->writing->estate->es_snapshot);
	HeapTuple	tuple = systable_getnext(scan);
	Account    *account = NULL;

	if (HeapTupleIsValid(tuple))
	{
		account = palloc0(sizeof(Account));
		account->tid = tuple->t_self;
		account->role = role;
		account->population = *population;
	}
	systable_endscan(scan);
	return account;
}

/* A column that is never NULL; elog if it is. */
static Datum
column(TupleTableSlot *row, AttrNumber attno)
{
	if (row->tts_isnull[attno - 1])
		elog(ERROR, "an account lacks column %d", attno);
	return row->tts_values[attno - 1];
}

/* A limit that an account need not have: "otherwise" if it has none. */
static int64
optional(TupleTableSlot *row, AttrNumber attno, int64 otherwise)
{
	return row->tts_isnull[attno - 1] ? otherwise : DatumGetInt64(row->tts_values[attno - 1]);
}

/* A sum over the account's lifetime, or the largest int64 if it is greater than that. */
static int64
saturated(Datum sum)
{
	Datum		most = DirectFunctionCall1(int8_numeric, Int64GetDatum(PG_INT64_MAX));

	if (DatumGetBool(DirectFunctionCall2(numeric_gt, sum, most)))
		return PG_INT64_MAX;
	return DatumGetInt64(DirectFunctionCall1(numeric_int8, sum));
}

/*
 * Reads what is about rho.  An account that limits it pays releases with the part of its delta that
 * is not needed to say what rho means.
 */
static void
read_rho(Account *account)
{
	TupleTableSlot *row = account->row;

	account->rho_spent = DatumGetInt64(column(row, Anum_account_rho_spent));
	account->rho_lifetime = saturated(column(row, Anum_account_rho_lifetime));
	account->rho_limit = optional(row, Anum_account_rho_limit, 0);
	account->rho_lifetime_limit = optional(row, Anum_account_max_rho_lifetime, 0);
	account->concentrated = account->rho_limit > 0;
	if (account->concentrated)
	{
		account->conversion_delta = dp_rho_conversion_delta(account->delta_limit);
		account->delta_limit -= account->conversion_delta;
	}
}

/*
 * books_read
 *		Reads the row of an account; one whose renewal is due at that time is read as renewed.
 */
void
books_read(Account *account, TimestampTz now)
{
	TupleTableSlot *row = account->row;

	account->epsilon_limit = DatumGetInt64(column(row, Anum_account_epsilon_limit));
	account->epsilon_spent = DatumGetInt64(column(row, Anum_account_epsilon_spent));
	account->delta_limit = DatumGetInt64(column(row, Anum_account_delta_limit));
	account->delta_spent = DatumGetInt64(column(row, Anum_account_delta_spent));
	account->query_limit = optional(row, Anum_account_max_epsilon_per_query, -1);
	account->query_minimum = optional(row, Anum_account_min_epsilon_per_query, 0);
	account->release_limit = optional(row, Anum_account_max_releases, -1);
	account->releases_spent = DatumGetInt64(column(row, Anum_account_releases_spent));
	account->epsilon_lifetime = saturated(column(row, Anum_account_epsilon_lifetime));
	account->lifetime_limit = optional(row, Anum_account_max_epsilon_lifetime, -1);
	read_rho(account);
	account->renews_at = 0;
	if (row->tts_isnull[Anum_account_renews_at - 1])
		return;
	account->renews_at = DatumGetTimestampTz(column(row, Anum_account_renews_at));
	if (account->renews_at > now)
		return;
	account->epsilon_spent = 0;
	account->delta_spent = 0;
	account->rho_spent = 0;
	account->releases_spent = 0;
	account->renews_at = ledger_next_renewal(DatumGetTimestampTz(column(row, Anum_account_period_anchor)),
											 DatumGetIntervalP(column(row, Anum_account_period)),
											 now);
}

/*
 * Is the row that was locked still that account?  It is the latest version of the row,
 * which may be younger than the snapshot that found the account.
 */
static bool
is_account(const Account *account)
{
	return DatumGetObjectId(column(account->row, Anum_account_role)) == account->role &&
		strcmp(NameStr(*DatumGetName(column(account->row, Anum_account_population))),
			   NameStr(account->population)) == 0;
}

/*
 * books_lock
 *		Locks an account and reads it, unless this batch has tried already.
 *
 * account->locked tells whether it was read: not if another transaction holds the
 * row, or if the account is gone.  Returns whether it was read and has been changed since
 * the batch looked for accounts and for changes of them.
 */
bool
books_lock(Books *books, Account *account)
{
	if (account->row != NULL ||
		!writing_lock(books->writing, books->accounts, &account->tid, &account->row) ||
		!is_account(account))
		return false;
	account->locked = true;
	books_read(account, GetCurrentTransactionStartTimestamp());
	return !ItemPointerEquals(&account->row->tts_tid, &account->tid);
}

/* A sum over the account's lifetime, with what this batch adds. */
static Datum
add_to_lifetime(TupleTableSlot *row, AttrNumber attno, int64 charged)
{
	return DirectFunctionCall2(numeric_add, column(row, attno),
							   DirectFunctionCall1(int8_numeric, Int64GetDatum(charged)));
}

/*
 * books_charge
 *		Writes what an account has spent; it must have been locked.
 *
 * elog if a trigger keeps the row from being written: no release may go unpaid.
 */
void
books_charge(Books *books, Account *account)
{
	TupleTableSlot *row = account->row;
	TupleDesc	desc = row->tts_tupleDescriptor;
	TupleTableSlot *changed = writing_row(books->writing, books->accounts);
	Datum	   *values = changed->tts_values;

	memcpy(values, row->tts_values, desc->natts * sizeof(Datum));
	memcpy(changed->tts_isnull, row->tts_isnull, desc->natts * sizeof(bool));
	values[Anum_account_epsilon_spent - 1] = Int64GetDatum(account->epsilon_spent);
	values[Anum_account_delta_spent - 1] = Int64GetDatum(account->delta_spent);
	values[Anum_account_rho_spent - 1] = Int64GetDatum(account->rho_spent);
	values[Anum_account_releases_spent - 1] = Int64GetDatum(account->releases_spent);
	values[Anum_account_renews_at - 1] = TimestampTzGetDatum(account->renews_at);
	changed->tts_isnull[Anum_account_renews_at - 1] = account->renews_at == 0;
	values[Anum_account_epsilon_lifetime - 1] =
		add_to_lifetime(row, Anum_account_epsilon_lifetime, account->epsilon_charged);
	values[Anum_account_delta_lifetime - 1] =
		add_to_lifetime(row, Anum_account_delta_lifetime, account->delta_charged);
	values[Anum_account_rho_lifetime - 1] =
		add_to_lifetime(row, Anum_account_rho_lifetime, account->rho_charged);

	if (!writing_update(books->writing, books->accounts, row, changed))
		elog(ERROR, "account of role %u on population \"%s\" was not charged",
			 account->role, NameStr(account->population));
}
