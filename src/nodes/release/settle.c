/*
 * settle.c
 *		Values that a release needs and no row decides are computed before it is paid for.
 *
 * A sub-select without FROM below a release is an InitPlan, whose value the executor would
 * compute when the first row asks for it: of the session as it is by then, and failing or not
 * as there is such a row.  query/session_values.c makes such sub-selects.  Once computed, a value
 * stays for the execution, in parallel workers too.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "executor/executor.h"
#include "executor/nodeSubplan.h"
#include "nodes/nodeFuncs.h"
#include "utils/lsyscache.h"

#include "core/refusals.h"
#include "nodes/identity.h"
#include "nodes/release/settle.h"
#include "nodes/release/state.h"
#include "policy/allowed.h"

/* Does the plan read nothing at all? */
static bool
reads_nothing(PlanState *plan)
{
	return plan != NULL && IsA(plan, ResultState) && outerPlanState(plan) == NULL;
}

/* Computes what the InitPlans of a node yield, of those that read nothing. */
static void
settle_init_plans(PlanState *state)
{
	EState	   *estate = state->state;
	ListCell   *lc;

	foreach(lc, state->initPlan)
	{
		SubPlanState *init = lfirst_node(SubPlanState, lc);
		SubPlan    *plan = init->subplan;
		ParamExecData *value;

		if (plan->subLinkType != EXPR_SUBLINK || list_length(plan->setParam) != 1 ||
			!reads_nothing(init->planstate))
			continue;
		value = &estate->es_param_exec_vals[linitial_int(plan->setParam)];
		if (value->execPlan != NULL)
			ExecSetParamPlan(init, GetPerTupleExprContext(estate));
		if (!value->isnull && get_typlen(plan->firstColType) == -1 &&
			toast_raw_datum_size(value->value) > GUARDED_WIDEST)
			refuse(REFUSE_WIDE_PARAMETER, NULL, -1);
	}
}

static bool
settle_walker(PlanState *state, void *context)
{
	settle_init_plans(state);
	if (is_state_of(state, node_release))
		return false;			/* is settled by itself */
	return planstate_tree_walker(state, settle_walker, context);
}

/*
 * Computes the values that releases (release nodes, started) need and no row decides.  Raises what
 * they raise, and ERRCODE_DP_QUERY_REFUSED for one that is too wide.
 */
void
settle_releases(List *releases)
{
	ListCell   *lc;
	ListCell   *lp;

	foreach(lc, releases)
	{
		settle_init_plans(lfirst(lc));
		foreach(lp, release_state(lfirst(lc))->plans)
			(void) settle_walker(lfirst(lp), NULL);
	}
}
