/*
 * path.h
 *		Plans how a public relation below a release is read.
 */
#ifndef DP_PUBLIC_PATH_H
#define DP_PUBLIC_PATH_H

#include "postgres.h"

#include "nodes/pathnodes.h"

extern void public_paths(PlannerInfo *root, RelOptInfo *rel);
extern void public_node_init(void);

#endif							/* DP_PUBLIC_PATH_H */
