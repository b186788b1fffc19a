/*
 * wide.h
 *		Scans protected relations with values stored out of line.
 */
#ifndef DP_RELEASE_WIDE_H
#define DP_RELEASE_WIDE_H

#include "postgres.h"

#include "nodes/execnodes.h"
#include "nodes/pathnodes.h"
#include "storage/block.h"

extern void wide_node_init(void);
extern BlockNumber wide_pages(Oid relid);
extern List *wide_columns_read(PlannerInfo *root, Index rti, List *wide);
extern void wide_add_paths(PlannerInfo *root, RelOptInfo *rel, List *columns, BlockNumber pages);
extern void wide_read_on(PlanState *state);
extern void wide_recheck(List *relids);

#endif							/* DP_RELEASE_WIDE_H */
