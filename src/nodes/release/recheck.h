/*
 * recheck.h
 *		The finished plan of a release, judged once more.
 */
#ifndef DP_RECHECK_H
#define DP_RECHECK_H

#include "postgres.h"

#include "nodes/execnodes.h"

extern void recheck_plan(PlanState *plan, List **calls);
extern void recheck_relations(List *relids, List *shapes);
extern void recheck_declarations(List *relids, List *not_null, EState *estate);
extern void recheck_unique(List *indexes, Snapshot snapshot);
extern void recheck_params(List *params, PlanState *parent);
extern void recheck_stack(void);

#endif							/* DP_RECHECK_H */
