/*
 * rebuilt_views.c
 *		Materialized views that somebody else makes again hold nothing.
 *
 * Citus replaces a table by another, drops what depends on the old one, and makes its materialized views again: it runs their
 * queries by the right of whoever converts the table, and then gives them to their owners.  Whoever may not read a
 * table can make such a view of it all the same, WITH NO DATA; and the table that is converted may be any in its query,
 * a public one that is joined with a protected one.  So such a view is made without its rows.  Its owner may
 * refresh it, by the owner's own right.
 *
 * Which views these are: those of the name of one that this transaction has dropped, whose owner is somebody without
 * the rights of the current user, made by a statement inside another.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "core/owner.h"
#include "hooks/rebuilt_views.h"
#include "policy/citus.h"
#include "policy/extension.h"

/* A materialized view that is gone */
typedef struct DroppedView
{
	char	   *name;			/* qualified and quoted */
	Oid			owner;
} DroppedView;

/* Those that this transaction has dropped, or a part of it that was rolled back; in its memory. */
static List *dropped = NIL;
static object_access_hook_type prev_object_access = NULL;

/* object_access_hook: notes materialized views before they are dropped. */
static void
note_drop(ObjectAccessType access, Oid class, Oid object, int subobject, void *argument)
{
	if (prev_object_access)
		prev_object_access(access, class, object, subobject, argument);
	if (access == OAT_DROP && class == RelationRelationId && subobject == 0 &&
		get_rel_relkind(object) == RELKIND_MATVIEW && citus_present())
	{
		MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);
		DroppedView *view = palloc(sizeof(DroppedView));

		view->name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(object)),
												get_rel_name(object));
		view->owner = relation_owner(object);
		dropped = lappend(dropped, view);
		MemoryContextSwitchTo(old);
	}
}

/* Has this transaction dropped a materialized view of this name, of somebody without the rights of the current user? */
static bool
was_of_another(const RangeVar *view)
{
	const char *qualified = view->schemaname == NULL ? NULL :
		quote_qualified_identifier(view->schemaname, view->relname);
	ListCell   *lc;

	foreach(lc, qualified == NULL ? NIL : dropped)
	{
		const DroppedView *was = lfirst(lc);

		if (strcmp(was->name, qualified) == 0 && !has_privs_of_role(was->owner, GetUserId()))
			return true;
	}
	return false;
}

/*
 * rebuilt_view_without_data
 *		The statement, changed so that it reads no rows if it makes somebody else's materialized view again.
 */
PlannedStmt *
rebuilt_view_without_data(PlannedStmt *pstmt, ProcessUtilityContext context)
{
	CreateTableAsStmt *statement = (CreateTableAsStmt *) pstmt->utilityStmt;

	if (dropped == NIL || context == PROCESS_UTILITY_TOPLEVEL || !IsA(statement, CreateTableAsStmt) ||
		statement->objtype != OBJECT_MATVIEW || statement->into->skipData ||
		!was_of_another(statement->into->rel) || !extension_installed())
		return pstmt;
	ereport(NOTICE,
			(errmsg("materialized view %s is made again without its rows, since it is somebody else's",
					quote_qualified_identifier(statement->into->rel->schemaname, statement->into->rel->relname)),
			 errhint("Its owner may refresh it: REFRESH MATERIALIZED VIEW.")));
	pstmt = copyObject(pstmt);
	statement = (CreateTableAsStmt *) pstmt->utilityStmt;
	statement->into->skipData = true;
	return pstmt;
}

/* The list is of one transaction. */
static void
end_transaction(XactEvent event, void *argument)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		dropped = NIL;
}

/* Called once from _PG_init. */
void
rebuilt_views_init(void)
{
	prev_object_access = object_access_hook;
	object_access_hook = note_drop;
	RegisterXactCallback(end_transaction, NULL);
}
