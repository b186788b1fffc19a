/*
 * compat.h
 *		Differences between the PostgreSQL versions that dp_agg builds on.
 */
#ifndef DP_COMPAT_H
#define DP_COMPAT_H

#include "postgres.h"

/* Index of this backend's PGPROC, in 0 .. MaxBackends - 1 for regular ones. */
#if PG_VERSION_NUM >= 170000
#define DP_MY_PROC_INDEX	((int) MyProcNumber)
#else
#define DP_MY_PROC_INDEX	(MyProc->pgprocno)
#endif

/* Range table indexes of the relations in a join tree, without those of the joins. */
#if PG_VERSION_NUM >= 160000
#define DP_RELIDS_IN_JOINTREE(node)	get_relids_in_jointree(node, false, false)
#else
#define DP_RELIDS_IN_JOINTREE(node)	get_relids_in_jointree(node, false)
#endif

/* The number of transactions that have completed since the server started. */
#if PG_VERSION_NUM >= 170000
#define DP_COMPLETED_TRANSACTIONS	(TransamVariables->xactCompletionCount)
#else
#define DP_COMPLETED_TRANSACTIONS	(ShmemVariableCache->xactCompletionCount)
#endif

/* Does the role own the relation? */
#if PG_VERSION_NUM >= 160000
#define DP_OWNS_RELATION(relid, role) object_ownercheck(RelationRelationId, relid, role)
#else
#define DP_OWNS_RELATION(relid, role) pg_class_ownercheck(relid, role)
#endif

/* An EvalPlanQual that is never asked to run a plan. */
#if PG_VERSION_NUM >= 160000
#define DP_EVAL_PLAN_QUAL_INIT(epq, estate) EvalPlanQualInit(epq, estate, NULL, NIL, -1, NIL)
#else
#define DP_EVAL_PLAN_QUAL_INIT(epq, estate) EvalPlanQualInit(epq, estate, NULL, NIL, -1)
#endif

#endif							/* DP_COMPAT_H */
