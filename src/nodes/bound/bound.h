/*
 * bound.h
 *		The nodes below the aggregation of a release's groups: one that bounds what each
 *		individual contributes, and one for rows that are individuals.
 */
#ifndef DP_BOUND_H
#define DP_BOUND_H

#include "postgres.h"

#include "nodes/execnodes.h"
#include "nodes/pathnodes.h"

/* Positions in the node's private list of integers; the columns of its input follow. */
enum
{
	BOUND_ROWS,					/* that are expected */
	BOUND_KEYS,
	BOUND_UNITS,
	BOUND_ARGUMENTS,
	BOUND_SKETCHES,
	BOUND_FIRST_COLUMN
};

/* path.c */
extern void bound_group_paths(PlannerInfo *root, RelOptInfo *input_rel,
							  RelOptInfo *grouped_rel, Aggref *collector);
extern void stream_group_paths(PlannerInfo *root, RelOptInfo *input_rel,
							   RelOptInfo *grouped_rel, Aggref *collector);
extern void bound_path_init(void);

/* node.c */
extern Node *bound_create_state(CustomScan *scan);
extern bool is_bound_state(PlanState *state);

/* stream.c */
extern Node *stream_create_state(CustomScan *scan);
extern bool is_stream_state(PlanState *state);

#endif							/* DP_BOUND_H */
