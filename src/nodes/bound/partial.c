/*
 * partial.c
 *		What the nodes have in common that add up rows and hand out partial states of groups.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "nodes/pg_list.h"
#include "utils/array.h"
#include "utils/memutils.h"

#include "aggregate/contribution.h"
#include "nodes/bound/groups.h"
#include "nodes/bound/keys.h"
#include "nodes/bound/partial.h"
#include "nodes/bound/rows.h"
#include "nodes/identity.h"
#include "nodes/node_params.h"

/*
 * Begins the child, and opens what reads its rows: all that this needs from catalogs is
 * looked up now.
 */
void
partial_begin(PartialNode *node, EState *estate, int eflags)
{
	CustomScan *scan = (CustomScan *) node->css.ss.ps.plan;
	PlanState  *child = ExecInitNode(linitial(scan->custom_plans), estate, eflags);
	TupleDesc	desc = ExecGetResultType(child);
	MemoryContext old;

	node->css.custom_ps = list_make1(child);
	node->context = AllocSetContextCreate(estate->es_query_cxt, "dp_agg partial states",
										  ALLOCSET_DEFAULT_SIZES);
	node->row_context = AllocSetContextCreate(estate->es_query_cxt, "dp_agg row",
											  ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(node->context);
	node->params = DatumGetArrayTypePCopy(PointerGetDatum(node_params(&node->css)));
	node->contributions =
		contributions_open(node_description(scan), node->params, node->context);
	node->spec = &node->contributions->spec;
	input_columns_open(&node->columns, lsecond(scan->custom_private), desc, node->spec);
	key_columns_open(&node->keys, desc, node->columns.keys, node->columns.nkeys, true);
	node->sketches = rows_open_values(node->spec, node->params, desc, &node->columns);
	MemoryContextSwitchTo(old);
}

/* Puts the next group before number "end" into the node's slot; false if there is none. */
bool
partial_emit(PartialNode *node, uint32 end)
{
	return groups_emit(&node->groups, end, &node->keys, node->css.ss.ss_ScanTupleSlot,
					   node->css.ss.ps.ps_ExprContext->ecxt_per_tuple_memory);
}

/* The child of a sealed node runs once. */
void
partial_rescan(CustomScanState *node)
{
	if (((PartialNode *) node)->started)
		elog(ERROR, "a release cannot be run again");
	ExecReScan(linitial(node->custom_ps));
}

void
partial_end(CustomScanState *node)
{
	PartialNode *partial = (PartialNode *) node;

	ExecEndNode(linitial(node->custom_ps));
	MemoryContextDelete(partial->row_context);
	MemoryContextDelete(partial->context);
}
