/*
 * inputs.h
 *		What the nodes of this folder read of each row, while they are planned.
 */
#ifndef DP_BOUND_INPUTS_H
#define DP_BOUND_INPUTS_H

#include "postgres.h"

#include "nodes/pathnodes.h"
#include "nodes/plannodes.h"

/* Expressions in the order of InputColumns: keys, units, arguments, values of sketches. */
typedef struct PlannedInputs
{
	List	   *exprs;
	int			nkeys;
	int			nunits;			/* 0: each row is an individual */
} PlannedInputs;

extern Node *aggref_argument(Aggref *aggref, int i);
extern void inputs_list(PlannedInputs *inputs, PlannerInfo *root, Aggref *collector,
						int narguments, List *sketches);
extern List *inputs_of_path(const PlannedInputs *inputs, PlannerInfo *root, RelOptInfo *rel,
							Path **path);
extern List *inputs_of_whole_rows(PlannerInfo *root, Plan *child, List *numbers);

#endif							/* DP_BOUND_INPUTS_H */
