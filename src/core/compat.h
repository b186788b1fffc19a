/*
 * compat.h
 *		Differences between the PostgreSQL versions that dp_agg builds on.
 */
#ifndef DP_COMPAT_H
#define DP_COMPAT_H

#include "postgres.h"

#include "access/sysattr.h"
#include "nodes/parsenodes.h"
#if PG_VERSION_NUM >= 160000
#include "nodes/multibitmapset.h"
#include "parser/parse_relation.h"
#include "varatt.h"
#endif

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

/* All settings, and how many they are; needs utils/guc_tables.h. */
#if PG_VERSION_NUM >= 160000
#define DP_GUC_VARIABLES(n) get_guc_variables(n)
#else
#define DP_GUC_VARIABLES(n) (*(n) = GetNumConfigOptions(), get_guc_variables())
#endif

/* Does a plan write to the relation of its range table with this index?  19 has a set of them. */
#if PG_VERSION_NUM >= 190000
#define DP_IS_RESULT_RELATION(plan, rtindex) bms_is_member(rtindex, (plan)->resultRelationRelids)
#else
#define DP_IS_RESULT_RELATION(plan, rtindex) list_member_int((plan)->resultRelations, rtindex)
#endif

/* What a setting was built with: 19 has the kinds in a union. */
#if PG_VERSION_NUM >= 190000
#define DP_GUC_BOOT(setting, kind) ((setting)->_##kind.boot_val)
#define DP_GUC_ENUM(setting) (setting)
#else
#define DP_GUC_BOOT(setting, kind) (((struct config_##kind *) (setting))->boot_val)
#define DP_GUC_ENUM(setting) ((struct config_enum *) (setting))
#endif

/* Runs a plan to its end. */
#if PG_VERSION_NUM >= 180000
#define DP_EXECUTOR_RUN_ALL(desc) ExecutorRun(desc, ForwardScanDirection, 0)
#else
#define DP_EXECUTOR_RUN_ALL(desc) ExecutorRun(desc, ForwardScanDirection, 0, true)
#endif

/* Arguments of ExecutorRun, as they are declared and as they are passed on. */
#if PG_VERSION_NUM >= 180000
#define DP_EXECUTOR_RUN_ARGS(desc, direction, count) \
	QueryDesc *desc, ScanDirection direction, uint64 count
#define DP_EXECUTOR_RUN_PASS(desc, direction, count) desc, direction, count
#else
#define DP_EXECUTOR_RUN_ARGS(desc, direction, count) \
	QueryDesc *desc, ScanDirection direction, uint64 count, bool execute_once
#define DP_EXECUTOR_RUN_PASS(desc, direction, count) desc, direction, count, execute_once
#endif

/* Does the role own the relation? */
#if PG_VERSION_NUM >= 160000
#define DP_OWNS_RELATION(relid, role) object_ownercheck(RelationRelationId, relid, role)
#else
#define DP_OWNS_RELATION(relid, role) pg_class_ownercheck(relid, role)
#endif

/* Memory for what a check hook of a setting leaves to its assign hook; NULL if there is none. */
#if PG_VERSION_NUM >= 160000
#define DP_GUC_MALLOC(size) guc_malloc(LOG, size)
#else
#define DP_GUC_MALLOC(size) malloc(size)
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

/* A function that does not return. */
#if PG_VERSION_NUM >= 180000
#define DP_NORETURN pg_noreturn
#else
#define DP_NORETURN __attribute__((noreturn))
#endif

/* Replaces columns of joins by what they stand for. */
#if PG_VERSION_NUM >= 160000
#define DP_FLATTEN_JOINS(query, node) flatten_join_alias_vars(NULL, query, (Node *) (node))
#else
#define DP_FLATTEN_JOINS(query, node) flatten_join_alias_vars(query, (Node *) (node))
#endif

/* May the role execute the function? */
#if PG_VERSION_NUM >= 160000
#define DP_MAY_EXECUTE(funcid, role) \
	(object_aclcheck(ProcedureRelationId, funcid, role, ACL_EXECUTE) == ACLCHECK_OK)
#else
#define DP_MAY_EXECUTE(funcid, role) \
	(pg_proc_aclcheck(funcid, role, ACL_EXECUTE) == ACLCHECK_OK)
#endif

/* May the role make objects in the schema? */
#if PG_VERSION_NUM >= 160000
#define DP_MAY_CREATE_IN(schema, role) \
	(object_aclcheck(NamespaceRelationId, schema, role, ACL_CREATE) == ACLCHECK_OK)
#else
#define DP_MAY_CREATE_IN(schema, role) \
	(pg_namespace_aclcheck(schema, role, ACL_CREATE) == ACLCHECK_OK)
#endif

/* Is the item of FROM none, but what GROUP BY goes by, or what query/nulling.c leaves of that? */
#if PG_VERSION_NUM >= 180000
#define DP_IS_GROUP_RTE(rte) ((rte)->rtekind == RTE_GROUP || (rte)->rtekind == RTE_RESULT)
#else
#define DP_IS_GROUP_RTE(rte) false
#endif

/* Is the operator a comparison of an order, or its <>?  A list of what it is there, or NIL. */
#if PG_VERSION_NUM >= 180000
#define DP_ORDER_INTERPRETATION(opno) get_op_index_interpretation(opno)
#else
#define DP_ORDER_INTERPRETATION(opno) get_op_btree_interpretation(opno)
#endif

/* A hash of the types and names of a tuple's columns. */
#if PG_VERSION_NUM >= 170000
#define DP_HASH_ROW_TYPE(desc) hashRowType(desc)
#else
#define DP_HASH_ROW_TYPE(desc) hashTupleDesc(desc)
#endif

/* Is this what get_ordering_op_properties() says of an operator that sorts downwards? */
#if PG_VERSION_NUM >= 180000
typedef CompareType DpOrder;
#define DP_DESCENDING COMPARE_GT
#else
typedef int16 DpOrder;
#define DP_DESCENDING BTGreaterStrategyNumber
#endif

/*
 * Which privileges the query of a finished plan asks for on a relation, and on which of its
 * columns it asks for SELECT.  The fields stand in the range table itself up to 15.
 */
#if PG_VERSION_NUM >= 160000
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

/* An entry of a range table asks for nothing any more. */
#if PG_VERSION_NUM >= 160000
#define DP_FORGET_PERMISSIONS(rte) ((rte)->perminfoindex = 0)
#else
#define DP_FORGET_PERMISSIONS(rte) \
	((rte)->requiredPerms = 0, (rte)->selectedCols = NULL, (rte)->checkAsUser = InvalidOid)
#endif

/*
 * What a query asks for on a relation of its range table (requiredPerms, selectedCols), and as whom
 * (checkAsUser).  Moving an entry to a query of its own, or the whole range table, takes it along.
 */
#if PG_VERSION_NUM >= 160000
typedef RTEPermissionInfo DpPermissions;
#define DP_QUERY_PERMISSIONS(query, rte) DP_PERMISSIONS((query)->rteperminfos, rte)
#define DP_MOVE_PERMISSIONS(to, from) ((to)->rteperminfos = (from)->rteperminfos)
#define DP_MOVE_ENTRY_PERMISSIONS(to, rte, from) \
	((to)->rteperminfos = list_make1(copyObject(DP_QUERY_PERMISSIONS(from, rte))), \
	 (rte)->perminfoindex = 1)
#else
typedef RangeTblEntry DpPermissions;
#define DP_QUERY_PERMISSIONS(query, rte) ((void) (query), rte)
#define DP_MOVE_PERMISSIONS(to, from) ((void) 0)
#define DP_MOVE_ENTRY_PERMISSIONS(to, rte, from) ((void) (from))
#endif

/* The relations of a query are read by who runs it; an entry of the plan has the rights that it has in a query. */
#if PG_VERSION_NUM >= 160000
#define DP_DROP_ENTRY_PERMISSIONS(rte) ((rte)->perminfoindex = 0)
#define DP_FORGET_READERS(query) \
	do { \
		ListCell   *dp_lc; \
		foreach(dp_lc, (query)->rteperminfos) \
		{ \
			lfirst_node(RTEPermissionInfo, dp_lc)->checkAsUser = InvalidOid; \
			lfirst_node(RTEPermissionInfo, dp_lc)->requiredPerms = 0; \
		} \
	} while (0)
#define DP_COPY_PERMISSIONS(plan, rte, from) \
	((rte)->perminfoindex == 0 ? (void) 0 : \
	 ((plan)->permInfos = lappend((plan)->permInfos, copyObject(DP_QUERY_PERMISSIONS(from, rte))), \
	  (void) ((rte)->perminfoindex = list_length((plan)->permInfos))))
#else
#define DP_DROP_ENTRY_PERMISSIONS(rte) ((rte)->requiredPerms = 0)
#define DP_FORGET_READERS(query) \
	do { \
		ListCell   *dp_lc; \
		foreach(dp_lc, (query)->rtable) \
		{ \
			lfirst_node(RangeTblEntry, dp_lc)->checkAsUser = InvalidOid; \
			lfirst_node(RangeTblEntry, dp_lc)->requiredPerms = 0; \
		} \
	} while (0)
#define DP_COPY_PERMISSIONS(plan, rte, from) ((void) 0)
#endif

/* The sequence of an identity column. */
#if PG_VERSION_NUM >= 170000
#define DP_IDENTITY_SEQUENCE(relation, attno, missing) getIdentitySequence(relation, attno, missing)
#else
#define DP_IDENTITY_SEQUENCE(relation, attno, missing) \
	getIdentitySequence(RelationGetRelid(relation), attno, missing)
#endif

/* Lets the planner forget which columns are declared NOT NULL.  Before 17 it does not ask. */
#if PG_VERSION_NUM >= 170000
#define DP_FORGET_NOT_NULL(rel) ((rel)->notnullattnums = NULL)
#else
#define DP_FORGET_NOT_NULL(rel) ((void) 0)
#endif

/* A row to be kept, of these values. */
#if PG_VERSION_NUM >= 180000
#define DP_FORM_MINIMAL_TUPLE(desc, values, isnull) heap_form_minimal_tuple(desc, values, isnull, 0)
#else
#define DP_FORM_MINIMAL_TUPLE(desc, values, isnull) heap_form_minimal_tuple(desc, values, isnull)
#endif

/* Does a generated column store nothing?  Before 18 all of them are stored. */
#if PG_VERSION_NUM >= 180000
#define DP_IS_VIRTUAL(relid, attno) (get_attgenerated(relid, attno) == ATTRIBUTE_GENERATED_VIRTUAL)
#define DP_HAS_GENERATED(constr) \
	((constr) != NULL && ((constr)->has_generated_stored || (constr)->has_generated_virtual))
#else
#define DP_IS_VIRTUAL(relid, attno) ((void) (relid), (void) (attno), false)
#define DP_HAS_GENERATED(constr) ((constr) != NULL && (constr)->has_generated_stored)
#endif

/* The index of a primary key that is enforced at once. */
#if PG_VERSION_NUM >= 180000
#define DP_PRIMARY_KEY_INDEX(relation) RelationGetPrimaryKeyIndex(relation, false)
#else
#define DP_PRIMARY_KEY_INDEX(relation) RelationGetPrimaryKeyIndex(relation)
#endif

/*
 * What an operator is in the families of ordered indexes: a list, and the strategy of an item of it,
 * as of btrees.
 */
#if PG_VERSION_NUM >= 180000
#define DP_ORDER_INTERPRETATION(opno) get_op_index_interpretation(opno)
#define DP_ORDER_STRATEGY(item) ((int) ((OpIndexInterpretation *) (item))->cmptype)
#else
#define DP_ORDER_INTERPRETATION(opno) get_op_btree_interpretation(opno)
#define DP_ORDER_STRATEGY(item) (((OpBtreeInterpretation *) (item))->strategy)
#endif

/* The columns of a range table entry: names, and Vars of level 0; with those that are dropped, or without. */
#if PG_VERSION_NUM >= 180000
#define DP_EXPAND(rte, rtindex, dropped, names, columns) \
	expandRTE(rte, rtindex, 0, VAR_RETURNING_DEFAULT, -1, dropped, names, columns)
#else
#define DP_EXPAND(rte, rtindex, dropped, names, columns) \
	expandRTE(rte, rtindex, 0, -1, dropped, names, columns)
#endif
#define DP_EXPAND_ENTRY(rte, rtindex, names, columns) DP_EXPAND(rte, rtindex, true, names, columns)

/* The function reverse(text). */
#if PG_VERSION_NUM >= 180000
#define DP_F_REVERSE_TEXT F_REVERSE_TEXT
#else
#define DP_F_REVERSE_TEXT F_REVERSE
#endif

/*
 * How partitions are pruned below a node that appends: a PartitionPruneInfo, or NULL.  It stands in
 * the node, or from 18 on in a list of the statement, and the node has its position.
 */
#if PG_VERSION_NUM >= 180000
#define DP_PRUNING(statement, plan) ((plan)->part_prune_index < 0 ? NULL : \
	list_nth_node(PartitionPruneInfo, (statement)->partPruneInfos, (plan)->part_prune_index))
#define DP_DROP_PRUNING(plan) ((plan)->part_prune_index = -1)
#else
#define DP_PRUNING(statement, plan) ((void) (statement), (plan)->part_prune_info)
#define DP_DROP_PRUNING(plan) ((plan)->part_prune_info = NULL)
#endif

/* What goes with a range table that was emptied. */
#if PG_VERSION_NUM >= 180000
#define DP_CLEAR_RANGE_TABLE(query) ((query)->rteperminfos = NIL, (query)->hasGroupRTE = false)
#elif PG_VERSION_NUM >= 160000
#define DP_CLEAR_RANGE_TABLE(query) ((query)->rteperminfos = NIL)
#else
#define DP_CLEAR_RANGE_TABLE(query) ((void) (query))
#endif

/* Does the server look after a constraint, by its row of pg_constraint? */
#if PG_VERSION_NUM >= 180000
#define DP_CONSTRAINT_ENFORCED(form) ((form)->conenforced)
#else
#define DP_CONSTRAINT_ENFORCED(form) true
#endif

/* Adds an entry that the parser has made to a query, with its permissions. */
#if PG_VERSION_NUM >= 160000
#define DP_ADD_ENTRY(query, rte, state) \
	((query)->rteperminfos = lappend((query)->rteperminfos, getRTEPermissionInfo((state)->p_rteperminfos, rte)), \
	 (rte)->perminfoindex = list_length((query)->rteperminfos), \
	 (query)->rtable = lappend((query)->rtable, rte))
#else
#define DP_ADD_ENTRY(query, rte, state) ((query)->rtable = lappend((query)->rtable, rte))
#endif

/* Is the Var among what find_nonnullable_vars() found? */
#if PG_VERSION_NUM >= 160000
#define DP_IS_NONNULLABLE(found, var) \
	mbms_is_member((var)->varno, (var)->varattno - FirstLowInvalidHeapAttributeNumber, found)
#else
#define DP_IS_NONNULLABLE(found, var) list_member(found, var)
#endif

/* Looks up what comparisons under a collation look up.  From 18 on, that is all in its locale. */
#if PG_VERSION_NUM >= 180000
#define DP_WARM_COLLATION(collation) ((void) pg_newlocale_from_collation(collation))
#else
#define DP_WARM_COLLATION(collation) \
	((void) lc_collate_is_c(collation), (void) lc_ctype_is_c(collation), \
	 (void) pg_newlocale_from_collation(collation))
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

/* The arguments of planner_hook and of the planner: 19 adds which EXPLAIN asks for the plan. */
#if PG_VERSION_NUM >= 190000
#define DP_PLANNER_ARGS(query, source, options, params) \
	Query *query, const char *source, int options, ParamListInfo params, \
	struct ExplainState *explain
#define DP_PLANNER_PASS(query, source, options, params) query, source, options, params, explain
#else
#define DP_PLANNER_ARGS(query, source, options, params) \
	Query *query, const char *source, int options, ParamListInfo params
#define DP_PLANNER_PASS(query, source, options, params) query, source, options, params
#endif

/* Plans a query; 19 takes which EXPLAIN asks for the plan, or NULL. */
#if PG_VERSION_NUM >= 190000
#define DP_PLAN_QUERY(query, source, options, params, es) \
	pg_plan_query(query, source, options, params, es)
#else
#define DP_PLAN_QUERY(query, source, options, params, es) \
	((void) (es), pg_plan_query(query, source, options, params))
#endif

/* Does EXPLAIN show a plan for any values of parameters (GENERIC_PLAN)? */
#if PG_VERSION_NUM >= 160000
#define DP_EXPLAIN_IS_GENERIC(es) ((es)->generic)
#else
#define DP_EXPLAIN_IS_GENERIC(es) false
#endif

/* The query that a function in FROM stands for; NULL if it is not one that can be inlined. */
#if PG_VERSION_NUM >= 190000
#define DP_INLINE_IN_FROM(root, rte) inline_function_in_from(root, rte)
#else
#define DP_INLINE_IN_FROM(root, rte) inline_set_returning_function(root, rte)
#endif

/*
 * The hook that changes what the planner has found out about a relation.  From 19 on it is called for
 * every item of FROM, relation or not.
 */
#if PG_VERSION_NUM >= 190000
#define DP_RELATION_INFO_HOOK build_simple_rel_hook
#define DP_RELATION_INFO_HOOK_TYPE build_simple_rel_hook_type
#define DP_RELATION_INFO_ARGS(root, rel) PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *item
#define DP_RELATION_INFO_PASS(root, rel) root, rel, item
#else
#define DP_RELATION_INFO_HOOK get_relation_info_hook
#define DP_RELATION_INFO_HOOK_TYPE get_relation_info_hook_type
#define DP_RELATION_INFO_ARGS(root, rel) \
	PlannerInfo *root, Oid relid, bool inhparent, RelOptInfo *rel
#define DP_RELATION_INFO_PASS(root, rel) root, relid, inhparent, rel
#endif

/* Does a path do what a setting like enable_nestloop says it should not?  Since 18 that is counted. */
#if PG_VERSION_NUM >= 180000
#define DP_PATH_IS_DISABLED(path) ((path)->disabled_nodes > 0)
#else
#define DP_PATH_IS_DISABLED(path) ((path)->total_cost >= disable_cost)
#endif

/* A path that keeps the rows of another. */
#if PG_VERSION_NUM >= 190000
#define DP_MATERIAL_PATH(rel, path) create_material_path(rel, path, true)
#else
#define DP_MATERIAL_PATH(rel, path) create_material_path(rel, path)
#endif

/* Scans of a whole table, in one process or several: 19 adds flags. */
#if PG_VERSION_NUM >= 190000
#define DP_BEGIN_SCAN(relation, snapshot) table_beginscan(relation, snapshot, 0, NULL, SO_NONE)
#define DP_BEGIN_PARALLEL_SCAN(relation, shared) \
	table_beginscan_parallel(relation, shared, SO_NONE)
#else
#define DP_BEGIN_SCAN(relation, snapshot) table_beginscan(relation, snapshot, 0, NULL)
#define DP_BEGIN_PARALLEL_SCAN(relation, shared) table_beginscan_parallel(relation, shared)
#endif

/* What a jsonb is built in, token by token; its field "result" is it in the end. */
#if PG_VERSION_NUM >= 190000
#define DP_JSONB_BUILDER JsonbInState
#define DP_JSONB_PUSH(builder, token, item) pushJsonbValue(&(builder), token, item)
#else
#define DP_JSONB_BUILDER struct { JsonbParseState *state; JsonbValue *result; }
#define DP_JSONB_PUSH(builder, token, item) \
	((builder).result = pushJsonbValue(&(builder).state, token, item))
#endif

#endif							/* DP_COMPAT_H */
