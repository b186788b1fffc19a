/*
 * preview.c
 *		What accounts would have left after a statement, and whether they could pay it.
 *
 * The worker's own judgement (shares.c) of accounts as they are committed, without locks, and
 * written nowhere.  Who may know: a client sees the accounts that it pays from, and the cap of the
 * population if it has an account there, as in dp_agg.my_budget and dp_agg.population_caps; another client only
 * that a cap refuses, which it would be told by asking.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "accounting/concentrated.h"
#include "accounting/units.h"
#include "ledger/account.h"
#include "ledger/books.h"
#include "ledger/layout.h"
#include "ledger/message.h"
#include "ledger/preview.h"
#include "ledger/protocol.h"
#include "ledger/refusal.h"
#include "ledger/shares.h"
#include "ledger/tables.h"
#include "mechanism/status.h"

/* What an account does about its share of a statement. */
typedef struct Judgement
{
	Share		share;
	LedgerAnswer answer;		/* LEDGER_UNDECIDED: it can pay */
} Judgement;

/* The account of a role on a population, or (InvalidOid) its cap, as it is committed; NULL if there is none. */
static Account *
look_up(Relation rel, const NameData *population, Oid role)
{
	SysScanDesc scan = ledger_begin_account(rel, population, role, NULL);
	HeapTuple	tuple = systable_getnext(scan);
	Account    *account = NULL;

	if (HeapTupleIsValid(tuple) && (!OidIsValid(role) || ledger_role_is_live(role)))
	{
		account = palloc0(sizeof(Account));
		account->role = role;
		account->population = *population;
		account->row = MakeSingleTupleTableSlot(RelationGetDescr(rel), &TTSOpsHeapTuple);
		ExecStoreHeapTuple(heap_copytuple(tuple), account->row, true);
		slot_getallattrs(account->row);
		books_read(account, GetCurrentTimestamp());
	}
	systable_endscan(scan);
	return account;
}

/* What an account says to a price. */
static Judgement *
judge(Account *account, LedgerPrice *price)
{
	Judgement  *result = palloc0(sizeof(Judgement));

	result->share.account = account;
	result->share.price = price;
	if (account == NULL)
		share_set_verdict(&result->answer, LEDGER_NO_ACCOUNT, price);
	else
		share_check(&result->share, &result->answer);
	return result;
}

/* What all accounts that the client may know of say to a price on one population. */
static List *
judge_price(Relation rel, LedgerPrice *price)
{
	List	   *result = NIL;
	Account    *account;
	Judgement  *cap;
	ListCell   *lc;

	foreach(lc, ledger_acting_roles(GetSessionUserId(), GetUserId()))
	{
		if ((account = look_up(rel, &price->population, lfirst_oid(lc))) != NULL)
			result = lappend(result, judge(account, price));
	}
	if (result == NIL && price->account_required)
		result = list_make1(judge(NULL, price));
	if ((account = look_up(rel, &price->population, InvalidOid)) == NULL)
		return result;
	cap = judge(account, price);
	if (result != NIL || superuser() || cap->answer.verdict != LEDGER_UNDECIDED)
		result = lappend(result, cap);
	return result;
}

/*
 * What a client is told of a refusal: message and detail.  Nothing but texts is made between the error and
 * its end here.
 */
static char *
refusal_text(const LedgerAnswer *answer)
{
	MemoryContext context = CurrentMemoryContext;
	ErrorData  *volatile error = NULL;

	PG_TRY();
	{
		ledger_report_refusal(answer);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	return psprintf("%s: %s%s%s", unpack_sql_state(error->sqlerrcode), error->message,
					error->detail != NULL ? ". " : "", error->detail != NULL ? error->detail : "");
}

/* Epsilon that is left of an account that adds up rho: of its limit, less what is spent means. */
static int64
concentrated_left(const Account *account)
{
	int64		spent = 0;

	if (account->rho_spent > 0 &&
		dp_rho_to_epsilon(account->rho_spent, account->conversion_delta, &spent) != DP_OK)
		return 0;
	return dp_loss_left(account->epsilon_limit, spent);
}

/* Delta that is left, of an account that adds up rho without what rho means it at, once any is spent. */
static int64
delta_left(const Account *account)
{
	int64		limit = account->delta_limit;

	if (account->concentrated && account->rho_spent == 0)
		limit += account->conversion_delta;
	return dp_loss_left(limit, account->delta_spent);
}

/* What becomes of an account; paid: all accounts pay the statement. */
static LedgerPreview *
preview(Judgement *judgement, bool paid)
{
	Account    *account = judgement->share.account;
	const LedgerPrice *price = judgement->share.price;
	LedgerPreview *result = palloc0(sizeof(LedgerPreview));

	result->population = price->population;
	result->epsilon_nano = price->epsilon_nano;
	result->delta_atto = price->delta_atto;
	result->releases_left = result->query_limit = -1;
	if (judgement->answer.verdict != LEDGER_UNDECIDED)
		result->refusal = refusal_text(&judgement->answer);
	if (account == NULL)
		return result;
	if (paid)
		share_charge(&judgement->share);
	result->exists = true;
	result->role = account->role;
	result->concentrated = account->concentrated;
	result->rho_pico = price->rho_pico;
	result->epsilon_left = account->concentrated ? concentrated_left(account) :
		dp_loss_left(account->epsilon_limit, account->epsilon_spent);
	result->delta_left = delta_left(account);
	result->rho_left = dp_loss_left(account->rho_limit, account->rho_spent);
	if (account->release_limit >= 0)
		result->releases_left = dp_loss_left(account->release_limit, account->releases_spent);
	result->query_limit = account->query_limit;
	result->renews_at = account->renews_at;
	ExecDropSingleTupleTableSlot(account->row);
	return result;
}

/*
 * ledger_preview
 *		What the accounts of this session say to a statement: a list of LedgerPreview, of a list of
 *		LedgerItem.  Nothing is charged, and no worker asked.
 *
 * Errors: those of ledger_message_build().
 */
List *
ledger_preview(List *items, const char *query_text)
{
	StringInfoData payload;
	List	   *prices;
	Relation	rel = ledger_open("account", AccessShareLock);
	List	   *judgements = NIL;
	List	   *result = NIL;
	bool		paid = true;
	ListCell   *lc;

	initStringInfo(&payload);
	prices = ledger_message_build(&payload, items, NIL, NULL, query_text);
	foreach(lc, prices)
		judgements = list_concat(judgements, judge_price(rel, lfirst(lc)));
	foreach(lc, judgements)
		paid = paid && ((Judgement *) lfirst(lc))->answer.verdict == LEDGER_UNDECIDED;
	foreach(lc, judgements)
		result = lappend(result, preview(lfirst(lc), paid));
	table_close(rel, AccessShareLock);
	return result;
}
