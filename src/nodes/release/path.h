/*
 * path.h
 *		The sealed release node in the plan.
 */
#ifndef DP_RELEASE_PATH_H
#define DP_RELEASE_PATH_H

#include "postgres.h"

#include "nodes/pathnodes.h"
#include "nodes/primnodes.h"

extern void release_node_init(void);
extern void add_release_path(RelOptInfo *output_rel, Aggref *collector, List *needs);

#endif							/* DP_RELEASE_PATH_H */
