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

#include "nodes/identity.h"
#include "nodes/release/scans.h"
#include "nodes/release/state.h"

typedef struct FindContext
{
	List	  **releases;
	Bitmapset **scanned;		/* or NULL */
} FindContext;

static bool find_walker(PlanState *state, FindContext *context);

/* Adds what the node itself scans. */
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
				const Scan *scan = (const Scan *) state->plan;
				Bitmapset  *several = NULL;

				/* a scan that stands for several relations: pushed-down joins and the like */
				if (IsA(state, ForeignScanState))
					several = ((ForeignScan *) state->plan)->fs_relids;
				if (IsA(state, CustomScanState))
					several = ((CustomScan *) state->plan)->custom_relids;
				*context->scanned = bms_add_members(*context->scanned, several);
				if (scan->scanrelid > 0)
					*context->scanned = bms_add_member(*context->scanned, scan->scanrelid);
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
	else if (context->scanned != NULL)
		add_scanned(state, context);
	return planstate_tree_walker(state, find_walker, context);
}

/*
 * Collects the release nodes of a started plan, those nested in releases
 * included, and the range table indexes of relations scanned outside releases
 * (scanned may be NULL).
 */
void
find_releases(PlanState *state, List **releases, Bitmapset **scanned)
{
	FindContext context = {.releases = releases,.scanned = scanned};

	if (state != NULL)
		(void) find_walker(state, &context);
}

/* The range table indexes of relations that release nodes which have begun scan. */
Bitmapset *
scanned_below(List *releases)
{
	Bitmapset  *result = NULL;
	ListCell   *lc;
	ListCell   *lp;

	foreach(lc, releases)
	{
		foreach(lp, release_state(lfirst(lc))->plans)
		{
			List	   *nested = NIL;

			find_releases(lfirst(lp), &nested, &result);
		}
	}
	return result;
}
