/*
 * kept.c
 *		Synthetic rows are not kept in tables.
 *
 * CREATE TABLE AS, SELECT INTO and materialized views would make a table of a preview, in which
 * nobody sees any more what its rows are.  Their plan is that of a SELECT, and only its destination
 * tells, which that of CREATE TABLE AS EXECUTE has when it runs, and not before.  INSERT is refused as it
 * is: its plan would write.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "nodes/execnodes.h"
#include "nodes/nodeFuncs.h"
#include "tcop/dest.h"

#include "hooks/kept.h"
#include "policy/extension.h"

/* Is there a scan of synthetic rows? */
static bool
preview_walker(PlanState *state, void *context)
{
	if (state == NULL)
		return false;
	if (IsA(state, FunctionScanState))
	{
		const FunctionScan *scan = (FunctionScan *) state->plan;
		const RangeTblFunction *function = linitial(scan->functions);	/* the rewriter's alone */

		if (IsA(function->funcexpr, FuncExpr) &&
			extension_function(((FuncExpr *) function->funcexpr)->funcid) == DP_FUNC_PREVIEW_ROWS)
			return true;
	}
	return planstate_tree_walker(state, preview_walker, context);
}

/*
 * Raises ERRCODE_FEATURE_NOT_SUPPORTED if a started statement, which is about to run, would write synthetic
 * rows to a table.
 */
void
refuse_kept_preview(QueryDesc *queryDesc)
{
	if (queryDesc->dest == NULL || (queryDesc->dest->mydest != DestIntoRel &&
									queryDesc->dest->mydest != DestTransientRel))
		return;
	if (preview_walker(queryDesc->planstate, NULL))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("synthetic rows are not kept in tables"),
				 errdetail("They are no one's data, and a table would not say so."),
				 errhint("Keep the result of aggregates, as count(*) or avg(...), which are about real rows.")));
}
