/*
 * settle.c
 *		What no row decides in the query of a piece is computed before it is sent.
 *
 * Parameters of the statement, the time, and values of the session mean something here and nothing, or
 * something else, on the machines that compute pieces.  So the largest expressions that need no row become
 * constants: once for each execution, and before the release is paid for.  None of them fails
 * that the rewriter has not guarded.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteManip.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"

#include "core/refusals.h"
#include "core/rowless.h"
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
	Oid			type = exprType(node);
	ExprState  *prepared = ExecInitExpr(expression_planner((Expr *) copyObject(node)), parent);
	bool		isnull;
	Datum		value = ExecEvalExprSwitchContext(prepared, parent->ps_ExprContext, &isnull);
	int16		length;
	bool		by_value;

	get_typlenbyval(type, &length, &by_value);
	if (!isnull && length == -1)
	{
		if (toast_raw_datum_size(value) > GUARDED_WIDEST)
			refuse(REFUSE_WIDE_PARAMETER, NULL, -1);
		value = PointerGetDatum(PG_DETOAST_DATUM_COPY(value));
	}
	else if (!isnull)
		value = datumCopy(value, by_value, length);
	ResetExprContext(parent->ps_ExprContext);
	return makeConst(type, exprTypmod(node), exprCollation(node), length, isnull ? (Datum) 0 : value,
					 isnull, by_value);
}

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
