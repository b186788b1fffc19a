/*
 * executor.c
 *		ExecutorStart: the second check of the plan, then pay, or stop.  ExecutorRun: where rows go.
 *
 * A cached plan skips the planner, and an inlined function can smuggle in what
 * planner_hook never saw.  So what counts is the plan that is about to run, and
 * the role that runs it now.  All releases of the statement are paid at once,
 * before the first row is read.  Cursors come here when they are opened; EXPLAIN
 * without ANALYZE and Describe never pay.  Raw rows of classified relations are logged here, too.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"
#include "parser/parsetree.h"
#include "tcop/utility.h"
#include "utils/acl.h"

#include "core/compat.h"
#include "core/refusals.h"
#include "hooks/charges.h"
#include "hooks/conversions.h"
#include "hooks/copy.h"
#include "hooks/hooks.h"
#include "hooks/kept.h"
#include "hooks/raw_reads.h"
#include "hooks/reuse.h"
#include "ledger/account.h"
#include "ledger/charge.h"
#include "ledger/protocol.h"
#include "nodes/identity.h"
#include "nodes/release/grains.h"
#include "nodes/release/node.h"
#include "nodes/release/scans.h"
#include "nodes/release/settle.h"
#include "nodes/release/state.h"
#include "nodes/shards/node.h"
#include "planner/awaiting.h"
#include "policy/cache.h"
#include "policy/policy.h"
#include "session/explain.h"
#include "session/quiet.h"
#include "spec/serialise.h"
#include "spec/spec.h"
#include "tier/facts.h"

static ExecutorStart_hook_type prev_executor_start = NULL;
static ExecutorRun_hook_type prev_executor_run = NULL;
static ExecutorEnd_hook_type prev_executor_end = NULL;

/* Does the plan name any protected relation? */
static bool
plan_is_concerned(PlannedStmt *plan)
{
	ListCell   *lc;

	foreach(lc, plan->rtable)
	{
		RangeTblEntry *rte = lfirst(lc);

		if (rte->rtekind == RTE_RELATION && policy_lookup(rte->relid) != NULL)
			return true;
	}
	return false;
}

/*
 * Was the plan made for a role that may only see releases?  Then it pays from an account,
 * whoever runs it.
 */
static bool
plan_requires_account(PlannedStmt *plan)
{
	ListCell   *lc;

	foreach(lc, plan->subplans)
	{
		const Plan *top = lfirst(lc);

		if (top != NULL && is_plan_of(top, node_release) &&
			spec_peek_account_required(node_description((const CustomScan *) top)))
			return true;
	}
	return false;
}

/*
 * Is the current user one that may only see releases of some relation of the plan?  A plan
 * that was made for such a role says so, which saves a look at its accounts here: the
 * ledger is about to look at them anyway.
 */
static bool
plan_is_for_analyst(PlannedStmt *plan)
{
	ListCell   *lc;

	if (plan_requires_account(plan))
		return true;
	foreach(lc, plan->rtable)
	{
		RangeTblEntry *rte = lfirst(lc);
		const ProtectedRelation *rel;

		if (rte->rtekind != RTE_RELATION || (rel = policy_lookup(rte->relid)) == NULL)
			continue;
		if (role_is_analyst(GetUserId(), rte->relid, rel))
			return true;
	}
	return false;
}

/* Refuses scans of protected relations outside releases (range table indexes), for analysts. */
static void
check_scans(PlannedStmt *plan, Bitmapset *scanned)
{
	int			index = -1;

	while ((index = bms_next_member(scanned, index)) >= 0)
	{
		const RangeTblEntry *rte = rt_fetch(index, plan->rtable);
		const ProtectedRelation *rel;

		if (rte->rtekind != RTE_RELATION || (rel = policy_lookup(rte->relid)) == NULL)
			continue;
		if (role_is_analyst(GetUserId(), rte->relid, rel))
			refuse(REFUSE_SCAN, NULL, -1);
	}
}

/*
 * Has the ledger charge the statement for these releases, and marks them as paid.  What they
 * reveal is logged with them, and known to them from here on.
 */
static void
pay_releases(List *releases, const char *query_text)
{
	static uint64 statement = 0;
	List	   *paying;			/* the charge of each release */
	List	   *items = charges_of(releases, &paying);
	ListCell   *lc;
	ListCell   *lp;

	if (items == NIL)
		return;
	ledger_charge(items, query_text != NULL ? query_text : "");
	statement++;
	forboth(lc, releases, lp, paying)
	{
		ReleaseState *state = release_state(lfirst(lc));
		Charge	   *charge = lfirst(lp);

		state->codes = charge->item->codes;
		state->statement = statement;
		state->number = charge->number;
		state->paid = true;
	}
}

/* ExecutorStart without us. */
static void
start_plainly(QueryDesc *queryDesc, int eflags)
{
	if (prev_executor_start)
		prev_executor_start(queryDesc, eflags);
	else
		standard_ExecutorStart(queryDesc, eflags);
}

/* The same; the privileges that are checked here are not those of a COPY around it. */
static void
start(QueryDesc *queryDesc, int eflags)
{
	const char *watched;

	if (!copy_is_watched())
	{
		start_plainly(queryDesc, eflags);
		return;
	}
	watched = copy_watch(NULL);
	PG_TRY();
	{
		start_plainly(queryDesc, eflags);
	}
	PG_FINALLY();
	{
		(void) copy_watch(watched);
	}
	PG_END_TRY();
}

/*
 * ExecutorStart in a quiet section, for an analyst.  Counters of the client's own tables
 * go on, because autovacuum goes by them.  estimated: the statement will not run (session/explain.c).
 */
static void
start_quietly(QueryDesc *queryDesc, int eflags, bool estimated)
{
	QuietState	quiet;

	refuse_unsafe_session(estimated);
	quiet_begin(&quiet);
	start(queryDesc, eflags);
	quiet_end(&quiet);
	loud_relations(queryDesc->estate);
}

/*
 * In a parallel worker: what the worker's own share of a statement reads, its leader has logged;
 * what functions of the client's read here, nobody has.
 */
static void
start_in_worker(QueryDesc *queryDesc, int eflags)
{
	bool		audited = plan_reads_classified(queryDesc, eflags);
	List	   *releases = NIL;
	Bitmapset  *scanned = NULL;

	start(queryDesc, eflags);
	if (!audited)
		return;
	find_releases(queryDesc->planstate, &releases, &scanned);
	record_plan_reads(queryDesc, scanned, releases);
}

/* ExecutorStart_hook */
static void
pay_executor_start(QueryDesc *queryDesc, int eflags)
{
	uint64		begun = releases_begun();
	bool		estimated = explain_is_estimate(queryDesc) &&
		(eflags & EXEC_FLAG_EXPLAIN_ONLY) != 0;
	bool		concerned;
	bool		analyst;
	bool		audited;
	List	   *releases = NIL;
	Bitmapset  *scanned = NULL;

	if (IsParallelWorker())
	{
		start_in_worker(queryDesc, eflags);
		return;
	}
	if (pieces_are_run())
	{
		start_plainly(queryDesc, eflags);	/* it is part of the release, which was paid for */
		return;
	}

	concerned = plan_is_concerned(queryDesc->plannedstmt);
	if (concerned && plan_awaits_values(queryDesc->plannedstmt))
		refuse(REFUSE_AWAITING, queryDesc->sourceText, -1);
	analyst = concerned && plan_is_for_analyst(queryDesc->plannedstmt);
	audited = plan_reads_classified(queryDesc, eflags);
	if (analyst)
		start_quietly(queryDesc, eflags, estimated);
	else
		start(queryDesc, eflags);

	/* the planner may have found that a release reads no relation */
	if (!concerned && !audited && releases_begun() == begun)
		return;
	find_releases(queryDesc->planstate, &releases, &scanned);
	if (analyst)
		check_scans(queryDesc->plannedstmt, scanned);
	if (audited)
		record_plan_reads(queryDesc, scanned, releases);
	if ((eflags & EXEC_FLAG_EXPLAIN_ONLY) != 0)
		return;
	settle_releases(releases);
	settle_grains(releases);
	reuse_answers(releases);
	pay_releases(releases, queryDesc->sourceText);
	reuse_paid(releases);
	tell_grains(releases);
}

/* ExecutorRun_hook: synthetic rows go to no table; tables that functions have had Citus replace are settled. */
static void
watch_executor_run(DP_EXECUTOR_RUN_ARGS(queryDesc, direction, count))
{
	uint64		begun = conversions_begun();

	refuse_kept_preview(queryDesc);
	if (prev_executor_run)
		prev_executor_run(DP_EXECUTOR_RUN_PASS(queryDesc, direction, count));
	else
		standard_ExecutorRun(DP_EXECUTOR_RUN_PASS(queryDesc, direction, count));
	conversions_settle(begun);
}

/* Has the statement sub-plans that a release may have read? */
static bool
has_sub_plans(EState *estate)
{
	ListCell   *lc;

	foreach(lc, estate->es_subplanstates)
	{
		if (lfirst(lc) != NULL && !is_state_of(lfirst(lc), node_release))
			return true;
	}
	return false;
}

/*
 * ExecutorEnd_hook: quiet where a release may have read sub-plans.  These end with the
 * statement, and their temporary files would be counted and logged.
 */
static void
quiet_executor_end(QueryDesc *queryDesc)
{
	QuietState	quiet;
	bool		quietly = quiet_wanted() && has_sub_plans(queryDesc->estate);

	if (quietly)
		quiet_begin(&quiet);
	if (prev_executor_end)
		prev_executor_end(queryDesc);
	else
		standard_ExecutorEnd(queryDesc);
	if (quietly)
		quiet_end(&quiet);
}

/* Installs the hooks; called once from _PG_init. */
void
executor_hooks_init(void)
{
	prev_executor_start = ExecutorStart_hook;
	ExecutorStart_hook = pay_executor_start;
	prev_executor_run = ExecutorRun_hook;
	ExecutorRun_hook = watch_executor_run;
	prev_executor_end = ExecutorEnd_hook;
	ExecutorEnd_hook = quiet_executor_end;
}
