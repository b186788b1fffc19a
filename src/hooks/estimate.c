/*
 * estimate.c
 *		What a statement would cost, and how sharp its answers would be, without running it.
 *
 * The statement is planned and started as EXPLAIN does it, so that all that would refuse it does, and
 * ended again.  Nothing of the plan is told but its releases, and of those nothing but what follows from
 * their descriptions.  No row is read, nothing is paid, and no part of the statement runs, but for what any
 * planning computes of constants.
 */
#include "postgres.h"

#include <math.h>

#include "executor/executor.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "tcop/tcopprot.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "core/compat.h"
#include "hooks/charges.h"
#include "hooks/estimate.h"
#include "hooks/reuse.h"
#include "ledger/preview.h"
#include "nodes/release/estimate.h"
#include "nodes/release/scans.h"
#include "nodes/release/state.h"
#include "session/explain.h"

/* What a line is about, as it is shown. */
const char *
estimate_item_name(EstimateItem item)
{
	static const char *const names[] = {
		[ESTIMATE_STATEMENT] = "statement",[ESTIMATE_ACCOUNT] = "account",
		[ESTIMATE_RELEASE] = "release",[ESTIMATE_OUTPUT] = "output"
	};

	return names[item];
}

/* A line that says nothing yet. */
static EstimateLine *
new_line(EstimateItem item)
{
	EstimateLine *line = palloc0(sizeof(EstimateLine));

	line->item = item;
	line->release = -1;
	line->epsilon_nano = line->delta_atto = line->epsilon_left = line->delta_left = -1;
	line->standard_error = NAN;
	line->rank_error = line->smallest_group = -1;
	line->gaussian = -1;
	return line;
}

/* ----------
 * Accounts
 * ----------
 */

/* An amount in units of 10^-digits, shortly. */
static char *
short_amount(int64 amount, int digits)
{
	return psprintf("%.6g", (double) amount * pow(10, -digits));
}

/* What limits an account beside its epsilon and delta. */
static char *
account_limits(const LedgerPreview *preview)
{
	StringInfoData text;

	initStringInfo(&text);
	if (preview->concentrated)
		appendStringInfo(&text, "adds up rho: %s of this statement, %s left; ",
						 short_amount(preview->rho_pico, 12), short_amount(preview->rho_left, 12));
	if (preview->query_limit >= 0)
		appendStringInfo(&text, "pays epsilon %s for a statement at most; ",
						 short_amount(preview->query_limit, 9));
	if (preview->releases_left >= 0)
		appendStringInfo(&text, INT64_FORMAT " releases left; ", preview->releases_left);
	if (preview->renews_at != 0)
		appendStringInfo(&text, "renews at %s; ", timestamptz_to_str(preview->renews_at));
	if (text.len == 0)
		return NULL;
	text.data[text.len - 2] = '\0';
	return text.data;
}

/* A line for an account. */
static EstimateLine *
account_line(const LedgerPreview *preview)
{
	EstimateLine *line = new_line(ESTIMATE_ACCOUNT);

	line->population = pstrdup(NameStr(preview->population));
	line->epsilon_nano = preview->epsilon_nano;
	line->delta_atto = preview->delta_atto;
	if (preview->refusal != NULL)
		line->advice = psprintf("It would be refused. %s", preview->refusal);
	if (!preview->exists)
		return line;
	line->name = OidIsValid(preview->role) ? GetUserNameFromId(preview->role, true) :
		pstrdup("cap of the population");
	line->epsilon_left = preview->epsilon_left;
	line->delta_left = preview->delta_left;
	line->limits = account_limits(preview);
	return line;
}

/* ----------
 * Releases
 * ----------
 */

/* A line for an output of a release. */
static EstimateLine *
output_line(const OutputEstimate *output, const EstimateLine *release)
{
	EstimateLine *line = new_line(ESTIMATE_OUTPUT);

	line->name = output->name;
	line->population = release->population;
	line->grouping_set = release->grouping_set;
	line->release = release->release;
	line->standard_error = output->standard_error;
	line->rank_error = output->rank_error;
	line->smallest_group = output->smallest;
	line->gaussian = output->gaussian ? 1 : 0;
	line->bounds = output->bounds;
	line->advice = output->advice;
	return line;
}

/* Adds lines for a release that has begun, and its outputs; with its price if it is the first of a charge. */
static List *
add_release(List *lines, ReleaseState *state, const Charge *charge, bool first,
			int64 individuals)
{
	ReleaseEstimate *estimate = estimate_release(state, individuals);
	EstimateLine *line = new_line(ESTIMATE_RELEASE);

	line->name = estimate->name;
	line->population = estimate->population;
	line->grouping_set = estimate->grouping_set;
	line->release = charge->number;
	if (first)
	{
		line->epsilon_nano = charge->item->epsilon_nano;
		line->delta_atto = charge->item->delta_atto;
	}
	line->smallest_group = estimate->smallest;
	line->limits = estimate->limits;
	line->advice = charge->item->reused ?
		pstrdup("An earlier answer is handed out again, as long as it is kept: SET dp_agg.reuse = off draws anew, at a price.") :
		estimate->advice;
	lines = lappend(lines, line);
	for (int i = 0; i < estimate->noutputs; i++)
		lines = lappend(lines, output_line(&estimate->outputs[i], line));
	return lines;
}

/* Lines for the releases of a statement: those that are paid together stand together. */
static List *
release_lines(List *releases, List *paying, int64 individuals)
{
	List	   *lines = NIL;
	List	   *told = NIL;		/* charges whose releases have lines */
	ListCell   *lc;

	foreach(lc, paying)
	{
		const Charge *charge = lfirst(lc);
		bool		first = true;
		ListCell   *lp;
		ListCell   *lr;

		if (list_member_ptr(told, charge))
			continue;
		told = lappend(told, (void *) charge);
		forboth(lp, paying, lr, releases)
		{
			if (lfirst(lp) != charge)
				continue;
			lines = add_release(lines, release_state(lfirst(lr)), charge, first, individuals);
			first = false;
		}
	}
	return lines;
}

/* ----------
 * The statement
 * ----------
 */

/* Lines for a statement that has been started, but will not run. */
static List *
lines_of(QueryDesc *started, int64 individuals)
{
	List	   *releases = NIL;
	List	   *paying;
	List	   *items;
	List	   *lines = NIL;
	ListCell   *lc;

	find_releases(started->planstate, &releases, NULL);
	reuse_foresee(releases);
	items = charges_of(releases, &paying);
	if (items == NIL)
	{
		EstimateLine *line = new_line(ESTIMATE_STATEMENT);

		line->name = pstrdup("no release");
		line->epsilon_nano = line->delta_atto = 0;
		line->advice = pstrdup("The statement itself has no release, and costs nothing.");
		return list_make1(line);
	}
	foreach(lc, ledger_preview(items, started->sourceText))
		lines = lappend(lines, account_line(lfirst(lc)));
	return list_concat(lines, release_lines(releases, paying, individuals));
}

/* Plans a statement, starts it, and ends it. */
static List *
plan_and_start(Query *query, int cursor_options, const char *source, ParamListInfo params,
			   QueryEnvironment *environment, int64 individuals)
{
	PlannedStmt *plan;
	QueryDesc  *started;
	List	   *lines;

	query->queryId = 0;			/* no execution that pg_stat_statements should count */
	explain_permit_estimate(query);
	plan = DP_PLAN_QUERY(query, source, cursor_options, params, NULL);
	started = CreateQueryDesc(plan, source, GetActiveSnapshot(), InvalidSnapshot, None_Receiver,
							  params, environment, 0);
	explain_permit_estimate(started);
	ExecutorStart(started, EXEC_FLAG_EXPLAIN_ONLY);
	lines = lines_of(started, individuals);
	ExecutorEnd(started);
	FreeQueryDesc(started);
	return lines;
}

/*
 * estimate_statement
 *		What a statement would cost the accounts of this session, and how sharp its outputs would be in
 *		groups of so many individuals: a list of EstimateLine.
 *
 * query is rewritten, and is changed.  params: values of parameters, or NULL.  Raises what the statement
 * would raise before it is paid for, but for what values of the session raise (nodes/release/settle.c),
 * which are not computed; that accounts have too little left is no error here.
 */
List *
estimate_statement(Query *query, int cursor_options, const char *source, ParamListInfo params,
				   QueryEnvironment *environment, int64 individuals)
{
	List	   *lines = NIL;

	explain_begin();
	PG_TRY();
	{
		lines = plan_and_start(query, cursor_options, source, params, environment, individuals);
	}
	PG_FINALLY();
	{
		explain_end();
	}
	PG_END_TRY();
	return lines;
}
