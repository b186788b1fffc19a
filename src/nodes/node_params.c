/*
 * node_params.c
 *		The parameters of a release, and other values, as a node of its plan gets them.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/array.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"

#include "nodes/node_params.h"
#include "spec/spec.h"

/*
 * The parameter array of this execution, a node's first custom expression, in its
 * expression context.  Raises ERRCODE_INVALID_PARAMETER_VALUE if one of them is NULL.
 */
ArrayType *
node_params(CustomScanState *node)
{
	CustomScan *scan = (CustomScan *) node->ss.ps.plan;
	ExprState  *expr = ExecInitExpr((Expr *) linitial(scan->custom_exprs), &node->ss.ps);
	bool		isnull;
	Datum		datum = ExecEvalExprSwitchContext(expr, node->ss.ps.ps_ExprContext, &isnull);
	ArrayType  *array = isnull ? NULL : DatumGetArrayTypeP(datum);

	if (array == NULL || ARR_HASNULL(array))
		spec_null_parameter();	/* the others have defaults */
	return array;
}

/* What an expression of a node that has begun yields now, copied into the current memory context. */
Const *
node_value(Node *expr, PlanState *node)
{
	Oid			type = exprType(expr);
	ExprState  *prepared = ExecInitExpr(expression_planner((Expr *) copyObject(expr)), node);
	bool		isnull;
	Datum		value = ExecEvalExprSwitchContext(prepared, node->ps_ExprContext, &isnull);
	int16		length;
	bool		by_value;

	get_typlenbyval(type, &length, &by_value);
	value = isnull ? (Datum) 0 : datumCopy(value, by_value, length);
	ResetExprContext(node->ps_ExprContext);
	return makeConst(type, exprTypmod(expr), exprCollation(expr), length, value, isnull, by_value);
}
