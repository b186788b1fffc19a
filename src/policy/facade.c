/*
 * facade.c
 *		What the facade needs beyond SQL: to read its columns, to drop what depends on it, and to
 *		work on it by the right of the extension's owner.
 *
 * A facade belongs to whoever protected the relation, what depends on it to others, and the
 * relation may have a third owner.  Who may change the relation may also have its facade
 * follow, so the work is done by the right of the owner of the extension: in functions of
 * the install script that nobody else may execute, and in a security-restricted operation.
 * What belongs to a role is made anew by the right of that role alone (dp_agg.run_as()).
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_seclabel.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/primnodes.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteSupport.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "core/owner.h"
#include "policy/admin.h"
#include "policy/citus.h"
#include "policy/facade.h"
#include "policy/owner_call.h"
#include "policy/policy.h"

PG_FUNCTION_INFO_V1(dp_view_columns);
PG_FUNCTION_INFO_V1(dp_delete_objects);
PG_FUNCTION_INFO_V1(dp_lock_objects);
PG_FUNCTION_INFO_V1(dp_run_as);
PG_FUNCTION_INFO_V1(dp_settle_facade);
PG_FUNCTION_INFO_V1(dp_remove_facade);

/* OIDs of all relations of this database that carry a label of ours. */
List *
facade_protected_relations(void)
{
	List	   *result = NIL;
	Relation	labels = table_open(SecLabelRelationId, AccessShareLock);
	ScanKeyData keys[3];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_seclabel_classoid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(RelationRelationId));
	ScanKeyInit(&keys[1], Anum_pg_seclabel_objsubid, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(0));
	ScanKeyInit(&keys[2], Anum_pg_seclabel_provider, BTEqualStrategyNumber, F_TEXTEQ,
				CStringGetTextDatum(DP_PROVIDER));
	scan = systable_beginscan(labels, InvalidOid, false, NULL, 3, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		result = lappend_oid(result, ((FormData_pg_seclabel *) GETSTRUCT(tuple))->objoid);
	systable_endscan(scan);
	table_close(labels, AccessShareLock);
	return result;
}

/*
 * Do facades follow by themselves?  Not where the owner of the extension has ceased to be a
 * superuser: then its functions may say what that role likes, and nobody else's DDL runs them.
 */
bool
facade_follows(void)
{
	return superuser_arg(extension_owner(DP_FUNC_FACADES_BEFORE));
}

/* Raises an error unless this is the place, and the current user may change how the relation is protected. */
static void
check_may_protect(Oid relid)
{
	citus_check_coordinator();
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	if (!has_privs_of_role(GetUserId(), relation_owner(relid)))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(relid));
	if (!admin_may_protect())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to change the facade of relation \"%s\"",
						get_rel_name(relid)),
				 errhint("It takes EXECUTE on function dp_agg.protect().")));
}

/*
 * dp_agg.settle_facade(relation, create): makes the facade what the labels of the relation
 * say, and creates it if there is none and that is asked for.
 */
PGDLLEXPORT Datum
dp_settle_facade(PG_FUNCTION_ARGS)
{
	Datum		args[3] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), ObjectIdGetDatum(GetUserId())};
	int			level = -1;

	check_may_protect(PG_GETARG_OID(0));
	/* Citus would warn that it takes no view of a table to its workers that it does not know */
	if (citus_table(PG_GETARG_OID(0)).kind == CITUS_LOCAL)
		level = citus_keep_here();
	(void) owner_call(DP_FUNC_FACADE_SETTLE, 3, args, NULL);
	if (level != -1)
		AtEOXact_GUC(true, level);
	PG_RETURN_VOID();
}

/* dp_agg.remove_facade(relation): drops the facade, and what others made of it. */
PGDLLEXPORT Datum
dp_remove_facade(PG_FUNCTION_ARGS)
{
	Datum		args[1] = {PG_GETARG_DATUM(0)};

	check_may_protect(PG_GETARG_OID(0));
	(void) owner_call(DP_FUNC_FACADE_REMOVE, 1, args, NULL);
	PG_RETURN_VOID();
}

/* The query behind a view; NULL if the relation is none. */
static Query *
view_query(Relation view)
{
	RuleLock   *rules = view->rd_rules;

	if (view->rd_rel->relkind != RELKIND_VIEW || rules == NULL)
		return NULL;
	for (int i = 0; i < rules->numLocks; i++)
	{
		if (rules->rules[i]->event == CMD_SELECT)
			return linitial_node(Query, rules->rules[i]->actions);
	}
	return NULL;
}

/* Does a query show columns of one relation and all its rows, and nothing else? */
static bool
is_plain_selection(const Query *query)
{
	ListCell   *lc;

	if (query == NULL || list_length(query->jointree->fromlist) != 1 ||
		!IsA(linitial(query->jointree->fromlist), RangeTblRef) ||
		rt_fetch(linitial_node(RangeTblRef, query->jointree->fromlist)->rtindex,
				 query->rtable)->rtekind != RTE_RELATION ||
		rt_fetch(linitial_node(RangeTblRef, query->jointree->fromlist)->rtindex,
				 query->rtable)->tablesample != NULL ||
		query->jointree->quals != NULL || query->groupClause != NIL || query->groupingSets != NIL ||
		query->havingQual != NULL || query->distinctClause != NIL || query->sortClause != NIL ||
		query->limitCount != NULL || query->limitOffset != NULL || query->setOperations != NULL ||
		query->cteList != NIL || query->rowMarks != NIL)
		return false;
	foreach(lc, query->targetList)
	{
		const TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (tle->resjunk || !IsA(tle->expr, Var) || ((Var *) tle->expr)->varattno <= 0)
			return false;
	}
	return true;
}

/*
 * dp_agg.view_columns(view): for each column of a view that is a selection from one table, the
 * number of the table's column that it shows.  NULL if the view does anything else: then it is no
 * facade, whatever a label says, and is somebody's own.
 */
PGDLLEXPORT Datum
dp_view_columns(PG_FUNCTION_ARGS)
{
	Relation	view = relation_open(PG_GETARG_OID(0), AccessShareLock);
	Query	   *query = view_query(view);
	bool		plain = is_plain_selection(query);
	int			n = 0;
	Datum	   *numbers = palloc((RelationGetNumberOfAttributes(view) + 1) * sizeof(Datum));
	ListCell   *lc;

	foreach(lc, plain ? query->targetList : NIL)
		numbers[n++] = Int16GetDatum(((Var *) lfirst_node(TargetEntry, lc)->expr)->varattno);
	relation_close(view, AccessShareLock);
	if (!plain)
		PG_RETURN_NULL();
	PG_RETURN_ARRAYTYPE_P(construct_array(numbers, n, INT2OID, sizeof(int16), true, TYPALIGN_SHORT));
}

/* The elements of an array of a type of four bytes, without NULLs. */
static uint32 *
elements_of(FunctionCallInfo fcinfo, int argument, int *n)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(argument);

	if (ARR_HASNULL(array) || ARR_NDIM(array) > 1)
		elog(ERROR, "unexpected array of objects");
	*n = ARR_NDIM(array) == 0 ? 0 : ARR_DIMS(array)[0];
	return (uint32 *) ARR_DATA_PTR(array);
}

/*
 * dp_agg.delete_objects(classes, objects, subobjects, cascade): drops all of these, in an
 * order that serves.  Nobody's right is asked, so only a superuser may.
 */
PGDLLEXPORT Datum
dp_delete_objects(PG_FUNCTION_ARGS)
{
	ObjectAddresses *objects = new_object_addresses();
	ObjectAddress address;
	int			n[3];
	uint32	   *parts[3];

	if (!superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("only superusers drop objects by their OIDs")));
	for (int i = 0; i < 3; i++)
		parts[i] = elements_of(fcinfo, i, &n[i]);
	if (n[0] != n[1] || n[0] != n[2])
		elog(ERROR, "unexpected number of objects");
	for (int i = 0; i < n[0]; i++)
	{
		ObjectAddressSubSet(address, parts[0][i], parts[1][i], (int32) parts[2][i]);
		add_exact_object_address(&address, objects);
	}
	performMultipleDeletions(objects, PG_GETARG_BOOL(3) ? DROP_CASCADE : DROP_RESTRICT, 0);
	free_object_addresses(objects);
	PG_RETURN_VOID();
}

/*
 * dp_agg.lock_objects(classes, objects): locks all of these as dropping them does.  Those that
 * are gone by then do no harm.
 */
PGDLLEXPORT Datum
dp_lock_objects(PG_FUNCTION_ARGS)
{
	int			n[2];
	uint32	   *parts[2];

	if (!superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("only superusers lock objects by their OIDs")));
	for (int i = 0; i < 2; i++)
		parts[i] = elements_of(fcinfo, i, &n[i]);
	if (n[0] != n[1])
		elog(ERROR, "unexpected number of objects");
	for (int i = 0; i < n[0]; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (parts[0][i] == RelationRelationId)
			LockRelationOid(parts[1][i], AccessExclusiveLock);
		else
			LockDatabaseObject(parts[0][i], parts[1][i], 0, AccessExclusiveLock);
	}
	PG_RETURN_VOID();
}

/*
 * dp_agg.run_as(role, command): runs a command by the right of a role, which only a
 * superuser may.  The role's own functions could run in it, as in an index's or a
 * materialized view's maintenance, and no more than there.
 */
PGDLLEXPORT Datum
dp_run_as(PG_FUNCTION_ARGS)
{
	char	   *command = text_to_cstring(PG_GETARG_TEXT_PP(1));
	Oid			user;
	int			context;
	int			level = -1;

	if (!superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("only superusers run commands as another role")));
	GetUserIdAndSecContext(&user, &context);
	if (PG_GETARG_OID(0) != user)
		level = citus_keep_here();
	SPI_connect();
	PG_TRY();
	{
		SetUserIdAndSecContext(PG_GETARG_OID(0), context | SECURITY_LOCAL_USERID_CHANGE |
							   SECURITY_RESTRICTED_OPERATION);
		if (SPI_execute(command, false, 0) < 0)
			elog(ERROR, "could not run a command as another role");
	}
	PG_FINALLY();
	{
		SetUserIdAndSecContext(user, context);
	}
	PG_END_TRY();
	SPI_finish();
	if (level != -1)
		AtEOXact_GUC(true, level);
	PG_RETURN_VOID();
}
