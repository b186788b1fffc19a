/*
 * look_ups.h
 *		Looks rows of protected relations up by what the DBA says may show.
 */
#ifndef DP_LOOK_UPS_H
#define DP_LOOK_UPS_H

#include "postgres.h"

#include "nodes/pathnodes.h"

#include "policy/policy.h"

extern void add_declared_look_ups(PlannerInfo *root, RelOptInfo *rel,
								  const ProtectedRelation *policy, Oid relid);

#endif							/* DP_LOOK_UPS_H */
