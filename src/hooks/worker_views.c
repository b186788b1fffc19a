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

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "executor/spi.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/resowner.h"

#include "hooks/worker_views.h"
#include "policy/citus.h"

/* The view that a statement replaces in the schema of facades; InvalidOid if there is none. */
static Oid
replaced_view(const ViewStmt *statement)
{
	Oid			schema = get_namespace_oid("dp", true);
	Oid			relid;

	if (!statement->replace || !OidIsValid(schema) || statement->view->schemaname == NULL ||
		strcmp(statement->view->schemaname, "dp") != 0)
		return InvalidOid;
	relid = get_relname_relid(statement->view->relname, schema);
	return OidIsValid(relid) && get_rel_relkind(relid) == RELKIND_VIEW ? relid : InvalidOid;
}

/* Does a statement replace a facade on a worker? */
bool
is_copied_facade(Node *statement)
{
	return IsA(statement, ViewStmt) && OidIsValid(replaced_view((ViewStmt *) statement)) && citus_is_worker();
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

/*
 * replace_copied_facade
 *		Runs a statement for which is_copied_facade(), which run(call) does, and may do twice.
 *
 * If the view has other columns, it is dropped before, by the right of the current user.  Errors: those of the statement.
 */
void
replace_copied_facade(Node *statement, void (*run) (void *call), void *call)
{
	const RangeVar *view = ((ViewStmt *) statement)->view;

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
