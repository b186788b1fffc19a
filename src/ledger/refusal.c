/*
 * refusal.c
 *		What a client is told when its statement was not charged.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/plancache.h"
#include "utils/timestamp.h"

#include "accounting/units.h"
#include "core/errors.h"
#include "ledger/protocol.h"
#include "ledger/refusal.h"
#include "policy/extension.h"

/* An amount in plain units, as text; digits is how many decimals the ledger's unit has. */
static char *
plain_units(int64 amount, int digits)
{
	char	   *text = palloc(DP_UNITS_TEXT);

	dp_units_text(amount, digits, text);
	return text;
}

static char *
plain_epsilon(int64 nano)
{
	return plain_units(nano, 9);
}

static char *
plain_delta(int64 atto)
{
	return plain_units(atto, 18);
}

static char *
plain_rho(int64 pico)
{
	return plain_units(pico, 12);
}

/* Whose account it is that refuses, for a sentence. */
static char *
account_name(const LedgerAnswer *answer)
{
	char	   *name = OidIsValid(answer->role) ? GetUserNameFromId(answer->role, true) : NULL;

	if (!OidIsValid(answer->role))
		return pstrdup("the cap of the population");
	return psprintf("the account of role \"%s\"", name ? name : psprintf("%u", answer->role));
}

/* The same at the beginning of a sentence about it alone. */
static const char *
subject(const LedgerAnswer *answer)
{
	return OidIsValid(answer->role) ? "The account" : "The cap";
}

/* Epsilon would suffice, delta does not: less epsilon is no help. */
static void
report_delta_exhausted(const LedgerAnswer *answer)
{
	ereport(ERROR,
			(errcode(ERRCODE_DP_BUDGET_EXHAUSTED),
			 errmsg("privacy budget on population \"%s\" is exhausted: too little delta is left",
					NameStr(answer->population)),
			 errdetail("The statement costs delta %s; %s has %s left.",
					   plain_delta(answer->delta), account_name(answer), plain_delta(answer->delta_left)),
			 answer->renews_at != 0 ?
			 errhint("%s renews at %s. Until then ask with a smaller dp_agg.delta, at which small groups show less often.",
					 subject(answer), timestamptz_to_str(answer->renews_at)) :
			 errhint("%s does not renew. Ask with a smaller dp_agg.delta, or have the delta of the budget raised. A smaller epsilon is no help.",
					 subject(answer))));
}

/* What the statement costs, and what there is. */
static char *
price_and_left(const LedgerAnswer *answer)
{
	if (answer->concentrated)
		return psprintf("The statement costs epsilon %s (rho %s) and delta %s; %s has rho %s left, which is one release of epsilon %s, and delta %s.",
						plain_epsilon(answer->epsilon), plain_rho(answer->rho), plain_delta(answer->delta),
						account_name(answer), plain_rho(answer->rho_left),
						plain_epsilon(answer->epsilon_left), plain_delta(answer->delta_left));
	return psprintf("The statement costs epsilon %s and delta %s; %s has epsilon %s and delta %s left.",
					plain_epsilon(answer->epsilon), plain_delta(answer->delta), account_name(answer),
					plain_epsilon(answer->epsilon_left), plain_delta(answer->delta_left));
}

static void
report_exhausted(const LedgerAnswer *answer)
{
	if (answer->concentrated ? answer->rho <= answer->rho_left : answer->epsilon <= answer->epsilon_left)
		report_delta_exhausted(answer);
	ereport(ERROR,
			(errcode(ERRCODE_DP_BUDGET_EXHAUSTED),
			 errmsg("privacy budget on population \"%s\" is exhausted", NameStr(answer->population)),
			 errdetail_internal("%s", price_and_left(answer)),
			 answer->renews_at != 0 ?
			 errhint("%s renews at %s.", subject(answer), timestamptz_to_str(answer->renews_at)) :
			 errhint("%s does not renew. Ask with a smaller dp_agg.epsilon, or have the budget raised.", subject(answer))));
}

static void
report_lifetime_exhausted(const LedgerAnswer *answer)
{
	ereport(ERROR,
			(errcode(ERRCODE_DP_BUDGET_EXHAUSTED),
			 errmsg("privacy budget on population \"%s\" is exhausted for all periods",
					NameStr(answer->population)),
			 errdetail_internal("%s", price_and_left(answer)),
			 errhint("No renewal helps. Ask with a smaller dp_agg.epsilon, or have max_epsilon_lifetime raised.")));
}

static void
report_releases_exhausted(const LedgerAnswer *answer)
{
	ereport(ERROR,
			(errcode(ERRCODE_DP_BUDGET_EXHAUSTED),
			 errmsg("number of releases on population \"%s\" is exhausted", NameStr(answer->population)),
			 errdetail("The statement makes " INT64_FORMAT "; %s has " INT64_FORMAT " of " INT64_FORMAT " left.",
					   answer->releases, account_name(answer), answer->releases_left, answer->release_limit),
			 answer->renews_at != 0 ?
			 errhint("%s renews at %s.", subject(answer), timestamptz_to_str(answer->renews_at)) :
			 errhint("%s does not renew. Ask for more in one release, or have max_releases raised.", subject(answer))));
}

static void
report_no_account(const LedgerAnswer *answer)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for population \"%s\"", NameStr(answer->population)),
			 errdetail("Neither the session user nor the current user holds an account on it."),
			 errhint("Accounts are given with dp_agg.set_budget, and count once that is committed.")));
}

/* The plan was made when all accounts added up rho; plans that were kept are made again. */
static void
report_not_concentrated(const LedgerAnswer *answer)
{
	ResetPlanCache();
	ereport(ERROR,
			(errcode(ERRCODE_DP_QUERY_REFUSED),
			 errmsg("accounts on population \"%s\" have changed since the query was planned",
					NameStr(answer->population)),
			 errdetail("It was planned with Gaussian noise, for accounts that all add up rho. Nothing was charged."),
			 errhint("Run the query again.")));
}

static void
report_query_limit(const LedgerAnswer *answer)
{
	ereport(ERROR,
			(errcode(ERRCODE_DP_QUERY_REFUSED),
			 errmsg("statement costs more than one statement may on population \"%s\"",
					NameStr(answer->population)),
			 errdetail("It costs epsilon %s; %s allows %s per statement.",
					   plain_epsilon(answer->epsilon), account_name(answer),
					   plain_epsilon(answer->query_limit)),
			 errhint("Ask with a smaller dp_agg.epsilon.")));
}

static void
report_query_minimum(const LedgerAnswer *answer)
{
	ereport(ERROR,
			(errcode(ERRCODE_DP_QUERY_REFUSED),
			 errmsg("release costs less than one release may on population \"%s\"",
					NameStr(answer->population)),
			 errdetail("It costs epsilon %s; what %s pays costs at least %s. Nothing was charged.",
					   plain_epsilon(answer->cheapest), account_name(answer),
					   plain_epsilon(answer->least_epsilon)),
			 errhint("SET dp_agg.epsilon = %s, or more.", plain_epsilon(answer->least_epsilon))));
}

/* The row of an account is locked, or a whole table: then the answer names no population. */
static void
report_busy(const LedgerAnswer *answer)
{
	ereport(ERROR,
			(errcode(ERRCODE_DP_LEDGER),
			 NameStr(answer->population)[0] != '\0' ?
			 errmsg("account on population \"%s\" is being changed", NameStr(answer->population)) :
			 errmsg("the ledger is being changed"),
			 errdetail("A transaction that is still open holds it. Nothing was charged."),
			 errhint("Try again when that transaction has ended.")));
}

static void
report_unavailable(const LedgerAnswer *answer)
{
	switch (answer->verdict)
	{
		case LEDGER_NOT_INSTALLED:
			if (extension_installed())
				ereport(ERROR,
						(errcode(ERRCODE_DP_LEDGER),
						 errmsg("the ledger of this database is not committed yet"),
						 errdetail("This transaction has created it, as pg_restore does with --single-transaction. Nothing was charged."),
						 errhint("Ask after it. From a dump, restore all but MATERIALIZED VIEW DATA of analysts (pg_restore --list and --use-list), and refresh their views later.")));
			ereport(ERROR,
					(errcode(ERRCODE_DP_LEDGER),
					 errmsg("the ledger is not installed in this database"),
					 errhint("Run CREATE EXTENSION dp_agg.")));
		case LEDGER_IS_COPY:
			ereport(ERROR,
					(errcode(ERRCODE_DP_LEDGER),
					 errmsg("the ledger of this database is a copy that a subscription writes"),
					 errdetail("What is charged here would be lost. Nothing was charged."),
					 errhint("Ask on the publisher, or have the schema dp_agg taken out of the publication or the subscription dropped.")));
		case LEDGER_LOST:
			ereport(ERROR,
					(errcode(ERRCODE_DP_LEDGER),
					 errmsg("the ledger's worker was terminated"),
					 errdetail("The statement may have been charged; it was not run.")));
		case LEDGER_NO_WORKER:
			ereport(ERROR,
					(errcode(ERRCODE_DP_LEDGER),
					 errmsg("the ledger's worker could not start"),
					 errdetail("Nothing was charged."),
					 errhint("The server log says why.")));
		default:
			ereport(ERROR,
					(errcode(ERRCODE_DP_LEDGER),
					 errmsg("the ledger could not record the release"),
					 errdetail("The statement was not run."),
					 errhint("The server log says why.")));
	}
}

/* Raises the error that an answer other than LEDGER_PAID stands for. */
void
ledger_report_refusal(const LedgerAnswer *answer)
{
	switch (answer->verdict)
	{
		case LEDGER_EXHAUSTED:
			report_exhausted(answer);
			break;
		case LEDGER_RELEASES_EXHAUSTED:
			report_releases_exhausted(answer);
			break;
		case LEDGER_LIFETIME_EXHAUSTED:
			report_lifetime_exhausted(answer);
			break;
		case LEDGER_NO_ACCOUNT:
			report_no_account(answer);
			break;
		case LEDGER_NOT_CONCENTRATED:
			report_not_concentrated(answer);
			break;
		case LEDGER_OVER_QUERY_LIMIT:
			report_query_limit(answer);
			break;
		case LEDGER_UNDER_QUERY_MINIMUM:
			report_query_minimum(answer);
			break;
		case LEDGER_BUSY:
			report_busy(answer);
			break;
		default:
			report_unavailable(answer);
			break;
	}
	elog(ERROR, "unexpected answer of the ledger");
	pg_unreachable();
}
