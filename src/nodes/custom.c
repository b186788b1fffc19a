/*
 * custom.c
 *		What our nodes have in common as custom scans, from the path to the rows.
 */
#include "postgres.h"

#include "nodes/custom.h"

/* A plan that reads no table but these plans, and whose rows have the columns of tlist. */
CustomScan *
custom_plan_over(List *plans, List *tlist, const CustomMethods *methods)
{
	CustomScan *scan = makeNode(CustomScan);

	scan->scan.plan.targetlist = tlist;
	scan->scan.scanrelid = 0;
	scan->custom_plans = plans;
	scan->custom_scan_tlist = copyObject(tlist);
	scan->methods = &methods->scan;
	return scan;
}

/* The state of a node, which begins with a CustomScanState; "size" bytes, all else zero. */
Node *
custom_create_state(Size size, const CustomExecMethods *methods)
{
	CustomScanState *state = (CustomScanState *) newNode(size, T_CustomScanState);

	state->methods = methods;
	return (Node *) state;
}

/* Does a row still fit, as EvalPlanQual() asks?  Our nodes have no conditions of their own. */
bool
custom_recheck(ScanState *node, TupleTableSlot *slot)
{
	return true;
}
