/*
 * statistics.h
 *		What the planner knows of protected relations while it plans releases.
 */
#ifndef DP_STATISTICS_H
#define DP_STATISTICS_H

#include "postgres.h"

#include "access/htup.h"
#include "nodes/pathnodes.h"

#include "policy/policy.h"

extern HeapTuple declared_statistics(const ProtectedRelation *rel, Oid relid, AttrNumber attnum);
extern int32 declared_width(Oid relid, AttrNumber attnum);
extern void withhold_statistics(Oid relid, RelOptInfo *rel);
extern List *believe_unique_indexes(RelOptInfo *rel);
extern void hide_partial_indexes(RelOptInfo *rel);

#endif							/* DP_STATISTICS_H */
