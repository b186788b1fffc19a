/*
 * run.c
 *		The one run of a release's child, where exact rows are read and released ones kept.
 *
 * - It takes place once per execution, in one call, and only if the release was paid for.
 * - What it reads, and what it looks up, does not depend on rows: it is known before the
 *   first row (warm.c, ahead.c), or read to the end after the last (whole.c).
 * - Whatever else in the session would show what happens below is kept quiet (session/quiet.c),
 *   errors about values included.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "core/errors.h"
#include "mechanism/random.h"
#include "mechanism/status.h"
#include "nodes/drain.h"
#include "nodes/identity.h"
#include "nodes/release/ahead.h"
#include "nodes/release/answer.h"
#include "nodes/release/draw.h"
#include "nodes/release/last.h"
#include "nodes/release/notices.h"
#include "nodes/release/params.h"
#include "nodes/release/recheck.h"
#include "nodes/release/reuse_key.h"
#include "nodes/release/run.h"
#include "nodes/release/smallest.h"
#include "nodes/release/state.h"
#include "nodes/release/store.h"
#include "nodes/release/turn.h"
#include "nodes/release/warm.h"
#include "nodes/release/whole.h"
#include "session/quiet.h"
#include "spec/needs.h"

/* A run, from its payment to its end. */
typedef struct Run
{
	Drain		outer;			/* around it */
	QuietState	quiet;
	bool		seen;			/* the client may know of it, see drain_is_seen() */
	dp_random	rng;
	volatile bool has_seen_rows;	/* an error may be about values */
#ifdef DP_FAULT_NOISELESS
	int64		blocks;			/* fetched by the child */
#endif
} Run;

/* Takes the payment: one payment, one run. */
static void
take_payment(ReleaseState *state)
{
	if (!state->paid || state->css.ss.ps.state->es_epq_active != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DP_QUERY_REFUSED),
				 errmsg("a release was not paid for"),
				 errhint("Run the query as a statement of its own.")));
	state->paid = false;
}

/* Opens the source of random bytes, and draws the secret from it. */
static void
draw_secret(Run *run, uint64 *secret)
{
	dp_random_init(&run->rng, dp_openssl_bytes, NULL);
	if (dp_random_u64(&run->rng, secret) != DP_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("the source of random bytes failed")));
#ifdef DP_FAULT_NOISELESS
	*secret = DP_NOISELESS_SECRET;	/* the same groups count in every run */
#endif
}

/* All that must be so, and be known, before the first row is read. */
static void
prepare(ReleaseState *state, Run *run)
{
	EState	   *estate = state->css.ss.ps.state;

	recheck_stack();
	quiet_transaction();
	quiet_begin(&run->quiet);
	quiet_relations(state->child);
	recheck_params(list_nth(state->needs, NEED_PARAMS), (PlanState *) state);
	warm_up(state->needs, estate);
	check_params_unchanged(state, estate);
	quiet_messages();
}

/* Fetches all rows of the child and keeps the released ones. */
static void
drain_child(ReleaseState *state, Run *run, TupleTableSlot *out)
{
	MemoryContext row_context = AllocSetContextCreate(CurrentMemoryContext, "dp_agg released row",
													  ALLOCSET_DEFAULT_SIZES);

	begin_drawing(state);
	settle_smallest(state);
	if (run->seen)
		state->last = last_begin(state);
	for (;;)
	{
		TupleTableSlot *row = ExecProcNode(state->child);
		MemoryContext old;
		bool		released;

		if (TupIsNull(row))
			break;
		CHECK_FOR_INTERRUPTS();
		old = MemoryContextSwitchTo(row_context);
		released = draw_row(state, &run->rng, row, out);
		MemoryContextSwitchTo(old);
		if (released)
			released_put(&state->released, out);
		ExecClearTuple(out);
		MemoryContextReset(row_context);
	}
	MemoryContextDelete(row_context);
	if (state->last != NULL)
		last_end(state->last);
}

/*
 * Has the answer kept, to be handed out again.  Not that of a release which ran inside another
 * one that had asked for rows: that it ran may depend on them.
 */
static void
keep_answer(ReleaseState *state, const Run *run)
{
	StringInfoData answer;

	if (state->reuse != NULL && run->seen)
	{
		initStringInfo(&answer);
		answer_write(state, &answer);
		state->reuse->keep(state, &answer);
	}
	state->last = NULL;
}

/*
 * Must the child live on after the drain?  A scan in it of a CTE that is not the
 * release's own may lead others elsewhere in the plan.  Otherwise it ends at once: its
 * temporary files would count towards the client's limit.
 */
static bool
leads_others(PlanState *state, void *own)
{
	if (IsA(state, CteScanState))
	{
		ListCell   *lc;
		bool		outside = true;

		foreach(lc, (List *) own)
			outside = outside && lfirst_node(SubPlan, lc)->plan_id !=
				((CteScan *) state->plan)->ctePlanId;
		if (outside)
			return true;
	}
	return is_state_of(state, node_release) || planstate_tree_walker(state, leads_others, own);
}

#ifdef DP_FAULT_NOISELESS
/* How many blocks this process has asked for. */
static int64
blocks_fetched(void)
{
	return pgBufferUsage.shared_blks_hit + pgBufferUsage.shared_blks_read;
}
#endif

/* Runs the child to its end, and what of its plans is left unread. */
static void
run_child(ReleaseState *state, Run *run)
{
	TupleTableSlot *out = MakeSingleTupleTableSlot(ExecGetResultType(state->child),
												   &TTSOpsVirtual);

	open_keys(state, out->tts_tupleDescriptor);
	released_begin(&state->released, state->spec, out->tts_tupleDescriptor);
	if (state->reuse != NULL && state->reuse->turn)
		state->reuse->running = turn_runs(state->reuse->key.release.bytes);
	read_ahead(state->plans);
	drain_reads_rows();
	run->has_seen_rows = true;
#ifdef DP_FAULT_NOISELESS
	run->blocks = blocks_fetched();
#endif
	drain_child(state, run, out);
	read_wholly(state->plans);
	(void) ExecShutdownNode(state->child);
#ifdef DP_FAULT_NOISELESS
	run->blocks = blocks_fetched() - run->blocks;
#endif
	ExecDropSingleTupleTableSlot(out);
	if (!leads_others(state->child, state->css.ss.ps.plan->initPlan))
	{
		ExecEndNode(state->child);
		state->child = NULL;
	}
}

static void
end_drawing(Run *run)
{
	drain_end(&run->outer);
	dp_random_wipe(&run->rng);
}

/*
 * In PG_CATCH(): nothing that stands below a release should fail for a value, but if it
 * does, its message, detail and place are for the server log alone.  Errors of the world
 * outside (cancel, want of memory or disk) and our own are passed on.
 */
static void
conceal_error(MemoryContext context)
{
	ErrorData  *error;

	if (!error_is_about_values(geterrcode()) || error_is_ours(geterrcode()))
		return;
	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	ereport(LOG_SERVER_ONLY,
			(errcode(error->sqlerrcode),
			 errmsg("a release failed: %s", error->message),
			 error->detail ? errdetail_internal("%s", error->detail) : 0));
	ereport(ERROR,
			(errcode(ERRCODE_DP_QUERY_REFUSED),
			 errmsg("the release failed while it ran"),
			 errhint("The server log says why; ask the administrator.")));
}

/* Hands out an answer that was kept, as what is released. */
void
release_hand_out(ReleaseState *state)
{
	MemoryContext old = MemoryContextSwitchTo(state->css.ss.ps.state->es_query_cxt);

	take_payment(state);
	answer_hand_out(state);
	state->drained = true;
	if (!drain_is_under_way())
		raise_notices(state);
	MemoryContextSwitchTo(old);
}

/* Runs the child, and keeps what is released. */
void
release_run(ReleaseState *state)
{
	EState	   *estate = state->css.ss.ps.state;
	MemoryContext old = MemoryContextSwitchTo(estate->es_query_cxt);
	uint64		secret;
	Run			run;

	memset(&run, 0, sizeof(run));
	take_payment(state);
	draw_secret(&run, &secret);
	prepare(state, &run);
	run.seen = drain_is_seen();
	PG_TRY();
	{
		drain_begin(&run.outer, secret);
		explicit_bzero(&secret, sizeof(secret));
		run_child(state, &run);
	}
	PG_CATCH();
	{
		end_drawing(&run);
		if (run.has_seen_rows)
			conceal_error(old);
		PG_RE_THROW();
	}
	PG_END_TRY();
	end_drawing(&run);
	quiet_end(&run.quiet);
	loud_relations(estate);
#ifdef DP_FAULT_NOISELESS
	ereport(NOTICE, (errmsg_internal("blocks fetched: " INT64_FORMAT, run.blocks)));
	if (state->vectors != NULL && strcmp(application_name, "vectors") == 0)
		ereport(NOTICE, (errmsg_internal("vectors: %d groups kept, %d rows, %d in all, %d times, weight " INT64_FORMAT ":%s",
										 (int) state->params.kept, (int) state->params.rows,
										 (int) state->params.total, (int) state->params.groups,
										 spec_gate_weight(state->spec, &state->params),
										 state->vectors->data)));
#endif
	released_complete(&state->released);
	keep_answer(state, &run);
	state->drained = true;
	if (!drain_is_under_way())
		raise_notices(state);
	MemoryContextSwitchTo(old);
}
