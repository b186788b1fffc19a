/*
 * node.c
 *		The sealed release node: where exact sums become released rows.
 *
 * Invariants:
 *
 * - It runs its child once per execution, in one call, at the first fetch, and
 *   only if the release was paid for (hooks/executor.c).  Rescans rewind.
 * - The child never appears among the node's children: EXPLAIN ANALYZE,
 *   auto_explain and counters see released rows at most.  Releases nested in it
 *   are found here and paid for with the others.
 * - What the rewriter proved about unique indexes is checked again, with the
 *   relations open and the snapshot known: code of the client's may have run
 *   since, at plan time, and changed its own tables.
 * - A group leaves only if it has min_individuals individuals and its noisy
 *   number of individuals passes the threshold; all outputs of its vector come
 *   from one joint draw.  Nothing is drawn for smaller groups.  Without a vector
 *   it leaves if any of its parts released something (nodes/release/parts.c).
 * - Released rows come out sorted by key: the order of an exact hash table
 *   would tell about groups that were held back.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_oper.h"
#include "utils/array.h"
#include "utils/memutils.h"
#include "utils/tuplesort.h"
#include "utils/tuplestore.h"

#include "aggregate/collect.h"
#include "aggregate/sketch.h"
#include "aggregate/sum.h"
#include "core/errors.h"
#include "core/settings.h"
#include "mechanism/noise.h"
#include "mechanism/random.h"
#include "mechanism/status.h"
#include "nodes/drain.h"
#include "nodes/identity.h"
#include "nodes/node_params.h"
#include "nodes/release/ahead.h"
#include "nodes/release/last.h"
#include "nodes/release/node.h"
#include "nodes/release/parts.h"
#include "nodes/release/recheck.h"
#include "nodes/release/scans.h"
#include "nodes/release/state.h"
#include "nodes/release/values.h"
#include "nodes/release/warm.h"
#include "nodes/release/whole.h"
#include "nodes/release/wide.h"
#include "policy/enforced.h"
#include "session/quiet.h"
#include "spec/canonical.h"
#include "spec/needs.h"
#include "spec/spec.h"

static void begin_release(CustomScanState *node, EState *estate, int eflags);
static TupleTableSlot *exec_release(CustomScanState *node);
static void end_release(CustomScanState *node);
static void rescan_release(CustomScanState *node);

static const CustomExecMethods release_exec_methods = {
	.CustomName = node_release,
	.BeginCustomScan = begin_release,
	.ExecCustomScan = exec_release,
	.EndCustomScan = end_release,
	.ReScanCustomScan = rescan_release,
};

/* CreateCustomScanState */
Node *
release_create_state(CustomScan *scan)
{
	ReleaseState *state = (ReleaseState *) newNode(sizeof(ReleaseState), T_CustomScanState);

	state->css.methods = &release_exec_methods;
	return (Node *) state;
}

/* Reads the parameters of this execution. */
static void
read_params(ReleaseState *state, EState *estate, ReleaseParams *params)
{
	ExprContext *econtext = state->css.ss.ps.ps_ExprContext;
	ArrayType  *array = node_params(&state->css);
	double	   *values;

	if (ARR_NDIM(array) != 1 || ARR_DIMS(array)[0] != state->spec->nparams)
		malformed("release parameters");
	values = MemoryContextAlloc(estate->es_query_cxt, state->spec->nparams * sizeof(double));
	memcpy(values, ARR_DATA_PTR(array), state->spec->nparams * sizeof(double));
	spec_read_params(state->spec, values, params);
	ResetExprContext(econtext);
}

/*
 * The plan below evaluates its own copies of the parameters, later than the price and
 * the noise were derived from them.
 */
static void
check_params_unchanged(ReleaseState *state, EState *estate)
{
	ReleaseParams now;

	read_params(state, estate, &now);
	if (memcmp(now.values, state->params.values, state->spec->nparams * sizeof(double)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DP_QUERY_REFUSED),
				 errmsg("a parameter has changed since the release was paid for"),
				 errhint("Write parameters that do not depend on settings.")));
}

/* Stops if an index that the streamed form rests on proves nothing any more. */
static void
check_proofs(ReleaseState *state, Snapshot snapshot)
{
	for (int i = 0; i < state->spec->nproofs; i++)
	{
		if (!policy_still_unique(state->spec->proofs[i], snapshot))
			ereport(ERROR,
					(errcode(ERRCODE_DP_QUERY_REFUSED),
					 errmsg("a unique index has changed since the query was planned"),
					 errhint("Run the query again.")));
	}
}

/*
 * The plans of sub-selects and CTEs of the release's own query, which the planner hangs on
 * its topmost node.
 */
static List *
own_init_plans(CustomScan *scan, EState *estate)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, scan->scan.plan.initPlan)
		result = lappend(result, list_nth(estate->es_subplanstates,
										  lfirst_node(SubPlan, lc)->plan_id - 1));
	return result;
}

/* How many releases this process has begun. */
static uint64 begun = 0;

uint64
releases_begun(void)
{
	return begun;
}

static void
begin_release(CustomScanState *node, EState *estate, int eflags)
{
	ReleaseState *state = (ReleaseState *) node;
	CustomScan *scan = (CustomScan *) node->ss.ps.plan;
	int			instrument = estate->es_instrument;
	ListCell   *lc;

	begun++;
	state->needs = lsecond(scan->custom_private);
	state->spec = release_plan_spec(&scan->scan.plan);
	read_params(state, estate, &state->params);
	spec_check_price(state->spec, &state->params);

	estate->es_instrument = 0;
	state->child = ExecInitNode(linitial(scan->custom_plans), estate, eflags);
	estate->es_instrument = instrument;
	check_proofs(state, estate->es_snapshot);
	state->plans = lcons(state->child, own_init_plans(scan, estate));
	foreach(lc, state->plans)
		recheck_plan(lfirst(lc));
	recheck_relations(list_nth(state->needs, NEED_RELATIONS),
					  list_nth(state->needs, NEED_SHAPES));
	recheck_declarations(list_nth(state->needs, NEED_RELATIONS),
						 list_nth(state->needs, NEED_NOT_NULL), estate);
	wide_recheck(list_nth(state->needs, NEED_PLAIN));
	recheck_params(list_nth(state->needs, NEED_PARAMS), (PlanState *) state);
	find_releases(state->child, &state->nested, NULL);
}

/* How the group keys are shown. */
static void
open_keys(ReleaseState *state, TupleDesc desc)
{
	state->keys = palloc0(state->spec->nkeys * sizeof(Canonical));
	for (int i = 0; i < state->spec->nkeys; i++)
		canonical_open(&state->keys[i], TupleDescAttr(desc, i)->atttypid,
					   TupleDescAttr(desc, i)->atttypmod, CurrentMemoryContext);
}

/* Orders released rows by their keys, or keeps the one row of no keys. */
static void
begin_store(ReleaseState *state, TupleDesc desc)
{
	int			nkeys = state->spec->nkeys;
	AttrNumber *attnos = palloc(nkeys * sizeof(AttrNumber));
	Oid		   *operators = palloc(nkeys * sizeof(Oid));
	Oid		   *collations = palloc(nkeys * sizeof(Oid));
	bool	   *nulls_first = palloc0(nkeys * sizeof(bool));

	state->stored = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	if (nkeys == 0)
	{
		state->store = tuplestore_begin_heap(false, false, work_mem);
		return;
	}
	for (int i = 0; i < nkeys; i++)
	{
		attnos[i] = i + 1;
		collations[i] = TupleDescAttr(desc, i)->attcollation;
		get_sort_group_operators(TupleDescAttr(desc, i)->atttypid, true, false, false,
								 &operators[i], NULL, NULL, NULL);
	}
	state->sorted = tuplesort_begin_heap(desc, nkeys, attnos, operators, collations,
										 nulls_first, work_mem, NULL,
										 TUPLESORT_RANDOMACCESS);
}

/*
 * The coordinate of a number D of distinct values: 2D/r minus individuals, which
 * one individual changes by something in [-1, 1], and not in [0, 1] only.
 */
static dp_int128
distinct_coordinate(ReleaseState *state, int i, TupleTableSlot *row, const CollectState *group)
{
	int			attno = state->spec->nkeys + 1 + state->spec->coordinates[i].sketch;
	dp_int128	distinct = row->tts_isnull[attno] ? 0 : sketch_distinct(row->tts_values[attno]);

	return 2 * distinct * DP_SCALE / state->params.rows -
		(dp_int128) collect_individuals(group) * DP_SCALE;
}

/* Adds noise to a group's vector; false if the gate holds the group back. */
static bool
release_vector(ReleaseState *state, dp_random *rng, const CollectState *group,
			   TupleTableSlot *row, dp_int128 *noisy)
{
	const ReleaseSpec *spec = state->spec;
	dp_status	status;

	status = dp_noise_draw(rng, state->params.epsilon_share, state->params.groups,
						   spec->dimensions, noisy);
	if (status == DP_ERR_RANDOM)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("the source of random bytes failed")));
	if (status != DP_OK)
		elog(ERROR, "noise could not be drawn");
	for (int i = 0; i < spec->dimensions; i++)
		noisy[i] += i > 0 && spec->coordinates[i].sketch != DP_NONE ?
			distinct_coordinate(state, i, row, group) : collect_coordinate(group, i);
#if defined(DP_FAULT_GATE_OFF) || defined(DP_FAULT_NOISELESS)
	return true;
#endif
	return noisy[0] >= state->tau;
}

/* Draws all a group releases; false if nothing leaves. */
static bool
release_group(ReleaseState *state, dp_random *rng, TupleTableSlot *row, dp_int128 *noisy)
{
	const ReleaseSpec *spec = state->spec;
	int			attno = spec->nkeys;
	const CollectState *group;
	bool		released = false;

	if (row->tts_isnull[attno])
		return false;
	group = collect_read_state(row->tts_values[attno], spec->dimensions);
#ifndef DP_FAULT_GATE_OFF
	if (collect_individuals(group) < setting_min_individuals())
		return false;
#endif
	if (spec->numeric)
	{
		released = release_vector(state, rng, group, row, noisy);
		if (!released)
			return false;
	}
	if (spec->nparts > 0 &&
		parts_draw(state->parts, rng, row->tts_values + attno + 1, row->tts_isnull + attno + 1))
		released = true;
	return released;
}

/*
 * The keys of a group, rebuilt in canonical form: those of the row are the datums of whichever
 * row came first, which may be compressed or stored elsewhere, and a NaN has bits of its own.
 */
static void
release_keys(ReleaseState *state, TupleTableSlot *row, TupleTableSlot *out)
{
	for (int i = 0; i < state->spec->nkeys; i++)
	{
		out->tts_isnull[i] = row->tts_isnull[i];
		if (!row->tts_isnull[i])
			out->tts_values[i] = canonical_datum(&state->keys[i], row->tts_values[i]);
	}
}

/* Turns one row of the child into a released row; false if it is held back. */
static bool
release_row(ReleaseState *state, dp_random *rng, TupleTableSlot *row, TupleTableSlot *out)
{
	const ReleaseSpec *spec = state->spec;
	int			natts = out->tts_tupleDescriptor->natts;
	dp_int128	noisy[DP_MAX_DIMENSIONS] = {0};
	bool		released;

	slot_getallattrs(row);
	ExecClearTuple(out);
	memset(out->tts_isnull, true, natts * sizeof(bool));
	memset(out->tts_values, 0, natts * sizeof(Datum));

	released = release_group(state, rng, row, noisy);
	if (released)
	{
		int			first = spec->nkeys + 1 + spec->nsketches;

		release_keys(state, row, out);
		for (int i = 0; i < spec->noutputs; i++)
		{
			const SpecOutput *output = &spec->outputs[i];

#ifdef DP_FAULT_TWO_DRAWS
			if (i % 2 == 1)
				(void) release_group(state, rng, row, noisy);
#endif
			out->tts_values[first + i] = output->part == DP_NONE ?
				values_output(spec, &state->params, output, noisy, state->simulated,
							  &out->tts_isnull[first + i]) :
				parts_output(state->parts, output, &out->tts_isnull[first + i]);
		}
		if (drain_is_outermost())
			last_group(spec, &state->params, noisy);
	}
	explicit_bzero(noisy, sizeof(noisy));
	ExecStoreVirtualTuple(out);
	return released || spec->nkeys == 0;
}

/* Prepares what all groups share: threshold, work space, simulated noise. */
static void
begin_drawing(ReleaseState *state)
{
	const ReleaseSpec *spec = state->spec;

	if (spec->numeric &&
		dp_gate_threshold(state->params.epsilon_share, state->params.delta_share,
						  state->params.groups, spec->dimensions,
						  setting_min_individuals(), &state->tau) != DP_OK)
		elog(ERROR, "threshold of the gate could not be computed");
	state->parts = parts_begin(spec, &state->params);
	for (int i = 0; i < spec->noutputs && state->simulated == NULL; i++)
	{
		if (spec->outputs[i].end != SPEC_END_NONE && spec->outputs[i].part == DP_NONE)
			state->simulated = values_simulate(spec, &state->params);
	}
	if (drain_is_outermost())
		last_begin(spec, &state->params);
}

/* Fetches all rows of the child and keeps the released ones. */
static void
drain_child(ReleaseState *state, PlanState *child, dp_random *rng, TupleTableSlot *out)
{
	MemoryContext row_context = AllocSetContextCreate(CurrentMemoryContext, "dp_agg released row",
													  ALLOCSET_DEFAULT_SIZES);

	begin_drawing(state);
	for (;;)
	{
		TupleTableSlot *row = ExecProcNode(child);
		MemoryContext old;
		bool		released;

		if (TupIsNull(row))
			break;
		CHECK_FOR_INTERRUPTS();
		old = MemoryContextSwitchTo(row_context);
		released = release_row(state, rng, row, out);
		MemoryContextSwitchTo(old);
		if (released && state->sorted != NULL)
			tuplesort_puttupleslot(state->sorted, out);
		else if (released)
			tuplestore_puttupleslot(state->store, out);
		ExecClearTuple(out);
		MemoryContextReset(row_context);
	}
	MemoryContextDelete(row_context);
	if (drain_is_outermost())
		last_end();
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

static void
end_drawing(Drain *outer, dp_random *rng)
{
	drain_end(outer);
	dp_random_wipe(rng);
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

#ifdef DP_FAULT_NOISELESS
/* How many blocks this process has asked for. */
static int64
blocks_fetched(void)
{
	return pgBufferUsage.shared_blks_hit + pgBufferUsage.shared_blks_read;
}
#endif

static void
drain(ReleaseState *state)
{
	EState	   *estate = state->css.ss.ps.state;
	MemoryContext old = MemoryContextSwitchTo(estate->es_query_cxt);
	Drain		outer;
	uint64		key;
	QuietState	quiet;
	dp_random	rng;
	TupleTableSlot *out;
	volatile bool has_seen_rows = false;
#ifdef DP_FAULT_NOISELESS
	int64		blocks = 0;
#endif

	if (!state->paid || estate->es_epq_active != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DP_QUERY_REFUSED),
				 errmsg("a release was not paid for"),
				 errhint("Run the query as a statement of its own.")));
	state->paid = false;		/* one payment, one draw */

	dp_random_init(&rng, dp_openssl_bytes, NULL);
	if (dp_random_u64(&rng, &key) != DP_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("the source of random bytes failed")));

#ifdef DP_FAULT_NOISELESS
	key = UINT64CONST(0x5851f42d4c957f2d);	/* the same groups count in every run */
#endif

	recheck_stack();
	quiet_transaction();
	quiet_begin(&quiet);
	quiet_relations(state->child);
	recheck_params(list_nth(state->needs, NEED_PARAMS), (PlanState *) state);
	warm_up(state->needs, estate);
	check_params_unchanged(state, estate);
	quiet_messages();
	PG_TRY();
	{
		drain_begin(&outer, key);
		explicit_bzero(&key, sizeof(key));
		out = MakeSingleTupleTableSlot(ExecGetResultType(state->child), &TTSOpsVirtual);
		open_keys(state, out->tts_tupleDescriptor);
		begin_store(state, out->tts_tupleDescriptor);
		read_ctes_ahead(state->plans);
		has_seen_rows = true;
#ifdef DP_FAULT_NOISELESS
		blocks = blocks_fetched();
#endif
		drain_child(state, state->child, &rng, out);
		read_wholly(state->plans);
		(void) ExecShutdownNode(state->child);
#ifdef DP_FAULT_NOISELESS
		blocks = blocks_fetched() - blocks;
#endif
		ExecDropSingleTupleTableSlot(out);
		if (!leads_others(state->child, state->css.ss.ps.plan->initPlan))
		{
			ExecEndNode(state->child);
			state->child = NULL;
		}
	}
	PG_CATCH();
	{
		end_drawing(&outer, &rng);
		if (has_seen_rows)
			conceal_error(old);
		PG_RE_THROW();
	}
	PG_END_TRY();
	end_drawing(&outer, &rng);
	quiet_end(&quiet);
	loud_relations(estate);
#ifdef DP_FAULT_NOISELESS
	ereport(NOTICE, (errmsg_internal("blocks fetched: " INT64_FORMAT, blocks)));
#endif
	if (state->sorted != NULL)
		tuplesort_performsort(state->sorted);
	state->drained = true;
	MemoryContextSwitchTo(old);
}

static TupleTableSlot *
next_released(ScanState *node)
{
	ReleaseState *state = (ReleaseState *) node;
	TupleTableSlot *slot = node->ss_ScanTupleSlot;
	bool		found;

	if (!state->drained)
		drain(state);
	if (state->sorted != NULL)
		found = tuplesort_gettupleslot(state->sorted, true, false, state->stored, NULL);
	else
		found = tuplestore_gettupleslot(state->store, true, false, state->stored);
	if (!found)
		return ExecClearTuple(slot);
	return ExecCopySlot(slot, state->stored);
}

static bool
recheck_released(ScanState *node, TupleTableSlot *slot)
{
	return true;
}

static TupleTableSlot *
exec_release(CustomScanState *node)
{
	return ExecScan(&node->ss, next_released, recheck_released);
}

static void
rescan_release(CustomScanState *node)
{
	ReleaseState *state = (ReleaseState *) node;

	ExecScanReScan(&node->ss);
	if (!state->drained)
		return;
	if (state->sorted != NULL)
		tuplesort_rescan(state->sorted);
	else
		tuplestore_rescan(state->store);
}

static void
end_release(CustomScanState *node)
{
	ReleaseState *state = (ReleaseState *) node;

	if (state->child != NULL)
	{
		QuietState	quiet;

		quiet_begin(&quiet);
		ExecEndNode(state->child);
		quiet_end(&quiet);
		state->child = NULL;
	}
	if (state->stored != NULL)
		ExecDropSingleTupleTableSlot(state->stored);
	if (state->sorted != NULL)
		tuplesort_end(state->sorted);
	if (state->store != NULL)
		tuplestore_end(state->store);
	state->sorted = NULL;
	state->store = NULL;
	state->stored = NULL;
}
