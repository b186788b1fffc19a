/*
 * path.h
 *		The nodes of releases over tables of Citus, in the plan.
 */
#ifndef DP_SHARDS_PATH_H
#define DP_SHARDS_PATH_H

#include "postgres.h"

#include "nodes/parsenodes.h"
#include "nodes/pathnodes.h"

#include "spec/spec.h"

extern void shards_nodes_init(void);
extern void shards_group_paths(PlannerInfo *root, RelOptInfo *input_rel, RelOptInfo *grouped_rel,
							   Aggref *collector, const ReleaseSpec *spec, Query *piece, int nunits,
							   bool alone);
extern void shards_scan_paths(PlannerInfo *root, RelOptInfo *rel, Query *rows);
extern void add_piece_path(RelOptInfo *output_rel, Const *head);

#endif							/* DP_SHARDS_PATH_H */
