/*
 * custom.h
 *		What our nodes have in common as custom scans, from the path to the rows.
 */
#ifndef DP_CUSTOM_H
#define DP_CUSTOM_H

#include "postgres.h"

#include "executor/executor.h"
#include "nodes/execnodes.h"
#include "nodes/extensible.h"
#include "nodes/plannodes.h"

/* The methods of one kind of node, until it is started. */
typedef struct CustomMethods
{
	CustomPathMethods path;
	CustomScanMethods scan;
} CustomMethods;

/* Both under the name of the kind (identity.h). */
#define CUSTOM_METHODS(name, plan_path, create_state) { \
	.path = {.CustomName = (name), .PlanCustomPath = (plan_path)}, \
	.scan = {.CustomName = (name), .CreateCustomScanState = (create_state)}}

extern CustomScan *custom_plan_over(List *plans, List *tlist, const CustomMethods *methods);
extern Node *custom_create_state(Size size, const CustomExecMethods *methods);
extern bool custom_recheck(ScanState *node, TupleTableSlot *slot);

/* ExecCustomScan of a node whose rows "next" fetches. */
static inline TupleTableSlot *
custom_exec(CustomScanState *node, ExecScanAccessMtd next)
{
	return ExecScan(&node->ss, next, custom_recheck);
}

#endif							/* DP_CUSTOM_H */
