/*
 * ahead.c
 *		CTEs below a release are read to their ends before its first row.
 *
 * A CTE scan reads only as many rows as it is asked for, and here it is protected rows that
 * ask.  The CTEs here hold public rows: the relations that query/publics.c put into them, and
 * CTEs of the client that hold a release.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/tuplestore.h"

#include "nodes/identity.h"
#include "nodes/release/ahead.h"

/*
 * Reads the CTE of a scan to its end, as CteScanNext() does (nodeCtescan.c).  Nobody
 * has read from it below this release, so read pointers stay where they are.
 */
static void
read_cte(CteScanState *scan)
{
	CteScanState *leader = scan->leader;
	Plan	   *plan = leader->cteplanstate->plan;
	int			param = -1;

	/*
	 * Those that the rewriter leaves here depend on nothing but other CTEs, whose parameters
	 * are the scans that lead them.
	 */
	while ((param = bms_next_member(plan->extParam, param)) >= 0)
	{
		Datum		value = leader->ss.ps.state->es_param_exec_vals[param].value;

		if (DatumGetPointer(value) == NULL || !IsA(DatumGetPointer(value), CteScanState))
			elog(ERROR, "a CTE below a release depends on something else");
	}
	while (!leader->eof_cte)
	{
		TupleTableSlot *slot = ExecProcNode(leader->cteplanstate);

		CHECK_FOR_INTERRUPTS();
		if (TupIsNull(slot))
			leader->eof_cte = true;
		else
		{
			tuplestore_select_read_pointer(leader->cte_table, scan->readptr);
			tuplestore_puttupleslot(leader->cte_table, slot);
		}
	}
}

static bool
ahead_walker(PlanState *state, void *context)
{
	if (is_state_of(state, node_release))
		return false;
	if (IsA(state, CteScanState))
		read_cte((CteScanState *) state);
	return planstate_tree_walker(state, ahead_walker, context);
}

/* Reads all CTEs that scans of the plans read. */
void
read_ctes_ahead(List *plans)
{
	ListCell   *lc;

	foreach(lc, plans)
		(void) ahead_walker(lfirst(lc), NULL);
}
