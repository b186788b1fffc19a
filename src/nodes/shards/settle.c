/*
 * settle.c
 *		What no row decides in the query of a piece is computed before it is sent.
 *
 * Parameters of the statement, the time, and values of the session mean something here and nothing, or
 * something else, on the machines that compute pieces.  So the largest expressions that need no row become
 * constants: once for each execution, and before the release is paid for.  None of them fails
 * that the rewriter has not guarded.  The same goes for functions in FROM that depend on the session.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteManip.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"

#include "core/refusals.h"
#include "core/rowless.h"
#include "nodes/node_params.h"
#include "nodes/shards/settle.h"
#include "policy/allowed.h"

/* May it be computed by itself?  Lists, and parts of CASE, are none. */
static bool
is_settled_here(Node *node)
{
	switch (nodeTag(node))
	{
		case T_Const:
		case T_List:
		case T_CaseWhen:
			return false;
		default:
			return !needs_row(node) && !expression_returns_set(node) &&
				!contain_volatile_functions(node);
	}
}

/* What an expression of a node that has begun yields now; ERRCODE_DP_QUERY_REFUSED if that is too wide. */
Const *
value_now(Node *node, PlanState *parent)
{
	Const	   *value = node_value(node, parent);

	if (!value->constisnull && value->constlen == -1)
	{
		if (toast_raw_datum_size(value->constvalue) > GUARDED_WIDEST)
			refuse(REFUSE_WIDE_PARAMETER, NULL, -1);
		value->constvalue = PointerGetDatum(PG_DETOAST_DATUM(value->constvalue));
	}
	return value;
}

/* ----------
 * Functions in FROM
 * ----------
 */

/*
 * Is it a call that yields rows of one column which depend on the session, as generate_series() of days with an
 * offset of the time zone?  Citus would have it computed by itself, where the session's settings do not count.
 */
static bool
is_session_series(Node *node)
{
	FuncExpr   *call = (FuncExpr *) node;

	return node != NULL && IsA(node, FuncExpr) && call->funcretset && !needs_row((Node *) call->args) &&
		contain_mutable_functions(node) && !contain_volatile_functions(node) &&
		get_typtype(call->funcresulttype) != TYPTYPE_COMPOSITE &&
		OidIsValid(get_array_type(call->funcresulttype));
}

/* The rows that the call yields, of one column, as an array. */
static Const *
rows_now(FuncExpr *call, PlanState *parent)
{
	Oid			type = get_array_type(call->funcresulttype);
	ExprContext *context = parent->ps_ExprContext;
	Expr	   *expr = expression_planner(copyObject((Expr *) call));
	TupleDesc	columns = CreateTemplateTupleDesc(1);
	ArrayBuildState *array = initArrayResult(call->funcresulttype, CurrentMemoryContext, false);
	TupleTableSlot *row;
	Tuplestorestate *rows;
	Datum		value;

	TupleDescInitEntry(columns, 1, "value", call->funcresulttype, -1, 0);
	TupleDescInitEntryCollation(columns, 1, call->funccollid);
	rows = ExecMakeTableFunctionResult(ExecInitTableFunctionResult(expr, context, parent), context,
									   context->ecxt_per_tuple_memory, columns, false);
	row = MakeSingleTupleTableSlot(columns, &TTSOpsMinimalTuple);
	while (tuplestore_gettupleslot(rows, true, false, row))
	{
		bool		isnull;

		CHECK_FOR_INTERRUPTS();
		value = slot_getattr(row, 1, &isnull);
		array = accumArrayResult(array, value, isnull, call->funcresulttype, CurrentMemoryContext);
		if (array->nelems > GUARDED_WIDEST)
			refuse(REFUSE_WIDE_PARAMETER, NULL, -1);
	}
	ExecDropSingleTupleTableSlot(row);
	tuplestore_end(rows);
	value = makeArrayResult(array, CurrentMemoryContext);
	if (toast_raw_datum_size(value) > GUARDED_WIDEST)
		refuse(REFUSE_WIDE_PARAMETER, NULL, -1);
	ResetExprContext(context);
	return makeConst(type, -1, call->funccollid, -1, value, false, false);
}

/* unnest(array), in the place of the call. */
static Node *
settled_series(FuncExpr *call, PlanState *parent)
{
	FuncExpr   *result = makeFuncExpr(F_UNNEST_ANYARRAY, call->funcresulttype, list_make1(rows_now(call, parent)),
									  call->funccollid, call->funccollid, COERCE_EXPLICIT_CALL);

	result->funcretset = true;
	return (Node *) result;
}

/* ----------
 * Expressions
 * ----------
 */

/* A sub-select that reads nothing, and yields one value (query/session_values.c); else NULL. */
static Node *
sole_value(SubLink *sublink)
{
	Query	   *query = (Query *) sublink->subselect;
	Node	   *value;

	if (sublink->subLinkType != EXPR_SUBLINK || !IsA(query, Query) || query->rtable != NIL ||
		query->jointree->quals != NULL || list_length(query->targetList) != 1 ||
		query->groupClause != NIL || query->havingQual != NULL || query->limitCount != NULL ||
		query->limitOffset != NULL || query->hasAggs || query->setOperations != NULL)
		return NULL;
	value = (Node *) linitial_node(TargetEntry, query->targetList)->expr;
	return needs_row(value) ? NULL : value;
}

static Node *
settle_mutator(Node *node, void *parent)
{
	Node	   *result;

	if (node == NULL)
		return NULL;
	if (IsA(node, Query))
	{
		Query	   *query = query_tree_mutator((Query *) node, settle_mutator, parent, 0);

		query->hasSubLinks = checkExprHasSubLink((Node *) query);
		return (Node *) query;
	}
	if (IsA(node, SubLink))
	{
		Node	   *value = sole_value((SubLink *) node);

		if (value != NULL)
			return IsA(value, Const) ? copyObject(value) : (Node *) value_now(value, parent);
	}
	else if (is_settled_here(node))
		return (Node *) value_now(node, parent);
	if (IsA(node, RangeTblFunction) && is_session_series(((RangeTblFunction *) node)->funcexpr))
	{
		RangeTblFunction *function = copyObject((RangeTblFunction *) node);

		function->funcexpr = settled_series((FuncExpr *) function->funcexpr, parent);
		return (Node *) function;
	}
	result = expression_tree_mutator(node, settle_mutator, parent);
	/* around a value that has been computed */
	return is_settled_here(result) ? (Node *) value_now(result, parent) : result;
}

/*
 * The query with constants in the place of what no row decides, as the parent, a node that has begun, sees
 * it.  Raises what these raise, and ERRCODE_DP_QUERY_REFUSED for a value that is too wide.
 */
Query *
settle_piece(Query *piece, PlanState *parent)
{
	return (Query *) settle_mutator((Node *) piece, parent);
}
