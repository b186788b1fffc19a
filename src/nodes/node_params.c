/*
 * node_params.c
 *		The parameters of a release, as a node of its plan gets them.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "utils/array.h"

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
