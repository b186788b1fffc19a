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

/* The index'th entry, from 1 on, of pg_stat_activity, as of the first look in the transaction. */
#if PG_VERSION_NUM >= 160000
#define DP_BACKEND_STATUS(index) (&pgstat_get_local_beentry_by_index(index)->backendStatus)
#else
#define DP_BACKEND_STATUS(index) pgstat_fetch_stat_beentry(index)
#endif

/*
 * Which privileges the query of a finished plan asks for on a relation, and on which of its
 * columns it asks for SELECT.  The fields stand in the range table itself up to 15.
 */
#if PG_VERSION_NUM >= 160000
#include "parser/parse_relation.h"

#define DP_PERMISSIONS(list, rte) getRTEPermissionInfo(list, (RangeTblEntry *) (rte))
#define DP_CHECKED_PERMS(list, rte) \
	((rte)->perminfoindex == 0 ? 0 : DP_PERMISSIONS(list, rte)->requiredPerms)
#define DP_CHECKED_COLUMNS(list, rte) \
	((rte)->perminfoindex == 0 ? NULL : DP_PERMISSIONS(list, rte)->selectedCols)
#define DP_PLAN_PERMISSIONS(plan) ((plan)->permInfos)
#else
#define DP_CHECKED_PERMS(list, rte) ((void) (list), (rte)->requiredPerms)
#define DP_CHECKED_COLUMNS(list, rte) ((void) (list), (rte)->selectedCols)
#define DP_PLAN_PERMISSIONS(plan) NIL
#endif

/* The arguments of ExecutorCheckPerms_hook: relations and what is asked for on them. */
#if PG_VERSION_NUM >= 160000
#define DP_CHECK_PERMS_ARGS(relations, permissions, complain) \
	List *relations, List *permissions, bool complain
#define DP_CHECK_PERMS_PASS(relations, permissions, complain) relations, permissions, complain
#define DP_CHECK_PERMS_LIST(permissions) permissions
#else
#define DP_CHECK_PERMS_ARGS(relations, permissions, complain) List *relations, bool complain
#define DP_CHECK_PERMS_PASS(relations, permissions, complain) relations, complain
#define DP_CHECK_PERMS_LIST(permissions) NIL
#endif

#endif							/* DP_COMPAT_H */
