/*
 * recheck.c
 *		The finished plan of a release, judged once more before it is paid for.
 *
 * The rewriter judges what the query says.  What runs is the plan, and the planner
 * takes more into it from the catalogs: predicates of partial indexes, children
 * of tables.  Code of the client's may run between the two (immutable functions at
 * plan time, other statements of an SQL function) and change its own tables and
 * variables.  So at the start of each execution:
 *
 * - the plan consists of known nodes, all functions in it are built in or ours,
 *   foreign tables are protected ones, and rows are looked up by declared columns only
 *   (recheck_plan);
 * - relations are what they were when the query was judged (recheck_relations): the
 *   executor finds out about a changed column when the first row is there;
 * - what is declared of them, and believed, is true of the rows that this snapshot sees
 *   (recheck_declarations);
 * - external parameters have values, of a width that fits into a row
 *   (recheck_params): PL/pgSQL computes them when they are asked for;
 * - there is stack enough for the plan (recheck_stack): plan nodes look at it when
 *   they first run.
 *
 * None of these depends on rows.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/tupdesc.h"
#include "catalog/pg_index.h"
#include "catalog/pg_proc.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "tcop/tcopprot.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "core/errors.h"
#include "core/refusals.h"
#include "core/settings.h"
#include "nodes/identity.h"
#include "nodes/release/grains.h"
#include "nodes/release/recheck.h"
#include "policy/allowed.h"
#include "policy/cache.h"
#include "policy/enforced.h"
#include "policy/extension.h"
#include "spec/shapes.h"

/* ----------
 * The plan
 * ----------
 */

static bool
function_is_foreign(Oid funcid, void *context)
{
	if (funcid >= FirstNormalObjectId)
		return extension_function(funcid) == DP_FUNC_NONE;
	return func_volatile(funcid) == PROVOLATILE_VOLATILE;
}

/* Where the walk through a plan notes the calls of dp_agg.grain_end() that it comes by. */
static List **grain_calls = NULL;

static bool
expression_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (is_grain_call(node))
		*grain_calls = list_append_unique(*grain_calls, node);
	if (check_functions_in_node(node, function_is_foreign, NULL))
		refuse(REFUSE_PLAN, NULL, -1);
	return expression_tree_walker(node, expression_walker, context);
}

static void
check_expressions(void *node)
{
	(void) expression_walker((Node *) node, NULL);
}

/* Does a plan node have no expressions but those that all have? */
static bool
is_plain_node(const Plan *plan)
{
	switch (nodeTag(plan))
	{
		case T_Append:
		case T_MergeAppend:
		case T_BitmapAnd:
		case T_BitmapOr:
		case T_SeqScan:
		case T_SubqueryScan:
		case T_CteScan:
		case T_Material:
		case T_Sort:
		case T_IncrementalSort:
		case T_Group:
		case T_Agg:
		case T_Unique:
		case T_Gather:
		case T_GatherMerge:
		case T_SetOp:
			return true;
		default:
			return false;
	}
}

/* A partition or child of a client's own table sends its server what it looks for. */
static void
check_foreign_scan(const ScanState *scan)
{
	Relation	relation = scan->ss_currentRelation;

	if (relation == NULL || policy_lookup(RelationGetRelid(relation)) == NULL)
		refuse(REFUSE_PLAN, NULL, -1);
}

typedef struct LookUpContext
{
	const ProtectedRelation *rel;
	Form_pg_index index;
} LookUpContext;

/*
 * Does a condition on an index ask for another column than those that are declared, or compare with what
 * other rows say?
 */
static bool
undeclared_walker(Node *node, void *context)
{
	const LookUpContext *look_up = context;

	if (node == NULL)
		return false;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXEC)
		return true;
	if (IsA(node, Var) && ((Var *) node)->varno == INDEX_VAR)
	{
		AttrNumber	attno = look_up->index->indkey.values[((Var *) node)->varattno - 1];

		return !policy_column_indexed(look_up->rel, policy_labelled_column(look_up->rel,
																		   look_up->index->indrelid,
																		   attno));
	}
	return expression_tree_walker(node, undeclared_walker, context);
}

/*
 * Refuses to look rows of a protected relation up by what the DBA has not declared, or no longer.
 * Plans that are kept are made anew then.
 */
static void
check_look_up(Oid indexid, List *quals)
{
	HeapTuple	tuple;
	LookUpContext context;
	bool		undeclared;

	if (quals == NIL || dp_setting_index_scans)
		return;
	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(indexid));
	if (!HeapTupleIsValid(tuple))
		refuse_changed();
	context.index = (Form_pg_index) GETSTRUCT(tuple);
	context.rel = policy_lookup(context.index->indrelid);
	undeclared = context.rel != NULL && undeclared_walker((Node *) quals, &context);
	ReleaseSysCache(tuple);
	if (undeclared)
	{
		ResetPlanCache();
		refuse_changed();
	}
}

/* Checks the expressions of a scan that not all nodes have; false if it is none. */
static bool
check_scan(PlanState *state)
{
	Plan	   *plan = state->plan;

	switch (nodeTag(plan))
	{
		case T_IndexScan:
			check_expressions(((IndexScan *) plan)->indexqual);
			check_expressions(((IndexScan *) plan)->indexqualorig);
			check_expressions(((IndexScan *) plan)->indexorderby);
			check_expressions(((IndexScan *) plan)->indexorderbyorig);
			check_look_up(((IndexScan *) plan)->indexid, ((IndexScan *) plan)->indexqual);
			break;
		case T_IndexOnlyScan:
			check_expressions(((IndexOnlyScan *) plan)->indexqual);
			check_expressions(((IndexOnlyScan *) plan)->recheckqual);
			check_expressions(((IndexOnlyScan *) plan)->indexorderby);
			check_look_up(((IndexOnlyScan *) plan)->indexid, ((IndexOnlyScan *) plan)->indexqual);
			break;
		case T_BitmapIndexScan:
			check_expressions(((BitmapIndexScan *) plan)->indexqual);
			check_expressions(((BitmapIndexScan *) plan)->indexqualorig);
			check_look_up(((BitmapIndexScan *) plan)->indexid, ((BitmapIndexScan *) plan)->indexqual);
			break;
		case T_BitmapHeapScan:
			check_expressions(((BitmapHeapScan *) plan)->bitmapqualorig);
			break;
		case T_ValuesScan:
			check_expressions(((ValuesScan *) plan)->values_lists);
			break;
		case T_FunctionScan:
			check_expressions(((FunctionScan *) plan)->functions);
			break;
		case T_ForeignScan:
			check_foreign_scan((ScanState *) state);
			break;
		case T_CustomScan:
			if (!is_state_of(state, node_bound) && !is_state_of(state, node_stream) &&
				!is_state_of(state, node_wide) && !is_state_of(state, node_public) &&
				!is_state_of(state, node_shards))
				refuse(REFUSE_PLAN, NULL, -1);
			check_expressions(((CustomScan *) plan)->custom_exprs);
			break;
		default:
			return false;
	}
	return true;
}

/* The same of a join or of what else is no scan; false if the node is not known. */
static bool
check_other_node(Plan *plan)
{
	switch (nodeTag(plan))
	{
		case T_Result:
			check_expressions(((Result *) plan)->resconstantqual);
			break;
		case T_NestLoop:
			check_expressions(((NestLoop *) plan)->join.joinqual);
			break;
		case T_MergeJoin:
			check_expressions(((MergeJoin *) plan)->join.joinqual);
			check_expressions(((MergeJoin *) plan)->mergeclauses);
			break;
		case T_HashJoin:
			check_expressions(((HashJoin *) plan)->join.joinqual);
			check_expressions(((HashJoin *) plan)->hashclauses);
			break;
		case T_Hash:
			check_expressions(((Hash *) plan)->hashkeys);
			break;
		case T_Memoize:
			check_expressions(((Memoize *) plan)->param_exprs);
			break;
		case T_Limit:
			check_expressions(((Limit *) plan)->limitOffset);
			check_expressions(((Limit *) plan)->limitCount);
			break;
		case T_WindowAgg:
			check_expressions(((WindowAgg *) plan)->startOffset);
			check_expressions(((WindowAgg *) plan)->endOffset);
			check_expressions(((WindowAgg *) plan)->runCondition);
			break;
		default:
			return false;
	}
	return true;
}

/* The expressions of a plan node that not all nodes have; refuses unknown nodes. */
static void
check_plan_node(PlanState *state)
{
	if (!is_plain_node(state->plan) && !check_scan(state) && !check_other_node(state->plan))
		refuse(REFUSE_PLAN, NULL, -1);
}

static bool
has_release(PlanState *state, void *context)
{
	return is_state_of(state, node_release) || planstate_tree_walker(state, has_release, context);
}

static bool
plan_walker(PlanState *state, void *context)
{
	if (is_state_of(state, node_release))
		return false;			/* judged by itself */
	check_plan_node(state);
	/* no row of more columns can be formed, if there is a row */
	if (list_length(state->plan->targetlist) > MaxTupleAttributeNumber)
		refuse(REFUSE_TOO_LARGE, NULL, -1);
	/* a client's CTE runs when a scan here asks for it; one that is released is public */
	if (IsA(state, CteScanState) && !has_release(((CteScanState *) state)->cteplanstate, NULL))
		(void) plan_walker(((CteScanState *) state)->cteplanstate, context);
	check_expressions(state->plan->targetlist);
	check_expressions(state->plan->qual);
	return planstate_tree_walker(state, plan_walker, context);
}

/*
 * Judges the plan below a release; raises ERRCODE_DP_QUERY_REFUSED.  Adds its calls of dp_agg.grain_end() to
 * *calls.
 */
void
recheck_plan(PlanState *child, List **calls)
{
	grain_calls = calls;
	(void) plan_walker(child, NULL);
	grain_calls = NULL;
}

/* ----------
 * Relations
 * ----------
 */

/* Refuses if a relation is no longer what it was; raises ERRCODE_DP_QUERY_REFUSED. */
void
recheck_relations(List *relids, List *shapes)
{
	ListCell   *lr;
	ListCell   *ls;

	forboth(lr, relids, ls, shapes)
	{
		if (relation_shape(lfirst_oid(lr)) != (uint32) lfirst_int(ls))
			refuse_changed();
	}
}

/*
 * Refuses if columns that were taken to be never NULL may be, in the rows that this
 * execution sees, or if it may see rows for which what the planner believes of protected
 * relations is not true.  Unique indexes that the release itself rests on are
 * check_proofs()'s.  Raises ERRCODE_DP_QUERY_REFUSED.
 */
void
recheck_declarations(List *relids, List *not_null, EState *estate)
{
	ListCell   *lr;
	ListCell   *ln;

	forboth(lr, relids, ln, not_null)
	{
		if (lfirst(ln) != NIL &&
			!policy_still_not_null(lfirst_oid(lr), lfirst(ln), estate->es_snapshot))
			refuse_changed();
	}
	foreach(lr, estate->es_range_table)
	{
		RangeTblEntry *rte = lfirst(lr);

		if (rte->rtekind == RTE_RELATION && policy_lookup(rte->relid) != NULL &&
			!policy_is_settled(rte->relid, estate->es_snapshot))
			ereport(ERROR,
					(errcode(ERRCODE_DP_QUERY_REFUSED),
					 errmsg("a protected table has changed since the transaction began"),
					 errhint("Run the query in a new transaction.")));
	}
}

/*
 * Refuses if one of these indexes (Oids), which the planner has believed in, is not unique for the
 * snapshot; raises ERRCODE_DP_QUERY_REFUSED.  Plans that are kept are made anew then.
 */
void
recheck_unique(List *indexes, Snapshot snapshot)
{
	ListCell   *lc;

	foreach(lc, indexes)
	{
		if (policy_still_unique(lfirst_oid(lc), snapshot))
			continue;
		ResetPlanCache();
		refuse_changed();
	}
}

/* ----------
 * Parameters
 * ----------
 */

/*
 * Asks for the values of external parameters, and refuses wide ones.  Raises what the
 * parameters raise, and ERRCODE_DP_QUERY_REFUSED.
 */
void
recheck_params(List *params, PlanState *parent)
{
	ExprContext *econtext = parent->ps_ExprContext;
	ListCell   *lc;

	foreach(lc, params)
	{
		Param	   *param = lfirst_node(Param, lc);
		ExprState  *expr = ExecInitExpr((Expr *) param, parent);
		bool		isnull;
		Datum		value = ExecEvalExprSwitchContext(expr, econtext, &isnull);

		if (!isnull && get_typlen(param->paramtype) == -1 &&
			toast_raw_datum_size(value) > GUARDED_WIDEST)
			refuse(REFUSE_WIDE_PARAMETER, NULL, -1);
	}
	ResetExprContext(econtext);
}

/* ----------
 * Stack
 * ----------
 */

#define STACK_STEP (32 * 1024)

/* Is there still stack after as many steps more? */
static bool pg_noinline
stack_suffices(int steps)
{
	volatile char step[STACK_STEP];

	step[0] = step[STACK_STEP - 1] = 0;
	if (stack_is_too_deep())
		return false;
	return steps == 0 || (stack_suffices(steps - 1) && step[0] == 0);
}

/*
 * Refuses if less than half a megabyte of the stack is left, or a half of a smaller
 * one.  The limits of check_size() in query/needs.c see to it that no plan needs more.
 */
void
recheck_stack(void)
{
	int			reserve = Min(512, max_stack_depth / 2) * 1024;

	if (!stack_suffices(reserve / STACK_STEP))
		refuse(REFUSE_STACK, NULL, -1);
}
