/*
 * identity.h
 *		Which nodes of a plan are ours.
 *
 * Each kind of node has one string for its name, to which its methods point; the address
 * of that string is its identity.  So a kind is recognised without knowing its functions, and
 * another extension's node of the same name is not taken for ours.
 */
#ifndef DP_IDENTITY_H
#define DP_IDENTITY_H

#include "postgres.h"

#include "nodes/execnodes.h"
#include "nodes/extensible.h"
#include "nodes/plannodes.h"

extern const char node_release[];
extern const char node_bound[];
extern const char node_stream[];
extern const char node_wide[];
extern const char node_public[];
extern const char node_shards[];
extern const char node_piece[];

/* Is the plan node one of a kind? */
static inline bool
is_plan_of(const Plan *plan, const char *kind)
{
	return IsA(plan, CustomScan) && ((const CustomScan *) plan)->methods->CustomName == kind;
}

/* The same of a node that has been started. */
static inline bool
is_state_of(const PlanState *state, const char *kind)
{
	return IsA(state, CustomScanState) &&
		((const CustomScanState *) state)->methods->CustomName == kind;
}

extern Datum node_description(const CustomScan *scan);

#endif							/* DP_IDENTITY_H */
