/*
 * batch.c
 *		One transaction of the ledger: decides, charges and logs the requests of a batch.
 *
 * The requests are decided one after the other, in the order in which they came.
 * An account is locked and read when the first request pays from it, and kept in
 * memory from then on, so that later requests see what earlier ones spent.  At the
 * end every account that was charged is updated once.  A row that another
 * transaction has locked is left alone, and only the requests that need it are
 * answered LEDGER_BUSY: their backends ask again.
 *
 * Nothing is answered before the commit has returned.  If the transaction fails,
 * the requests are tried again one by one, so that one that cannot be recorded
 * does not take the others with it; if the reason lies in the server, that would
 * help none of them.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "accounting/units.h"
#include "core/owner.h"
#include "ledger/account.h"
#include "ledger/batch.h"
#include "ledger/books.h"
#include "ledger/entries.h"
#include "ledger/message.h"
#include "ledger/protocol.h"
#include "ledger/tables.h"
#include "ledger/writing.h"
#include "mechanism/status.h"
#include "policy/extension.h"
#include "tier/grade.h"

/* The accounts on a population, those of dropped roles left out. */
typedef struct Population
{
	NameData	name;
	List	   *accounts;
} Population;

/* What the requests of one transaction share. */
typedef struct Batch
{
	Writing    *writing;		/* the tables, open for this transaction */
	Books	   *books;			/* the accounts, open for this transaction */
	Entries    *entries;		/* the log, open for this transaction */
	List	   *populations;	/* of Population: those that any request has asked for */
	bool		overtaken;		/* an account was changed since changes were last chained */
} Batch;

/* One account and the price that it has to pay for one request. */
typedef struct Share
{
	Account    *account;
	LedgerPrice *price;
} Share;

/* The accounts on a population, looked up once in a batch. */
static List *
get_accounts(Batch *batch, const NameData *name)
{
	Population *population;
	ListCell   *lc;

	foreach(lc, batch->populations)
	{
		population = lfirst(lc);
		if (strcmp(NameStr(population->name), NameStr(*name)) == 0)
			return population->accounts;
	}
	population = palloc0(sizeof(Population));
	population->name = *name;
	foreach(lc, books_accounts(batch->books, name))
	{
		Account    *account = lfirst(lc);

		if (ledger_role_is_live(account->role))
			population->accounts = lappend(population->accounts, account);
	}
	batch->populations = lappend(batch->populations, population);
	return population->accounts;
}

/*
 * The accounts that the session user or the current user holds, or a role that either
 * may act as.  All accounts are tried for one user and then for the other, because the
 * server caches the memberships of one role at a time (roles_is_member_of() in acl.c).
 */
static List *
paying_accounts(const LedgerRequest *request, List *accounts)
{
	List	   *paying = NIL;
	ListCell   *lc;

	foreach(lc, accounts)
	{
		Account    *account = lfirst(lc);

		if (ledger_acts_as(request->session_user, account->role))
			paying = lappend(paying, account);
	}
	if (request->current_user == request->session_user)
		return paying;
	foreach(lc, accounts)
	{
		Account    *account = lfirst(lc);

		if (ledger_acts_as(request->current_user, account->role))
			paying = list_append_unique_ptr(paying, account);
	}
	return paying;
}

/* Sets a verdict about the price on one population. */
static void
set_verdict(LedgerAnswer *answer, LedgerVerdict verdict, const LedgerPrice *price)
{
	answer->verdict = verdict;
	answer->population = price->population;
	answer->epsilon = price->epsilon_nano;
	answer->delta = price->delta_atto;
}

/*
 * Who pays what: a list of Share in *shares.  False, with a verdict in the answer, if
 * an account is required and there is none (LEDGER_NO_ACCOUNT), or if the row of one
 * could not be locked at once (LEDGER_BUSY).
 *
 * An account that was changed since the batch began is locked now, so that what waits for
 * the chain has that change, and none of the account can follow.  It is chained before the
 * charge.
 */
static bool
find_shares(Batch *batch, LedgerRequest *request, LedgerMessage *message, List **shares)
{
	ListCell   *lc;

	*shares = NIL;
	foreach(lc, message->prices)
	{
		LedgerPrice *price = lfirst(lc);
		List	   *accounts = paying_accounts(request, get_accounts(batch, &price->population));
		ListCell   *account;

		if (accounts == NIL && price->account_required)
		{
			set_verdict(&request->answer, LEDGER_NO_ACCOUNT, price);
			return false;
		}
		foreach(account, accounts)
		{
			Share	   *share = palloc(sizeof(Share));

			share->price = price;
			share->account = lfirst(account);
			batch->overtaken |= books_lock(batch->books, share->account);
			if (!share->account->locked)
			{
				set_verdict(&request->answer, LEDGER_BUSY, price);
				return false;
			}
			*shares = lappend(*shares, share);
		}
	}
	if (batch->overtaken)
	{
		writing_renew(batch->writing);
		entries_add_changes(batch->entries);
		batch->overtaken = false;
	}
	return true;
}

/* What is left of a limit, at least 0: a limit may have been set below what is spent. */
static int64
left_of(int64 limit, int64 spent)
{
	return limit > spent ? limit - spent : 0;
}

/* The least epsilon, in nano-epsilon, of a release that this account pays. */
static int64
least_of(const Share *share)
{
	return Max(share->account->query_minimum, share->price->least_epsilon);
}

/* Why this account refuses its share, or LEDGER_UNDECIDED if it does not. */
static LedgerVerdict
judge_share(const Share *share)
{
	const Account *account = share->account;
	const LedgerPrice *price = share->price;

	if (account->query_limit >= 0 && price->epsilon_nano > account->query_limit)
		return LEDGER_OVER_QUERY_LIMIT;
	if (price->cheapest < least_of(share))
		return LEDGER_UNDER_QUERY_MINIMUM;
	if (account->release_limit >= 0 &&
		!dp_loss_fits(account->release_limit, account->releases_spent, price->releases))
		return LEDGER_RELEASES_EXHAUSTED;
	if (!dp_loss_fits(account->epsilon_limit, account->epsilon_spent, price->epsilon_nano) ||
		!dp_loss_fits(account->delta_limit, account->delta_spent, price->delta_atto))
		return LEDGER_EXHAUSTED;
	return LEDGER_UNDECIDED;
}

/*
 * How much a refusal matters: if several accounts refuse, the client is told the greatest.
 * What neither waiting nor a renewal mends comes first.
 */
static int
weight(LedgerVerdict verdict)
{
	switch (verdict)
	{
		case LEDGER_OVER_QUERY_LIMIT:
		case LEDGER_UNDER_QUERY_MINIMUM:
			return 3;
		case LEDGER_RELEASES_EXHAUSTED:
			return 2;
		case LEDGER_EXHAUSTED:
			return 1;
		default:
			return 0;
	}
}

/*
 * Puts the refusal of this account, if it refuses, into the answer, unless one that
 * matters as much or more is there.  Of exhausted accounts the one with the least epsilon
 * left is kept.
 */
static void
check_share(const Share *share, LedgerAnswer *answer)
{
	const Account *account = share->account;
	const LedgerPrice *price = share->price;
	int64		epsilon_left = left_of(account->epsilon_limit, account->epsilon_spent);
	LedgerVerdict verdict = judge_share(share);

	if (weight(verdict) < weight(answer->verdict) ||
		(weight(verdict) == weight(answer->verdict) &&
		 (verdict != LEDGER_EXHAUSTED || answer->epsilon_left <= epsilon_left)))
		return;
	set_verdict(answer, verdict, price);
	answer->role = account->role;
	answer->epsilon_left = epsilon_left;
	answer->delta_left = left_of(account->delta_limit, account->delta_spent);
	answer->query_limit = account->query_limit;
	answer->cheapest = price->cheapest;
	answer->least_epsilon = least_of(share);
	answer->releases = price->releases;
	answer->release_limit = account->release_limit;
	answer->releases_left = left_of(account->release_limit, account->releases_spent);
	answer->renews_at = account->renews_at;
}

/* Adds the price to what the account has spent, in memory. */
static void
charge_share(const Share *share)
{
	Account    *account = share->account;
	const LedgerPrice *price = share->price;

	account->charged = true;
	if (dp_loss_add(account->epsilon_spent, price->epsilon_nano, &account->epsilon_spent) != DP_OK ||
		dp_loss_add(account->delta_spent, price->delta_atto, &account->delta_spent) != DP_OK ||
		dp_loss_add(account->epsilon_charged, price->epsilon_nano, &account->epsilon_charged) != DP_OK ||
		dp_loss_add(account->delta_charged, price->delta_atto, &account->delta_charged) != DP_OK ||
		dp_loss_add(account->releases_spent, price->releases, &account->releases_spent) != DP_OK)
		elog(ERROR, "spending of an account is out of range");
}

/* Epsilon that an account has spent in its lifetime, this batch included; saturated. */
static int64
lifetime_of(const Account *account)
{
	int64		sum;

	if (dp_loss_add(account->epsilon_lifetime, account->epsilon_charged, &sum) != DP_OK)
		return PG_INT64_MAX;
	return sum;
}

/* Are these the prices and the item of one population? */
static bool
pays_for(const Share *share, const LedgerItem *item)
{
	return strcmp(NameStr(share->price->population), NameStr(item->population)) == 0;
}

/*
 * Logs a release that was paid for.  Its tier is raised if an account that has paid has
 * spent much in its lifetime, and the client is told so.
 */
static void
log_release(Batch *batch, LedgerRequest *request, LedgerMessage *message, LedgerItem *item,
			List *shares)
{
	StringInfoData accounts;
	ListCell   *lc;

	initStringInfo(&accounts);
	foreach(lc, shares)
	{
		Share	   *share = lfirst(lc);

		if (!pays_for(share, item))
			continue;
		appendStringInfo(&accounts, "%s%u", accounts.len > 0 ? " " : "", share->account->role);
		if (lifetime_of(share->account) > item->lifetime_limit)
		{
			item->codes |= TIER_BIT(TIER_LARGE_LIFETIME);
			request->answer.long_spent |= ledger_population_bit(message->prices, &item->population);
		}
	}
	entries_add_release(batch->entries, request, message, item, accounts.data);
}

/* Logs all of a request. */
static void
log_request(Batch *batch, LedgerRequest *request, LedgerMessage *message, List *shares)
{
	ListCell   *lc;

	foreach(lc, message->items)
		log_release(batch, request, message, lfirst(lc), shares);
	foreach(lc, message->reads)
		entries_add_read(batch->entries, request, message, lfirst(lc));
}

/* Decides one request: all of its accounts pay, and all of it is logged, or none. */
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
	if ((message.items != NIL || message.reads != NIL) && !entries_lock(batch->entries))
	{
		request->answer.verdict = LEDGER_BUSY;
		return;
	}
	foreach(lc, shares)
		charge_share(lfirst(lc));
	log_request(batch, request, &message, shares);
	request->answer.verdict = LEDGER_PAID;
}

static void
charge_accounts(Batch *batch)
{
	ListCell   *lp;
	ListCell   *la;

	foreach(lp, batch->populations)
	{
		foreach(la, ((Population *) lfirst(lp))->accounts)
		{
			Account    *account = lfirst(la);

			if (account->charged)
				books_charge(batch->books, account);
		}
	}
}

/*
 * Decides the requests and writes the tables, as the owner of these: a trigger that
 * was put on them must not run as the superuser that this worker is.
 */
static void
settle_as_owner(LedgerRequest *requests, int n, Oid account_table)
{
	Batch		batch = {0};
	Writing    *writing;
	Oid			save_user;
	int			save_context;

	GetUserIdAndSecContext(&save_user, &save_context);
	SetUserIdAndSecContext(relation_owner(account_table),
						   save_context | SECURITY_RESTRICTED_OPERATION);
	writing = writing_begin();
	batch.writing = writing;
	batch.books = books_open(writing);
	batch.entries = entries_open(writing);
	entries_add_changes(batch.entries);
	for (int i = 0; i < n; i++)
		settle_request(&batch, &requests[i]);
	charge_accounts(&batch);
	entries_close(batch.entries);
	writing_end(writing);
	SetUserIdAndSecContext(save_user, save_context);
}

/* Gives all requests the same verdict. */
static void
set_all(LedgerRequest *requests, int n, LedgerVerdict verdict)
{
	for (int i = 0; i < n; i++)
	{
		memset(&requests[i].answer, 0, sizeof(requests[i].answer));
		requests[i].answer.verdict = verdict;
	}
}

/*
 * Does a subscription write tables of the ledger?  Entries of our own would fork the chain that
 * it carries, and what is charged here would be overwritten by the accounts of the publisher.
 */
static bool
is_copy(void)
{
	static const char *const tables[] = {"account", "release", "raw_read", "account_change",
		"account_change_waiting", "ledger_head"};

	for (int i = 0; i < (int) lengthof(tables); i++)
	{
		CatCList   *found = SearchSysCacheList1(SUBSCRIPTIONRELMAP,
												ObjectIdGetDatum(ledger_table(tables[i])));
		bool		any = found->n_members > 0;

		ReleaseSysCacheList(found);
		if (any)
			return true;
	}
	return false;
}

/* Decides the requests, if the extension is installed in this database and the ledger its own. */
static void
settle_requests(LedgerRequest *requests, int n)
{
	Oid			account_table = ledger_table("account");

	extension_check_version();
	if (!OidIsValid(account_table) || !OidIsValid(ledger_table("release")))
		set_all(requests, n, LEDGER_NOT_INSTALLED);
	else if (is_copy())
		set_all(requests, n, LEDGER_IS_COPY);
	else
		settle_as_owner(requests, n, account_table);
}

/*
 * May the error be about one request, so that it is worth trying them one by one?
 * What the server lacks or forbids would fail for each of them.
 */
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
 * Runs one transaction.  If it fails, false is returned, all its requests have failed,
 * and *retry says whether it makes sense to try them one by one: never if the commit
 * had begun, which may have been written.  The time that the commit took is added to
 * *commit_us.
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
 *		Decides n requests (1 .. LEDGER_BATCH_MAX), charges and logs those that are
 *		granted, and sets the answer of each.  What is answered LEDGER_PAID is on disk.
 *
 * Returns the time that the commits took, in microseconds.  Errors do not leave this
 * function: they are written to the server log, and answered LEDGER_FAILED or
 * LEDGER_BUSY.
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
