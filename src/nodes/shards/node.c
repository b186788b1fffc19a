/*
 * node.c
 *		On the coordinator: has the query of a release's pieces run, and hands their states out.  The
 *		same for public tables of Citus that are read beside releases: rows, then.
 *
 * - The query is planned when the node begins, so that whatever Citus refuses is refused before the
 *   release is paid for; also where nothing but a plan or an estimate is asked for.
 * - It is run once, when the first state is asked for, by the right of the extension's owner, since
 *   the analyst has none on the tables, and machines take pieces from superusers alone (query/piece.c).
 *   Code of others must not have that right: see policy/powerless.h, policy/travel_types.h, session/carried.h.
 *   Whatever Citus keeps on the way belongs to that role, and the client can read none of it.
 * - Settings of the client's do not reach the machines (session/neutral.h), and what functions go by
 *   travels in the head of the query.
 * - A machine that fails is an error of the whole release, which stays paid for; no state of the others leaves.
 *
 * A superuser's own releases run under its own name, and see what its transaction has written.
 * Others do not see that: where they have written they are refused.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/tstoreReceiver.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "tcop/tcopprot.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "core/compat.h"
#include "core/errors.h"
#include "core/refusals.h"
#include "mechanism/random.h"
#include "mechanism/status.h"
#include "nodes/custom.h"
#include "nodes/drain.h"
#include "nodes/identity.h"
#include "nodes/shards/kept.h"
#include "nodes/shards/node.h"
#include "nodes/shards/settle.h"
#include "policy/extension.h"
#include "policy/owner_call.h"
#include "policy/travel.h"
#include "policy/travel_types.h"
#include "session/carried.h"
#include "session/neutral.h"
#include "spec/piece.h"

typedef struct ShardsState
{
	CustomScanState css;		/* must be first */
	Query	   *query;			/* of the pieces, while it lacks values; else NULL */
	PlannedStmt *plan;			/* of this query */
	Oid			role;			/* who runs it */
	KeptRows	kept;			/* states or rows, once it has run */
} ShardsState;

/* Who has been put aside, and which settings, while the query is planned or run. */
typedef struct Aside
{
	Oid			user;
	int			context;
	int			nestlevel;
} Aside;

/* Is the query of pieces being planned, or run, by this process? */
static bool planned = false;
static bool run = false;

bool
pieces_are_planned(void)
{
	return planned;
}

bool
pieces_are_run(void)
{
	return run;
}

/* ----------
 * By whose right
 * ----------
 */

/* Who is to run the query.  Raises ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE if the extension's owner is no superuser. */
static Oid
running_role(void)
{
	Oid			owner = extension_owner(DP_FUNC_PROTECT);

	if (superuser())
		return GetUserId();
	if (!superuser_arg(owner))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("releases over distributed tables want a superuser as the owner of extension dp_agg"),
				 errhint("Ask the administrator.")));
	return owner;
}

static void
put_aside(Aside *aside, Oid role)
{
	GetUserIdAndSecContext(&aside->user, &aside->context);
	aside->nestlevel = neutral_begin();

	/*
	 * what others have written does not count, nor does a snapshot that is older than the
	 * statement
	 */
	if (!IsolationUsesXactSnapshot() && (role != aside->user || !IsTransactionBlock()))
		neutral_without_block();
	if (role != aside->user)
		SetUserIdAndSecContext(role, aside->context | SECURITY_LOCAL_USERID_CHANGE);
}

static void
put_back(const Aside *aside)
{
	SetUserIdAndSecContext(aside->user, aside->context);
}

/*
 * Refuses if the transaction has written to tables of Citus by another role than that which will read:
 * its connections are others.  Citus keeps the level of what was written in a variable; where that
 * is not found, any write counts.
 */
static void
check_nothing_written(Oid role)
{
	const int  *level;

	if (role == GetUserId())
		return;
	carried_check();
	level = (const int *) (const void *) load_external_function("$libdir/citus", "XactModificationLevel",
																false, NULL);
	if (level != NULL ? *level > 1 : TransactionIdIsValid(GetTopTransactionIdIfAny()))
		refuse(REFUSE_SHARDS_WRITTEN, NULL, -1);
}

/* ----------
 * Planning
 * ----------
 */

/* The head of the query: what it tells whoever computes a piece. */
static Const *
make_head(CustomScan *scan)
{
	List	   *numbers = lthird(scan->custom_private);
	PieceHead	head = {.nunits = linitial_int(numbers),
		.alone = lsecond_int(numbers) != 0,.settings = session_settings_now(),
		.description = node_description(scan)};
	dp_random	rng;

	dp_random_init(&rng, dp_openssl_bytes, NULL);
	if (dp_random_u64(&rng, &head.secret) != DP_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("the source of random bytes failed")));
	dp_random_wipe(&rng);
#ifdef DP_FAULT_NOISELESS
	head.secret = DP_NOISELESS_SECRET;	/* the same groups count in every run */
#endif
	return makeConst(BYTEAOID, -1, InvalidOid, -1, PointerGetDatum(piece_head_write(&head)), false, false);
}

/* Puts the head in its place; other collectors have an empty one there. */
static void
set_head(Query *piece, Const *head)
{
	ListCell   *lc;

	foreach(lc, piece->targetList)
	{
		Aggref	   *aggref = (Aggref *) lfirst_node(TargetEntry, lc)->expr;

		if (!IsA(aggref, Aggref))
			continue;
		if (extension_function(aggref->aggfnoid) == DP_FUNC_BOUND)
			linitial_node(TargetEntry, aggref->args)->expr = (Expr *) head;
		else if (extension_function(aggref->aggfnoid) == DP_FUNC_BOUND_SKETCH)
			linitial_node(TargetEntry, aggref->args)->expr = (Expr *)
				makeConst(BYTEAOID, -1, InvalidOid, -1, PointerGetDatum(cstring_to_text_with_len("", 0)),
						  false, false);
	}
}

/*
 * Who reads the rows of a public table: as with pieces, where a superuser owns it; else the client, or the owner of the view in
 * which it stands, for whoever owns a table may have code of its own run by who reads it.
 */
static Oid
reader_of(Query *rows)
{
	RangeTblEntry *rte = linitial(rows->rtable);
	DpPermissions *permissions = DP_QUERY_PERMISSIONS(rows, rte);

	if (is_table_of_superuser(rte->relid))
		return running_role();
	return OidIsValid(permissions->checkAsUser) ? permissions->checkAsUser : GetUserId();
}

/*
 * The relations are read by who runs the query; the client's right to them is that of its own plan.  The planner asks
 * for that to views, and would as nobody (policy/powerless.c).
 */
static bool
forget_reader(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		DP_FORGET_READERS((Query *) node);
		return query_tree_walker((Query *) node, forget_reader, context, 0);
	}
	return expression_tree_walker(node, forget_reader, context);
}

/*
 * Is the plan one that hands the query to machines as it is?  Citus would put an aggregation of its own on
 * top of what it does not, and there is nothing but a scan of its own otherwise.
 */
static bool
hands_on_whole(const PlannedStmt *plan)
{
	return plan->commandType == CMD_SELECT && IsA(plan->planTree, CustomScan);
}

/* Plans the query, as a client of Citus. */
static PlannedStmt *
plan_query(Query *query)
{
	PlannedStmt *result;
	bool		outer = planned;

	planned = true;
	PG_TRY();
	{
		result = DP_PLAN_QUERY(query, "release", CURSOR_OPT_PARALLEL_OK, NULL, NULL);
	}
	PG_FINALLY();
	{
		planned = outer;
	}
	PG_END_TRY();
	return result;
}

/* In PG_CATCH(): what Citus does not do is a refusal, in its words. */
static void
tell_refusal(MemoryContext context)
{
	ErrorData  *error;

	if (geterrcode() != ERRCODE_FEATURE_NOT_SUPPORTED && geterrcode() != ERRCODE_INTERNAL_ERROR)
		PG_RE_THROW();
	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	refuse_with_reason(REFUSE_SHARDS_PLAN, error->message);
}

/* Plans the query by the right of the role. */
static PlannedStmt *
plan_pieces(Query *query, Oid role)
{
	MemoryContext context = CurrentMemoryContext;
	PlannedStmt *result = NULL;
	Aside		aside;

	if (role != GetUserId())
		check_travelling(query);
	put_aside(&aside, role);
	PG_TRY();
	{
		result = plan_query(query);
	}
	PG_CATCH();
	{
		put_back(&aside);
		tell_refusal(context);
	}
	PG_END_TRY();
	put_back(&aside);
	neutral_end(aside.nestlevel);
	if (!hands_on_whole(result))
		refuse_with_reason(REFUSE_SHARDS_PLAN, NULL);
	result->queryId = 0;		/* it is none of the client's statements, for who counts these */
	return result;
}

/* ----------
 * Values that are handed over
 * ----------
 */

/* What is there before a value is: nothing of an array, and of any other something that the planner cannot foresee. */
static Node *
placeholder(const Param *param)
{
	Oid			element = get_element_type(param->paramtype);

	if (OidIsValid(element))
		return (Node *) makeConst(param->paramtype, -1, param->paramcollid, -1,
								  PointerGetDatum(construct_empty_array(element)), false, false);
	return (Node *) makeFuncExpr(extension_oid(DP_FUNC_OUTPUT, InvalidOid), param->paramtype,
								 list_make3(makeNullConst(BYTEAOID, -1, InvalidOid),
											makeConst(INT4OID, -1, InvalidOid, sizeof(int32),
													  Int32GetDatum(0), false, true),
											makeNullConst(param->paramtype, -1, param->paramcollid)),
								 param->paramcollid, InvalidOid, COERCE_EXPLICIT_CALL);
}

/* Puts values (of Const), or placeholders, in the place of the parameters of query/shards_released.c. */
static Node *
fill_in(Node *node, void *values)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Query))
		return (Node *) query_tree_mutator((Query *) node, fill_in, values, 0);
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXEC)
		return values == NULL ? placeholder((Param *) node) :
			(Node *) copyObject(list_nth((List *) values, ((Param *) node)->paramid));
	return expression_tree_mutator(node, fill_in, values);
}

/* Does the node read rows of a public table?  Code of whoever owns that may run, as that of any other statement. */
static bool
of_rows(const ShardsState *state)
{
	return list_length(((const CustomScan *) state->css.ss.ps.plan)->custom_private) == 1;
}

/* How many values the plan hands over. */
static int
handed_over(const CustomScan *scan)
{
	return list_length(scan->custom_private) == 1 ? 0 : lthird_int(lthird(scan->custom_private));
}

/* Asks for the values, which are sub-selects of the plan. */
static List *
values_of_plan(ShardsState *state)
{
	CustomScan *scan = (CustomScan *) state->css.ss.ps.plan;
	List	   *result = NIL;

	for (int i = 0; i < handed_over(scan); i++)
		result = lappend(result, value_now(list_nth(scan->custom_exprs, i), &state->css.ss.ps));
	return result;
}

static void
begin_shards(CustomScanState *node, EState *estate, int eflags)
{
	ShardsState *state = (ShardsState *) node;
	CustomScan *scan = (CustomScan *) node->ss.ps.plan;
	Query	   *query;

	if (of_rows(state))
	{
		query = copyObject(linitial(scan->custom_private));
		state->role = reader_of(query);
	}
	else
	{
		state->role = running_role();
		query = settle_piece(lsecond(scan->custom_private), &node->ss.ps);
		set_head(query, make_head(scan));
		travel_out(query);
	}
	(void) forget_reader((Node *) query, NULL);
	if (handed_over(scan) > 0)
	{
		state->query = query;
		query = (Query *) fill_in((Node *) query, NULL);
	}
	state->plan = plan_pieces(query, state->role);
}

/*
 * Has what is released here, and the pieces need, drawn before protected rows are read; plans the query anew, with
 * these values.
 */
void
shards_read_ahead(PlanState *node)
{
	ShardsState *state = (ShardsState *) node;
	MemoryContext old;
	List	   *values;

	if (state->query == NULL)
		return;
	old = MemoryContextSwitchTo(node->state->es_query_cxt);
	values = values_of_plan(state);
	state->plan = plan_pieces((Query *) fill_in((Node *) state->query, values), state->role);
	state->query = NULL;
	MemoryContextSwitchTo(old);
}

/* ----------
 * Running
 * ----------
 */

/* Runs the plan to its end, into the store. */
static void
run_plan(ShardsState *state)
{
	DestReceiver *dest = CreateDestReceiver(DestTuplestore);
	QueryDesc  *desc;

	desc = CreateQueryDesc(state->plan, "release", GetActiveSnapshot(), InvalidSnapshot, dest, NULL, NULL, 0);
	ExecutorStart(desc, 0);
	kept_begin(&state->kept, desc->tupDesc);
	SetTuplestoreDestReceiverParams(dest, state->kept.store, CurrentMemoryContext, true, NULL, NULL);
	DP_EXECUTOR_RUN_ALL(desc);
	ExecutorFinish(desc);
	ExecutorEnd(desc);
	FreeQueryDesc(desc);
	dest->rDestroy(dest);
}

/*
 * In PG_CATCH(): of a machine that cannot be reached, or has gone, the client is told no more than that; where it is
 * and what it said is for the server log.
 */
static void
tell_failure(MemoryContext context)
{
	ErrorData  *error;

	if (ERRCODE_TO_CATEGORY(geterrcode()) != ERRCODE_CONNECTION_EXCEPTION)
		PG_RE_THROW();
	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	ereport(LOG_SERVER_ONLY,
			(errcode(error->sqlerrcode),
			 errmsg("a machine failed a release: %s", error->message),
			 error->detail ? errdetail_internal("%s", error->detail) : 0));
	ereport(ERROR,
			(errcode(ERRCODE_CONNECTION_FAILURE),
			 errmsg("a machine of the cluster could not be reached, or went away"),
			 errdetail("Nothing was released. What was paid stays paid."),
			 errhint("Ask the administrator; the server log says which machine.")));
}

/* The same by the right of the role. */
static void
run_pieces(ShardsState *state)
{
	EState	   *estate = state->css.ss.ps.state;
	MemoryContext old = MemoryContextSwitchTo(estate->es_query_cxt);
	bool		outer = run;
	Aside		aside;

	check_nothing_written(state->role);
	put_aside(&aside, state->role);
	PushActiveSnapshot(estate->es_snapshot);
	PG_TRY();
	{
		run = !of_rows(state);
		run_plan(state);
	}
	PG_CATCH();
	{
		run = outer;
		put_back(&aside);
		tell_failure(old);
	}
	PG_END_TRY();
	run = outer;
	put_back(&aside);
	PopActiveSnapshot();
	neutral_end(aside.nestlevel);
	MemoryContextSwitchTo(old);
}

static TupleTableSlot *
next_state(ScanState *node)
{
	ShardsState *state = (ShardsState *) node;

	if (state->kept.store == NULL)
	{
		shards_read_ahead(&state->css.ss.ps);
		run_pieces(state);
	}
	return kept_next(&state->kept, node->ss_ScanTupleSlot);
}

static TupleTableSlot *
exec_shards(CustomScanState *node)
{
	return custom_exec(node, next_state);
}

/* What has come is handed out again: rows, that is, for a release runs once. */
static void
rescan_shards(CustomScanState *node)
{
	ExecScanReScan(&node->ss);
	kept_rewind(&((ShardsState *) node)->kept);
}

static void
end_shards(CustomScanState *node)
{
	kept_end(&((ShardsState *) node)->kept);
}

static const CustomExecMethods shards_exec_methods = {
	.CustomName = node_shards,
	.BeginCustomScan = begin_shards,
	.ExecCustomScan = exec_shards,
	.EndCustomScan = end_shards,
	.ReScanCustomScan = rescan_shards,
};

/* CreateCustomScanState */
Node *
shards_create_state(CustomScan *scan)
{
	return custom_create_state(sizeof(ShardsState), &shards_exec_methods);
}
