/*
 * batch.c
 *		One transaction of the ledger: decides, charges and logs what waits.
 *
 * The requests of a batch are decided one after the other, in the order in
 * which they came.  The accounts a request pays from are locked when the first
 * one needs them and kept in memory from then on, so that each later request
 * sees what the earlier ones spent; at the end every account that was charged
 * is updated once.  A row that somebody else has locked is skipped, and only
 * the requests that need it are sent back.
 *
 * Nothing is answered before the commit has returned.  If the transaction
 * fails, the requests are tried again one by one, unless the reason lies in
 * the server: one that cannot be recorded must not take the others with it.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "accounting/units.h"
#include "ledger/ledger.h"
#include "ledger/protocol.h"

/* An account of this batch. */
typedef struct Account
{
	Oid			role;
	NameData	population;
	bool		locked;			/* false: somebody else holds the row */
	int64		epsilon_limit;
	int64		epsilon_spent;
	int64		delta_limit;
	int64		delta_spent;
	int64		query_limit;	/* -1: none */
	TimestampTz renews_at;		/* 0: never */
	int64		epsilon_charged;	/* in this batch */
	int64		delta_charged;
	bool		charged;
} Account;

/* The holders of accounts on a population. */
typedef struct Holders
{
	NameData	population;
	List	   *roles;
} Holders;

typedef struct Batch
{
	Oid			account_table;
	List	   *holders;
	List	   *accounts;
} Batch;

/* An account that has to pay a price. */
typedef struct Share
{
	Account    *account;
	LedgerPrice *price;
} Share;

/* Statements, prepared when first needed. */
typedef struct Statement
{
	const char *text;
	int			nargs;
	Oid			argtypes[12];
	SPIPlanPtr	plan;
} Statement;

static Statement lock_statement = {
	"SELECT a.epsilon_limit, a.delta_limit, a.max_epsilon_per_query,"
	" CASE WHEN a.renews_at <= now() THEN 0 ELSE a.epsilon_spent END,"
	" CASE WHEN a.renews_at <= now() THEN 0 ELSE a.delta_spent END,"
	" CASE WHEN a.renews_at <= now() THEN dp_agg.next_renewal(a.period_anchor, a.period, now())"
	" ELSE a.renews_at END"
	" FROM dp_agg.account a WHERE a.population = $1 AND a.role = $2"
	" FOR NO KEY UPDATE SKIP LOCKED",
	2, {NAMEOID, OIDOID}, NULL
};

static Statement update_statement = {
	"UPDATE dp_agg.account a SET epsilon_spent = $3, delta_spent = $4, renews_at = $5,"
	" epsilon_lifetime = a.epsilon_lifetime + $6, delta_lifetime = a.delta_lifetime + $7"
	" WHERE a.population = $1 AND a.role = $2",
	7, {NAMEOID, OIDOID, INT8OID, INT8OID, TIMESTAMPTZOID, INT8OID, INT8OID}, NULL
};

static Statement release_statement = {
	"INSERT INTO dp_agg.release (session_role, \"current_role\", population, relations, query,"
	" fingerprint, epsilon, delta, outputs, session_id, current_id, cluster)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
	12, {NAMEOID, NAMEOID, NAMEOID, TEXTOID, TEXTOID, BYTEAOID, INT8OID, INT8OID, TEXTOID,
	OIDOID, OIDOID, INT8OID}, NULL
};

static void
execute(Statement *statement, Datum *values, const char *nulls, int expected)
{
	int			result;

	if (statement->plan == NULL)
	{
		SPIPlanPtr	plan = SPI_prepare(statement->text, statement->nargs, statement->argtypes);

		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "could not prepare a statement of the ledger");
		statement->plan = plan;
	}
	result = SPI_execute_plan(statement->plan, values, nulls, false, 0);
	if (result != expected)
		elog(ERROR, "statement of the ledger returned %d", result);
}

static int64
fetch_int64(int column, int64 if_null)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &isnull);

	return isnull ? if_null : DatumGetInt64(value);
}

/* Locks the row of an account and reads it, as renewed if that is due. */
static void
lock_account(Account *account)
{
	Datum		values[2];

	values[0] = NameGetDatum(&account->population);
	values[1] = ObjectIdGetDatum(account->role);
	execute(&lock_statement, values, NULL, SPI_OK_SELECT);
	account->locked = SPI_processed == 1;
	if (account->locked)
	{
		account->epsilon_limit = fetch_int64(1, 0);
		account->delta_limit = fetch_int64(2, 0);
		account->query_limit = fetch_int64(3, -1);
		account->epsilon_spent = fetch_int64(4, 0);
		account->delta_spent = fetch_int64(5, 0);
		account->renews_at = fetch_int64(6, 0);
	}
	SPI_freetuptable(SPI_tuptable);
}

static Account *
get_account(Batch *batch, const char *population, Oid role)
{
	Account    *account;
	ListCell   *lc;

	foreach(lc, batch->accounts)
	{
		account = lfirst(lc);
		if (account->role == role && strcmp(NameStr(account->population), population) == 0)
			return account;
	}
	account = palloc0(sizeof(Account));
	account->role = role;
	namestrcpy(&account->population, population);
	lock_account(account);
	batch->accounts = lappend(batch->accounts, account);
	return account;
}

/* Roles that hold an account on the population, dropped ones left out. */
static List *
get_holders(Batch *batch, const char *population)
{
	Holders    *holders;
	ListCell   *lc;

	foreach(lc, batch->holders)
	{
		holders = lfirst(lc);
		if (strcmp(NameStr(holders->population), population) == 0)
			return holders->roles;
	}
	holders = palloc0(sizeof(Holders));
	namestrcpy(&holders->population, population);
	foreach(lc, ledger_account_roles(batch->account_table, population))
	{
		if (ledger_role_is_live(lfirst_oid(lc)))
			holders->roles = lappend_oid(holders->roles, lfirst_oid(lc));
	}
	batch->holders = lappend(batch->holders, holders);
	return holders->roles;
}

/*
 * The roles among the holders that one of the two users is, or belongs to.
 * One user after the other: the server remembers the memberships of one role
 * at a time.
 */
static List *
paying_roles(const LedgerRequest *request, List *holders)
{
	List	   *paying = NIL;
	ListCell   *lc;

	foreach(lc, holders)
	{
		if (is_member_of_role_nosuper(request->session_user, lfirst_oid(lc)))
			paying = lappend_oid(paying, lfirst_oid(lc));
	}
	if (request->current_user == request->session_user)
		return paying;
	foreach(lc, holders)
	{
		if (is_member_of_role_nosuper(request->current_user, lfirst_oid(lc)))
			paying = list_append_unique_oid(paying, lfirst_oid(lc));
	}
	return paying;
}

static void
set_verdict(LedgerAnswer *answer, LedgerVerdict verdict, const LedgerPrice *price)
{
	answer->verdict = verdict;
	answer->population = price->population;
	answer->epsilon = price->epsilon_nano;
	answer->delta = price->delta_atto;
}

/* Who pays what; false, with a verdict, if nobody may or a row is not to be had. */
static bool
find_shares(Batch *batch, LedgerRequest *request, LedgerMessage *message, List **shares)
{
	ListCell   *lc;

	*shares = NIL;
	foreach(lc, message->prices)
	{
		LedgerPrice *price = lfirst(lc);
		const char *population = NameStr(price->population);
		List	   *roles = paying_roles(request, get_holders(batch, population));
		ListCell   *role;

		if (roles == NIL && price->account_required)
		{
			set_verdict(&request->answer, LEDGER_NO_ACCOUNT, price);
			return false;
		}
		foreach(role, roles)
		{
			Share	   *share = palloc(sizeof(Share));

			share->price = price;
			share->account = get_account(batch, population, lfirst_oid(role));
			if (!share->account->locked)
			{
				set_verdict(&request->answer, LEDGER_BUSY, price);
				return false;
			}
			*shares = lappend(*shares, share);
		}
	}
	return true;
}

/* What is left, never negative: a limit may have been set below what is spent. */
static int64
left_of(int64 limit, int64 spent)
{
	return limit > spent ? limit - spent : 0;
}

/* Does this account refuse, and if so, more tightly than one before? */
static void
check_share(const Share *share, LedgerAnswer *answer)
{
	const Account *account = share->account;
	const LedgerPrice *price = share->price;
	int64		epsilon_left = left_of(account->epsilon_limit, account->epsilon_spent);
	int64		delta_left = left_of(account->delta_limit, account->delta_spent);
	LedgerVerdict verdict;

	if (account->query_limit >= 0 && price->epsilon_nano > account->query_limit)
		verdict = LEDGER_OVER_QUERY_LIMIT;
	else if (!dp_loss_fits(account->epsilon_limit, account->epsilon_spent, price->epsilon_nano) ||
			 !dp_loss_fits(account->delta_limit, account->delta_spent, price->delta_atto))
		verdict = LEDGER_EXHAUSTED;
	else
		return;

	if (answer->verdict == LEDGER_OVER_QUERY_LIMIT)
		return;
	if (answer->verdict == LEDGER_EXHAUSTED && verdict == LEDGER_EXHAUSTED &&
		answer->epsilon_left <= epsilon_left)
		return;
	set_verdict(answer, verdict, price);
	answer->role = account->role;
	answer->epsilon_left = epsilon_left;
	answer->delta_left = delta_left;
	answer->query_limit = account->query_limit;
	answer->renews_at = account->renews_at;
}

static void
charge_share(const Share *share)
{
	Account    *account = share->account;
	const LedgerPrice *price = share->price;

	account->charged = true;
	if (dp_loss_add(account->epsilon_spent, price->epsilon_nano, &account->epsilon_spent) != DP_OK ||
		dp_loss_add(account->delta_spent, price->delta_atto, &account->delta_spent) != DP_OK ||
		dp_loss_add(account->epsilon_charged, price->epsilon_nano, &account->epsilon_charged) != DP_OK ||
		dp_loss_add(account->delta_charged, price->delta_atto, &account->delta_charged) != DP_OK)
		elog(ERROR, "spending of an account is out of range");
}

static void
log_releases(LedgerRequest *request, LedgerMessage *message)
{
	bytea	   *fingerprint = palloc(VARHDRSZ + LEDGER_FINGERPRINT_SIZE);
	Datum		query = CStringGetTextDatum(message->query);
	ListCell   *lc;

	SET_VARSIZE(fingerprint, VARHDRSZ + LEDGER_FINGERPRINT_SIZE);
	memcpy(VARDATA(fingerprint), message->fingerprint, LEDGER_FINGERPRINT_SIZE);
	foreach(lc, message->items)
	{
		LedgerItem *item = lfirst(lc);
		Datum		values[12];

		values[0] = NameGetDatum(&message->session_name);
		values[1] = NameGetDatum(&message->current_name);
		values[2] = NameGetDatum(&item->population);
		values[3] = CStringGetTextDatum(item->relations);
		values[4] = query;
		values[5] = PointerGetDatum(fingerprint);
		values[6] = Int64GetDatum(item->epsilon_nano);
		values[7] = Int64GetDatum(item->delta_atto);
		values[8] = CStringGetTextDatum(item->outputs);
		values[9] = ObjectIdGetDatum(request->session_user);
		values[10] = ObjectIdGetDatum(request->current_user);
		values[11] = Int64GetDatum((int64) GetSystemIdentifier());
		execute(&release_statement, values, NULL, SPI_OK_INSERT);
	}
}

/* All of a request, or nothing. */
static void
settle_request(Batch *batch, LedgerRequest *request)
{
	LedgerMessage message;
	List	   *shares;
	ListCell   *lc;

	memset(&request->answer, 0, sizeof(request->answer));
	ledger_message_read(request->payload, request->length, &message);
	if (!find_shares(batch, request, &message, &shares))
		return;
	foreach(lc, shares)
		check_share(lfirst(lc), &request->answer);
	if (request->answer.verdict != LEDGER_UNDECIDED)
		return;
	foreach(lc, shares)
		charge_share(lfirst(lc));
	log_releases(request, &message);
	request->answer.verdict = LEDGER_PAID;
}

static void
write_account(const Account *account)
{
	Datum		values[7];
	char		nulls[] = "       ";

	values[0] = NameGetDatum(&account->population);
	values[1] = ObjectIdGetDatum(account->role);
	values[2] = Int64GetDatum(account->epsilon_spent);
	values[3] = Int64GetDatum(account->delta_spent);
	values[4] = TimestampTzGetDatum(account->renews_at);
	if (account->renews_at == 0)
		nulls[4] = 'n';
	values[5] = Int64GetDatum(account->epsilon_charged);
	values[6] = Int64GetDatum(account->delta_charged);
	execute(&update_statement, values, nulls, SPI_OK_UPDATE);
	if (SPI_processed != 1)
		elog(ERROR, "account of role %u on population \"%s\" was not charged",
			 account->role, NameStr(account->population));
}

static Oid
table_owner(Oid table)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", table);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/*
 * The statements of a batch, as the owner of the tables: a trigger that was put
 * on them must not run as the superuser this worker is.
 */
static void
settle_as_owner(LedgerRequest *requests, int n, Oid account_table)
{
	Batch		batch = {.account_table = account_table};
	Oid			save_user;
	int			save_context;
	ListCell   *lc;

	GetUserIdAndSecContext(&save_user, &save_context);
	SetUserIdAndSecContext(table_owner(account_table),
						   save_context | SECURITY_RESTRICTED_OPERATION);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	for (int i = 0; i < n; i++)
		settle_request(&batch, &requests[i]);
	foreach(lc, batch.accounts)
	{
		if (((Account *) lfirst(lc))->charged)
			write_account(lfirst(lc));
	}
	SPI_finish();
	SetUserIdAndSecContext(save_user, save_context);
}

static void
set_all(LedgerRequest *requests, int n, LedgerVerdict verdict)
{
	for (int i = 0; i < n; i++)
	{
		memset(&requests[i].answer, 0, sizeof(requests[i].answer));
		requests[i].answer.verdict = verdict;
	}
}

static void
settle_requests(LedgerRequest *requests, int n)
{
	Oid			account_table = ledger_table("account");

	if (OidIsValid(account_table) && OidIsValid(ledger_table("release")))
		settle_as_owner(requests, n, account_table);
	else
		set_all(requests, n, LEDGER_NOT_INSTALLED);
}

/* Is it worth trying the requests one by one after this error? */
static bool
may_be_one_request(int sqlerrcode)
{
	int			category = ERRCODE_TO_CATEGORY(sqlerrcode);

	return category != ERRCODE_INSUFFICIENT_RESOURCES &&
		category != ERRCODE_TO_CATEGORY(ERRCODE_SYSTEM_ERROR) &&
		category != ERRCODE_TO_CATEGORY(ERRCODE_OPERATOR_INTERVENTION) &&
		sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE &&
		sqlerrcode != ERRCODE_READ_ONLY_SQL_TRANSACTION;
}

/*
 * One transaction.  If it fails, all its requests have failed, and *retry says
 * whether it makes sense to try them one by one.  The time that the commit took
 * is added to *commit_us.
 */
static bool
run_transaction(LedgerRequest *requests, int n, bool *retry, int64 *commit_us)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool committing = false;
	volatile bool done = false;

	PG_TRY();
	{
		SetCurrentStatementStartTimestamp();
		StartTransactionCommand();
		PushActiveSnapshot(GetTransactionSnapshot());
		settle_requests(requests, n);
		PopActiveSnapshot();
		committing = true;
		*commit_us -= GetCurrentTimestamp();
		CommitTransactionCommand();
		*commit_us += GetCurrentTimestamp();
		done = true;
	}
	PG_CATCH();
	{
		int			sqlerrcode = geterrcode();

		HOLD_INTERRUPTS();
		EmitErrorReport();
		AbortCurrentTransaction();
		FlushErrorState();
		set_all(requests, n, sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE ? LEDGER_BUSY : LEDGER_FAILED);
		*retry = !committing && may_be_one_request(sqlerrcode);
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	if (!done && committing)
		*commit_us = 0;
	MemoryContextSwitchTo(context);
	return done;
}

/*
 * ledger_batch_run
 *		Decides n requests, charges and logs those that are granted, and sets the
 *		answer of each.  What is answered LEDGER_PAID is on disk.
 *
 * Returns how many microseconds the commits took.
 */
int64
ledger_batch_run(LedgerRequest *requests, int n)
{
	int64		commit_us = 0;
	bool		retry = false;

	if (run_transaction(requests, n, &retry, &commit_us) || n == 1 || !retry)
		return commit_us;
	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		(void) run_transaction(&requests[i], 1, &retry, &commit_us);
	}
	return commit_us;
}
