/*
 * scans.c
 *		What a started plan will do: its releases, and what it scans outside them.
 *
 * Walks plan states, not PlannedStmt.subplans, which also holds alternatives
 * that nothing reaches.
 */
#include "postgres.h"

#include "nodes/execnodes.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "utils/rel.h"

#include "nodes/identity.h"
#include "nodes/release/scans.h"
#include "nodes/release/state.h"

typedef struct FindContext
{
	List	  **releases;
	List	  **relids;			/* or NULL */
} FindContext;

static bool find_walker(PlanState *state, FindContext *context);

/* Relations of a scan that stands for several: pushed-down joins and the like. */
static void
add_scanned_set(PlanState *state, Bitmapset *rtindexes, FindContext *context)
{
	int			i = -1;

	while ((i = bms_next_member(rtindexes, i)) >= 0)
	{
		RangeTblEntry *rte = rt_fetch(i, state->state->es_range_table);

		if (rte->rtekind == RTE_RELATION)
			*context->relids = list_append_unique_oid(*context->relids, rte->relid);
	}
}

static void
add_scanned(PlanState *state, FindContext *context)
{
	switch (nodeTag(state))
	{
		case T_SeqScanState:
		case T_SampleScanState:
		case T_IndexScanState:
		case T_IndexOnlyScanState:
		case T_BitmapHeapScanState:
		case T_TidScanState:
		case T_TidRangeScanState:
		case T_ForeignScanState:
		case T_CustomScanState:
			{
				ScanState  *scan = (ScanState *) state;

				if (scan->ss_currentRelation != NULL)
					*context->relids = list_append_unique_oid(*context->relids,
															  RelationGetRelid(scan->ss_currentRelation));
				if (IsA(state, ForeignScanState))
					add_scanned_set(state, ((ForeignScan *) state->plan)->fs_relids, context);
				if (IsA(state, CustomScanState))
					add_scanned_set(state, ((CustomScan *) state->plan)->custom_relids, context);
			}
			break;
		default:
			break;
	}
}

static bool
find_walker(PlanState *state, FindContext *context)
{
	if (is_state_of(state, node_release))
	{
		*context->releases = list_append_unique_ptr(*context->releases, state);
		*context->releases = list_concat_unique_ptr(*context->releases,
													release_state(state)->nested);
	}
	else if (context->relids != NULL)
		add_scanned(state, context);
	return planstate_tree_walker(state, find_walker, context);
}

/*
 * Collects the release nodes of a started plan, those nested in releases
 * included, and the relations scanned outside releases (relids may be NULL).
 */
void
find_releases(PlanState *state, List **releases, List **relids)
{
	FindContext context = {.releases = releases,.relids = relids};

	if (state != NULL)
		(void) find_walker(state, &context);
}
