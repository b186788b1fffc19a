/*
 * shares.c
 *		Can an account pay its share of a request, and what has it spent then?
 *
 * An account adds up epsilon (accountant "pure") or rho ("zcdp": see
 * accounting/concentrated.c), and refuses what would take the sum past its limit: a privacy
 * filter, which holds for requests that depend on the answers to earlier ones (Rogers, Roth,
 * Ullman and Vadhan 2016 for epsilon; Whitehouse, Ramdas, Rogers and Wu 2023 for rho).  Delta
 * adds up under both.  Under zcdp a part of it is that at which rho means an epsilon, and only
 * the rest is there to be paid with.
 *
 * Both sums are kept under both, so that an account whose accountant is changed has spent what it
 * has spent.
 */
#include "postgres.h"

#include "accounting/concentrated.h"
#include "accounting/units.h"
#include "ledger/shares.h"
#include "mechanism/status.h"

/* share_set_verdict: a verdict about the price on one population. */
void
share_set_verdict(LedgerAnswer *answer, LedgerVerdict verdict, const LedgerPrice *price)
{
	answer->verdict = verdict;
	answer->population = price->population;
	answer->epsilon = price->epsilon_nano;
	answer->delta = price->delta_atto;
	answer->rho = price->rho_pico;
}

/* The least epsilon, in nano-epsilon, of a release that this account pays. */
static int64
least_of(const Share *share)
{
	return Max(share->account->query_minimum, share->price->least_epsilon);
}

/* Is there room for the share in all periods together? */
static bool
fits_lifetime(const Share *share)
{
	const Account *account = share->account;
	const LedgerPrice *price = share->price;

	if (account->lifetime_limit < 0)
		return true;
	if (account->concentrated)
		return dp_loss_fits(account->rho_lifetime_limit,
							dp_loss_add_saturated(account->rho_lifetime, account->rho_charged), price->rho_pico);
	return dp_loss_fits(account->lifetime_limit,
						dp_loss_add_saturated(account->epsilon_lifetime, account->epsilon_charged),
						price->epsilon_nano);
}

/* Is there room for the share in this period? */
static bool
fits_period(const Share *share)
{
	const Account *account = share->account;
	const LedgerPrice *price = share->price;

	return (account->concentrated ?
			dp_loss_fits(account->rho_limit, account->rho_spent, price->rho_pico) :
			dp_loss_fits(account->epsilon_limit, account->epsilon_spent, price->epsilon_nano)) &&
		dp_loss_fits(account->delta_limit, account->delta_spent, price->delta_atto);
}

/* Why this account refuses its share, or LEDGER_UNDECIDED if it does not. */
static LedgerVerdict
judge(const Share *share)
{
	const Account *account = share->account;
	const LedgerPrice *price = share->price;

	if (price->releases == 0)
		return LEDGER_UNDECIDED;	/* answers handed out again cost nothing */
	if (account->query_limit >= 0 && price->epsilon_nano > account->query_limit)
		return LEDGER_OVER_QUERY_LIMIT;
	if (price->cheapest < least_of(share))
		return LEDGER_UNDER_QUERY_MINIMUM;
	if (!fits_lifetime(share))
		return LEDGER_LIFETIME_EXHAUSTED;
	if (account->release_limit >= 0 &&
		!dp_loss_fits(account->release_limit, account->releases_spent, price->releases))
		return LEDGER_RELEASES_EXHAUSTED;
	if (!fits_period(share))
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
			return 4;
		case LEDGER_LIFETIME_EXHAUSTED:
			return 3;
		case LEDGER_RELEASES_EXHAUSTED:
			return 2;
		case LEDGER_EXHAUSTED:
			return 1;
		default:
			return 0;
	}
}

/* Rho that the account has left for a statement; 0 if it adds up epsilon. */
static int64
rho_left(const Account *account, LedgerVerdict verdict)
{
	if (!account->concentrated)
		return 0;
	return verdict == LEDGER_LIFETIME_EXHAUSTED ?
		dp_loss_left(account->rho_lifetime_limit, dp_loss_add_saturated(account->rho_lifetime, account->rho_charged)) :
		dp_loss_left(account->rho_limit, account->rho_spent);
}

/*
 * Epsilon that the account has left: for a statement, or if it adds up rho, for a statement of one
 * release.
 */
static int64
epsilon_left(const Account *account, LedgerVerdict verdict)
{
	if (account->concentrated)
		return dp_epsilon_of_rho(rho_left(account, verdict));
	return verdict == LEDGER_LIFETIME_EXHAUSTED ?
		dp_loss_left(account->lifetime_limit, dp_loss_add_saturated(account->epsilon_lifetime, account->epsilon_charged)) :
		dp_loss_left(account->epsilon_limit, account->epsilon_spent);
}

/*
 * share_check
 *		Puts the refusal of this account, if it refuses, into the answer, unless one that
 *		matters as much or more is there.
 *
 * Of exhausted accounts the one with the least epsilon left is kept.
 */
void
share_check(const Share *share, LedgerAnswer *answer)
{
	const Account *account = share->account;
	const LedgerPrice *price = share->price;
	LedgerVerdict verdict = judge(share);

	if (weight(verdict) < weight(answer->verdict) ||
		(weight(verdict) == weight(answer->verdict) &&
		 (verdict != LEDGER_EXHAUSTED || answer->epsilon_left <= epsilon_left(account, verdict))))
		return;
	share_set_verdict(answer, verdict, price);
	answer->role = account->role;
	answer->concentrated = account->concentrated;
	answer->epsilon_left = epsilon_left(account, verdict);
	answer->delta_left = dp_loss_left(account->delta_limit, account->delta_spent);
	answer->rho_left = rho_left(account, verdict);
	answer->query_limit = account->query_limit;
	answer->cheapest = price->cheapest;
	answer->least_epsilon = least_of(share);
	answer->releases = price->releases;
	answer->release_limit = account->release_limit;
	answer->releases_left = dp_loss_left(account->release_limit, account->releases_spent);
	answer->renews_at = account->renews_at;
}

/* share_charge: adds the price to what the account has spent, in memory. */
void
share_charge(const Share *share)
{
	Account    *account = share->account;
	const LedgerPrice *price = share->price;

	account->charged = true;
	account->rho_spent = dp_loss_add_saturated(account->rho_spent, price->rho_pico);
	if (dp_loss_add(account->epsilon_spent, price->epsilon_nano, &account->epsilon_spent) != DP_OK ||
		dp_loss_add(account->delta_spent, price->delta_atto, &account->delta_spent) != DP_OK ||
		dp_loss_add(account->epsilon_charged, price->epsilon_nano, &account->epsilon_charged) != DP_OK ||
		dp_loss_add(account->delta_charged, price->delta_atto, &account->delta_charged) != DP_OK ||
		dp_loss_add(account->rho_charged, price->rho_pico, &account->rho_charged) != DP_OK ||
		dp_loss_add(account->releases_spent, price->releases, &account->releases_spent) != DP_OK)
		elog(ERROR, "spending of an account is out of range");
}

/*
 * share_lifetime
 *		Epsilon, in nano-epsilon, that the account has spent in its lifetime, this batch included;
 *		saturated.
 */
int64
share_lifetime(const Share *share)
{
	const Account *account = share->account;
	int64		rho = dp_loss_add_saturated(account->rho_lifetime, account->rho_charged);
	int64		epsilon;

	if (!account->concentrated)
		return dp_loss_add_saturated(account->epsilon_lifetime, account->epsilon_charged);
	if (dp_rho_to_epsilon(rho, account->conversion_delta, &epsilon) != DP_OK)
		return PG_INT64_MAX;
	return epsilon;
}
