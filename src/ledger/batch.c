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
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "core/owner.h"
#include "ledger/account.h"
#include "ledger/answers.h"
#include "ledger/batch.h"
#include "ledger/books.h"
#include "ledger/entries.h"
#include "ledger/message.h"
#include "ledger/protocol.h"
#include "ledger/shares.h"
#include "ledger/step.h"
#include "ledger/tables.h"
#include "ledger/writing.h"
#include "policy/extension.h"
#include "tier/grade.h"

/* What the requests of one transaction share. */
typedef struct Batch
{
	Writing    *writing;		/* the tables, open for this transaction */
	Books	   *books;			/* the accounts, open for this transaction */
	Entries    *entries;		/* the log, open for this transaction */
	List	   *accounts;		/* of Account: those that any request has asked for */
	bool		overtaken;		/* an account was changed since changes were last chained */
	bool		durable;		/* something was written that must outlive a crash from now on */
} Batch;

/*
 * The account of a role on a population, looked up once in a batch; NULL if there is none, or if the
 * role is gone.  That of no role is the cap of the population.
 */
static Account *
get_account(Batch *batch, const NameData *population, Oid role)
{
	Account    *account;
	ListCell   *lc;

	foreach(lc, batch->accounts)
	{
		account = lfirst(lc);
		if (account->role == role &&
			strcmp(NameStr(account->population), NameStr(*population)) == 0)
			return account;
	}
	if (OidIsValid(role) && !ledger_role_is_live(role))
		return NULL;
	account = books_account(batch->books, population, role);
	if (account != NULL)
		batch->accounts = lappend(batch->accounts, account);
	return account;
}

/* The accounts on a population that some roles have. */
static List *
accounts_of(Batch *batch, const NameData *population, List *roles)
{
	List	   *accounts = NIL;
	ListCell   *lc;

	foreach(lc, roles)
	{
		Account    *account = get_account(batch, population, lfirst_oid(lc));

		if (account != NULL)
			accounts = lappend(accounts, account);
	}
	return accounts;
}

/* May these accounts pay this price?  What costs rho, only those that add rho up. */
static bool
may_pay(const LedgerPrice *price, List *accounts)
{
	ListCell   *lc;

	if (!price->concentrated)
		return true;
	foreach(lc, accounts)
	{
		if (!((Account *) lfirst(lc))->concentrated)
			return false;
	}
	return accounts != NIL;
}

/*
 * Who pays what: a list of Share in *shares.  Whoever pays, the cap of the population, if it has one,
 * pays as well.  False, with a verdict in the answer, if
 * an account is required and there is none (LEDGER_NO_ACCOUNT), if one cannot pay what costs
 * rho (LEDGER_NOT_CONCENTRATED), or if the row of one
 * could not be locked at once (LEDGER_BUSY).
 *
 * An account that was changed since the batch began is locked now, so that what waits for
 * the chain has that change, and none of the account can follow.  It is chained before the
 * charge.
 */
static bool
find_shares(Batch *batch, LedgerRequest *request, LedgerMessage *message, List **shares)
{
	List	   *roles = ledger_acting_roles(request->session_user, request->current_user);
	ListCell   *lc;

	*shares = NIL;
	foreach(lc, message->prices)
	{
		LedgerPrice *price = lfirst(lc);
		List	   *accounts = accounts_of(batch, &price->population, roles);
		ListCell   *account;

		if (accounts == NIL && price->account_required)
		{
			share_set_verdict(&request->answer, LEDGER_NO_ACCOUNT, price);
			return false;
		}
		if (price->releases == 0)
			continue;			/* answers handed out again cost nothing */
		accounts = list_concat(accounts, accounts_of(batch, &price->population, list_make1_oid(InvalidOid)));
		foreach(account, accounts)
		{
			Share	   *share = palloc(sizeof(Share));

			share->price = price;
			share->account = lfirst(account);
			batch->overtaken |= books_lock(batch->books, share->account);
			if (!share->account->locked)
			{
				share_set_verdict(&request->answer, LEDGER_BUSY, price);
				return false;
			}
			*shares = lappend(*shares, share);
		}
		if (!may_pay(price, accounts))
		{
			share_set_verdict(&request->answer, LEDGER_NOT_CONCENTRATED, price);
			return false;
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

		if (item->reused || !pays_for(share, item))
			continue;
		appendStringInfo(&accounts, "%s%u", accounts.len > 0 ? " " : "", share->account->role);
		if (share->account->role != InvalidOid && share_lifetime(share) > item->lifetime_limit)
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

/*
 * Must what is written for a request be on disk before it is answered?  That an answer was handed out
 * again takes nothing from anybody, and one that is lost is drawn and paid for once more.
 */
static bool
is_due_on_disk(const LedgerMessage *message)
{
	ListCell   *lc;

	foreach(lc, message->prices)
	{
		if (((LedgerPrice *) lfirst(lc))->releases > 0)
			return true;
	}
	return message->reads != NIL;
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
		share_check(lfirst(lc), &request->answer);
	if (request->answer.verdict != LEDGER_UNDECIDED)
		return;
	if ((message.items != NIL || message.reads != NIL) && !entries_lock(batch->entries))
	{
		request->answer.verdict = LEDGER_BUSY;
		return;
	}
	ledger_step("locked");
	foreach(lc, shares)
		share_charge(lfirst(lc));
	log_request(batch, request, &message, shares);
	if (message.keep != NULL)
		answers_keep(batch->writing, message.keep);
	batch->durable |= is_due_on_disk(&message);
	request->answer.verdict = LEDGER_PAID;
}

static void
charge_accounts(Batch *batch)
{
	ListCell   *lc;

	foreach(lc, batch->accounts)
	{
		Account    *account = lfirst(lc);

		if (account->charged)
			books_charge(batch->books, account);
	}
}

/*
 * Decides the requests and writes the tables, as the owner of these: a trigger that
 * was put on them must not run as the superuser that this worker is.  The commit is waited for only where
 * something must be on disk.
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
	ledger_step("logged");
	charge_accounts(&batch);
	ledger_step("charged");
	batch.durable |= entries_have_changes(batch.entries);
	entries_close(batch.entries);
	ledger_step("chained");
	writing_end(writing);
	if (!batch.durable)
		(void) set_config_option("synchronous_commit", "off", PGC_SUSET, PGC_S_SESSION,
								 GUC_ACTION_LOCAL, true, 0, false);
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
		"account_change_waiting", "ledger_head", "ledger_archive"};

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
		ledger_step("committing");
		*commit_us -= GetCurrentTimestamp();
		CommitTransactionCommand();
		*commit_us += GetCurrentTimestamp();
		ledger_step("committed");
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
