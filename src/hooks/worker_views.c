/*
 * worker_views.c
 *		Facades that Citus copies to its workers.
 *
 * When a facade on the coordinator loses a column, or one changes its type, it is dropped there and
 * made anew (migrations.c), and Citus has its workers CREATE OR REPLACE it; which
 * PostgreSQL refuses for such a change.  DROP VIEW on the coordinator would have Citus drop it everywhere, but
 * not in a transaction in which Citus has read several shards at a time.  So the worker drops its copy itself,
 * with what depends on it there: those are copies, too, of views that the coordinator makes anew and sends after it.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_rewrite.h"
#include "commands/tablecmds.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/resowner.h"

#include "core/compat.h"
#include "core/owner.h"
#include "hooks/worker_views.h"
#include "policy/cache.h"
#include "policy/citus.h"
#include "policy/extension.h"
#include "policy/facade.h"
#include "policy/owner_call.h"

/* Does a statement make or replace a facade on a worker? */
bool
is_copied_facade(Node *statement)
{
	const ViewStmt *view = (const ViewStmt *) statement;

	return IsA(statement, ViewStmt) && view->replace && view->view->schemaname != NULL &&
		strcmp(view->view->schemaname, "dp") == 0 && OidIsValid(get_namespace_oid("dp", true)) &&
		citus_is_worker() && extension_is_known();
}

/*
 * is_copied_owner
 *		Does a statement give a facade on a worker to a role that the current user may not give it to?
 *
 * The copy is the current user's then, whosever the facade is.
 */
bool
is_copied_owner(Node *statement)
{
	const AlterTableStmt *alter = (const AlterTableStmt *) statement;
	const AlterTableCmd *command;

	if (!IsA(statement, AlterTableStmt) || alter->objtype != OBJECT_VIEW || list_length(alter->cmds) != 1 ||
		alter->relation->schemaname == NULL || strcmp(alter->relation->schemaname, "dp") != 0)
		return false;
	command = linitial_node(AlterTableCmd, alter->cmds);
	return command->subtype == AT_ChangeOwner && citus_is_worker() &&
		!has_privs_of_role(GetUserId(), get_rolespec_oid(command->newowner, false));
}

/* The view to which a rule belongs; InvalidOid if it is gone. */
static Oid
rule_relation(Oid rule)
{
	Relation	rules = table_open(RewriteRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			result = InvalidOid;

	ScanKeyInit(&key, Anum_pg_rewrite_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(rule));
	scan = systable_beginscan(rules, RewriteOidIndexId, true, NULL, 1, &key);
	if (HeapTupleIsValid(tuple = systable_getnext(scan)))
		result = ((Form_pg_rewrite) GETSTRUCT(tuple))->ev_class;
	systable_endscan(scan);
	table_close(rules, AccessShareLock);
	return result;
}

/* Views in the schema of facades that read a table: a list of OIDs. */
static List *
facades_over(Oid relid)
{
	Oid			schema = get_namespace_oid("dp", true);
	List	   *result = NIL;
	Relation	depend = table_open(DependRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(RelationRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(depend, DependReferenceIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);
		Oid			view = form->classid == RewriteRelationId ? rule_relation(form->objid) : InvalidOid;

		if (OidIsValid(view) && get_rel_namespace(view) == schema)
			result = list_append_unique_oid(result, view);
	}
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
	return result;
}

/*
 * drop_copied_facades
 *		On a worker: drops the copies of a protected table's facade before the table loses a column, or one is given
 *		another type.
 *
 * The coordinator has its facade let go of the table, and follow; but where the extension does so by another right
 * than that of whoever changes the table, that does not come here (citus_keep_here()).
 */
void
drop_copied_facades(Oid relid)
{
	ListCell   *lc;

	foreach(lc, facades_over(relid))
	{
		ObjectAddress view;

		ObjectAddressSet(view, RelationRelationId, lfirst_oid(lc));
		performDeletion(&view, DROP_CASCADE, PERFORM_DELETION_INTERNAL);
	}
	CommandCounterIncrement();
}

/* Runs a statement in a subtransaction; false if the view in its place has other columns. */
static bool
fits(void (*run) (void *call), void *call)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	bool		result = true;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		run(call);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		if (error->sqlerrcode != ERRCODE_INVALID_TABLE_DEFINITION)
			ReThrowError(error);
		FreeErrorData(error);
		result = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return result;
}

/* Runs a statement; if there is a view with other columns, that is dropped before. */
static void
replace(const RangeVar *view, void (*run) (void *call), void *call)
{
	if (fits(run, call))
		return;
	/* Citus lists the copies, and hears of those that a statement drops */
	SPI_connect();
	if (SPI_execute(psprintf("DROP VIEW %s CASCADE", quote_qualified_identifier(view->schemaname, view->relname)),
					false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "could not drop a view");
	SPI_finish();
	run(call);
}

/* Does a query select columns of one table, and nothing else?  As it was parsed. */
static const RangeVar *
selected_table(const Node *query)
{
	const SelectStmt *select = (const SelectStmt *) query;
	ListCell   *lc;

	if (query == NULL || !IsA(query, SelectStmt) || select->op != SETOP_NONE ||
		list_length(select->fromClause) != 1 || !IsA(linitial(select->fromClause), RangeVar) ||
		select->distinctClause != NIL || select->whereClause != NULL || select->groupClause != NIL ||
		select->havingClause != NULL || select->windowClause != NIL || select->sortClause != NIL ||
		select->limitCount != NULL || select->limitOffset != NULL || select->lockingClause != NIL ||
		select->withClause != NULL)
		return NULL;
	foreach(lc, select->targetList)
	{
		if (!IsA(lfirst_node(ResTarget, lc)->val, ColumnRef))
			return NULL;
	}
	return linitial_node(RangeVar, select->fromClause);
}

/*
 * Is it a facade of a table of the current user's, who may make none himself?  On the coordinator the
 * extension makes facades; Citus copies them as whoever distributes the table.  Nobody's but that user's is replaced.
 */
static bool
is_for_owner(const ViewStmt *statement)
{
	const RangeVar *table = selected_table(statement->query);
	Oid			relid = table == NULL ? InvalidOid : RangeVarGetRelid(table, AccessShareLock, true);
	Oid			view = RangeVarGetRelid(statement->view, NoLock, true);

	return OidIsValid(relid) && policy_lookup(relid) != NULL &&
		(!OidIsValid(view) || has_privs_of_role(GetUserId(), relation_owner(view))) &&
		has_privs_of_role(GetUserId(), relation_owner(relid)) && facade_follows() &&
		!DP_MAY_CREATE_IN(get_namespace_oid("dp", false), GetUserId());
}

/*
 * replace_copied_facade
 *		Runs a statement for which is_copied_facade(), which run(call) does, and may do twice.
 *
 * If there is a view with other columns, it is dropped before.  A role that may not make views there makes facades of its own
 * protected tables by the right of the extension's owner, and owns them.  Errors: those of the statement.
 */
void
replace_copied_facade(Node *statement, void (*run) (void *call), void *call)
{
	const ViewStmt *view = (const ViewStmt *) statement;
	Oid			user;
	int			context;

	if (!is_for_owner(view))
	{
		replace(view->view, run, call);
		return;
	}
	GetUserIdAndSecContext(&user, &context);
	PG_TRY();
	{
		SetUserIdAndSecContext(extension_owner(DP_FUNC_FACADES_BEFORE), context | SECURITY_LOCAL_USERID_CHANGE);
		replace(view->view, run, call);
		CommandCounterIncrement();
		ATExecChangeOwner(RangeVarGetRelid(view->view, NoLock, false), user, false, AccessExclusiveLock);
	}
	PG_FINALLY();
	{
		SetUserIdAndSecContext(user, context);
	}
	PG_END_TRY();
}
