/*
 * conversions.c
 *		Citus replaces a protected table by another: its facade goes over to that.
 *
 * undistribute_table(), alter_distributed_table() and alter_table_set_access_method() make a new
 * table with the labels, copy the rows, DROP ... CASCADE the old one, rename the new one, and make its
 * views again.  citus_add_local_table_to_metadata() renames the table, which becomes a shard, drops its
 * views and makes a new table and the views.  Other statements do either in passing.  All of it is
 * statements inside one: that is how they are told from an administrator's own.
 *
 * What Citus does not do: it forgets grants on views, and comments; it makes the facade by the right of whoever converts the
 * table, who need not have any in schema dp; and it makes what others have made of the table and its facade by that right, too.
 * That must not be: a materialized view of an analyst's, which holds what a release has answered, would hold then
 * what the administrator may read, and be given to the analyst.  So before the old table goes we note its
 * facade and all views of it, and drop them as a change of a column would (migrations.c); when Citus makes
 * the first of them again, we make all, each by the right of its owner, and Citus's statements about them are left out.
 * What cannot be made so, as others' materialized views, is dropped and named.  (Those of tables that are not
 * protected: rebuilt_views.c.)
 *
 * The labels themselves are copied by Citus, by SECURITY LABEL as the current user: whoever may not
 * protect the table cannot convert it.  Shards get none: they are no relations that anybody asks about.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "tcop/cmdtag.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "core/owner.h"
#include "hooks/conversions.h"
#include "policy/citus.h"
#include "policy/extension.h"
#include "policy/facade.h"
#include "policy/label.h"
#include "policy/owner_call.h"
#include "policy/policy.h"

/* One table that is being replaced, or may be */
typedef struct Conversion
{
	uint64		number;
	SubTransactionId subid;		/* in which it began */
	Oid			relid;			/* the old table */
	bool		remade;			/* the facade and the views stand on the new one */
	text	   *state;			/* jsonb, as text: dp_agg.conversion_begin() */
	List	   *names;			/* of char *: views that are ours to make, qualified and
								 * quoted */
} Conversion;

/* Those of this transaction that have not ended, in its memory. */
static List *under_way = NIL;
static uint64 last_number = 0;

/* Statements about views are our own now. */
static bool remaking = false;

/* The number of the last conversion that began: for conversions_settle(). */
uint64
conversions_begun(void)
{
	return last_number;
}

/* ----------
 * Before
 * ----------
 */

/* The one table that a statement drops with all that depends on it; NULL for other statements. */
static RangeVar *
dropped_table(const DropStmt *statement)
{
	if ((statement->removeType != OBJECT_TABLE && statement->removeType != OBJECT_FOREIGN_TABLE) ||
		statement->behavior != DROP_CASCADE || list_length(statement->objects) != 1)
		return NULL;
	return makeRangeVarFromNameList(linitial(statement->objects));
}

/* The table that a statement gives a name such as shards have; NULL for other statements. */
static RangeVar *
renamed_table(const RenameStmt *statement)
{
	if ((statement->renameType != OBJECT_TABLE && statement->renameType != OBJECT_FOREIGN_TABLE) ||
		!citus_is_shard_name(statement->newname))
		return NULL;
	return statement->relation;
}

/* Does a relation carry a label of its own? */
static bool
is_protected(Oid relid)
{
	return list_member_oid(facade_protected_relations(), relid);
}

/* The table of the user's, with labels, that a statement may begin to convert; InvalidOid if there is none. */
static Oid
converted_table(Node *statement)
{
	RangeVar   *name = IsA(statement, DropStmt) ? dropped_table((DropStmt *) statement) :
		IsA(statement, RenameStmt) ? renamed_table((RenameStmt *) statement) : NULL;
	Oid			relid = name == NULL ? InvalidOid : RangeVarGetRelid(name, NoLock, true);

	if (!OidIsValid(relid) || !has_privs_of_role(GetUserId(), relation_owner(relid)) ||
		(!is_protected(relid) && policy_read_classes(relid) == NULL))
		return InvalidOid;
	return relid;
}

/*
 * Enters a conversion: noted is the answer of dp_agg.conversion_begin(), a state and names; none where the
 * table is not protected, and only its columns have classes.
 */
static void
enter(Oid relid, Datum *noted, int n)
{
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);
	Conversion *conversion = palloc0(sizeof(Conversion));

	conversion->number = ++last_number;
	conversion->subid = GetCurrentSubTransactionId();
	conversion->relid = relid;
	conversion->remade = n == 0;
	conversion->state = n == 0 ? NULL : DatumGetTextPCopy(noted[0]);
	for (int i = 1; i < n; i++)
		conversion->names = lappend(conversion->names, TextDatumGetCString(noted[i]));
	under_way = lappend(under_way, conversion);
	MemoryContextSwitchTo(old);
}

/*
 * conversion_begin
 *		Before a statement: is it the one by which Citus does away with a protected table that it has replaced, or
 *		is about to replace?
 *
 * Then the facade and all views of the table are noted and dropped.  Errors: 2BP01, where something of the administrator's
 * depends on the facade.
 */
bool
conversion_begin(Node *statement, ProcessUtilityContext context)
{
	Oid			relid;
	Datum		args[2];
	Datum	   *noted;
	int			n;

	if ((context != PROCESS_UTILITY_QUERY && context != PROCESS_UTILITY_QUERY_NONATOMIC) ||
		(!IsA(statement, DropStmt) && !IsA(statement, RenameStmt)) ||
		RecoveryInProgress() || IsBinaryUpgrade || !citus_present() || citus_is_worker() ||
		!extension_is_known())
		return false;
	relid = converted_table(statement);
	if (!OidIsValid(relid) || !facade_follows())
		return false;
	if (!is_protected(relid))
	{
		/* no facade shows it; that a shard of it has classes is seen to at the end */
		if (IsA(statement, RenameStmt))
			enter(relid, NULL, 0);
		return IsA(statement, RenameStmt);
	}
	args[0] = ObjectIdGetDatum(relid);
	args[1] = CStringGetTextDatum(IsA(statement, RenameStmt) ? ((RenameStmt *) statement)->newname : "");
	deconstruct_array(DatumGetArrayTypeP(owner_call(DP_FUNC_CONVERSION_BEGIN, 2, args, NULL)),
					  TEXTOID, -1, false, TYPALIGN_INT, &noted, NULL, &n);
	if (n == 0)
		return false;
	enter(relid, noted, n);
	return true;
}

/* ----------
 * After
 * ----------
 */

/* Makes the facade and the views that were noted, on the table that stands in the place of the old one. */
static void
remake(Conversion *conversion)
{
	Datum		args[1] = {PointerGetDatum(conversion->state)};

	if (conversion->remade)
		return;
	conversion->remade = true;
	CommandCounterIncrement();
	remaking = true;
	PG_TRY();
	{
		(void) owner_call(DP_FUNC_CONVERSION_REMAKE, 1, args, NULL);
	}
	PG_FINALLY();
	{
		remaking = false;
	}
	PG_END_TRY();
}

/* The view that a statement makes or gives to somebody; NULL for other statements. */
static const RangeVar *
view_of(Node *statement)
{
	if (IsA(statement, ViewStmt))
		return ((ViewStmt *) statement)->view;
	if (IsA(statement, CreateTableAsStmt) && ((CreateTableAsStmt *) statement)->objtype == OBJECT_MATVIEW)
		return ((CreateTableAsStmt *) statement)->into->rel;
	if (IsA(statement, AlterTableStmt))
	{
		AlterTableStmt *alter = (AlterTableStmt *) statement;

		if ((alter->objtype == OBJECT_VIEW || alter->objtype == OBJECT_MATVIEW) &&
			list_length(alter->cmds) == 1 &&
			linitial_node(AlterTableCmd, alter->cmds)->subtype == AT_ChangeOwner)
			return alter->relation;
	}
	return NULL;
}

/* The conversion that makes a view of this name, the last if there are several; NULL if there is none. */
static Conversion *
conversion_of(const RangeVar *view)
{
	const char *qualified = quote_qualified_identifier(view->schemaname, view->relname);
	Conversion *result = NULL;
	ListCell   *lc;
	ListCell   *ln;

	foreach(lc, under_way)
	{
		foreach(ln, ((Conversion *) lfirst(lc))->names)
		{
			if (strcmp(lfirst(ln), qualified) == 0)
				result = lfirst(lc);
		}
	}
	return result;
}

/*
 * conversion_replaces
 *		Is a statement one by which Citus makes a view again that we make?  Then it is left out.
 *
 * All of them are made when the first is asked for.  Errors: 55000, where no table with the labels stands in the place of
 * the old one; 2BP01, where a view of the administrator's cannot be made.
 */
bool
conversion_replaces(Node *statement, ProcessUtilityContext context, QueryCompletion *qc)
{
	const RangeVar *view;
	Conversion *conversion;

	if (under_way == NIL || remaking || context == PROCESS_UTILITY_TOPLEVEL ||
		(view = view_of(statement)) == NULL || view->schemaname == NULL ||
		(conversion = conversion_of(view)) == NULL)
		return false;
	remake(conversion);
	if (qc != NULL && IsA(statement, CreateTableAsStmt))
		SetQueryCompletion(qc, CMDTAG_SELECT, 0);
	return true;
}

/*
 * conversions_settle
 *		Ends the conversions that began after "begun" (conversions_begun()): the statement around them is over.
 *
 * A table that has become a shard loses its labels, which the new one has.  Errors: as conversion_replaces().
 */
void
conversions_settle(uint64 begun)
{
	while (under_way != NIL && ((Conversion *) llast(under_way))->number > begun)
	{
		Conversion *conversion = llast(under_way);

		remake(conversion);
		if (OidIsValid(citus_shard_of(conversion->relid)))
			label_remove_all(conversion->relid);
		under_way = list_delete_last(under_way);
	}
}

/* ----------
 * Shards
 * ----------
 */

/*
 * Does Citus have this session make a table that is a shard?  Of which relation it is, nobody but Citus's own transaction
 * knows yet.  Whoever writes such a query himself labels no table of such a name by it.
 */
static bool
is_making_shard(void)
{
	return debug_query_string != NULL && strstr(debug_query_string, "worker_apply_shard_ddl_command") != NULL;
}

/*
 * is_label_of_shard
 *		Is a statement one that would label a shard, or a column of it?
 *
 * Citus copies labels to the shards that it makes, and leaves them there as they were then.
 */
bool
is_label_of_shard(Node *statement)
{
	SecLabelStmt *label = (SecLabelStmt *) statement;
	List	   *name;
	Oid			relid;

	if (!IsA(statement, SecLabelStmt) || label->provider == NULL || strcmp(label->provider, DP_PROVIDER) != 0 ||
		(label->objtype != OBJECT_TABLE && label->objtype != OBJECT_FOREIGN_TABLE && label->objtype != OBJECT_COLUMN) ||
		!citus_present())
		return false;
	name = castNode(List, label->object);
	if (label->objtype == OBJECT_COLUMN)
		name = list_copy_head(name, list_length(name) - 1);
	if (name == NIL || !citus_is_shard_name(strVal(llast(name))))
		return false;
	if (is_making_shard())
		return true;
	relid = RangeVarGetRelid(makeRangeVarFromNameList(name), NoLock, true);
	return OidIsValid(relid) && OidIsValid(citus_shard_of(relid));
}

/* ----------
 * Transactions
 * ----------
 */

/* What is still under way belongs to a call that no statement of ours surrounds. */
static void
end_transaction(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_PRE_COMMIT || event == XACT_EVENT_PRE_PREPARE)
		conversions_settle(0);
	else if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		under_way = NIL;
}

/* What a subtransaction has begun ends with it, or is its parent's. */
static void
end_subtransaction(SubXactEvent event, SubTransactionId subid, SubTransactionId parent, void *arg)
{
	ListCell   *lc;

	foreach(lc, under_way)
	{
		Conversion *conversion = lfirst(lc);

		if (conversion->subid != subid)
			continue;
		if (event == SUBXACT_EVENT_COMMIT_SUB)
			conversion->subid = parent;
		else if (event == SUBXACT_EVENT_ABORT_SUB)
			under_way = foreach_delete_current(under_way, lc);
	}
}

/* Called once from _PG_init. */
void
conversions_init(void)
{
	RegisterXactCallback(end_transaction, NULL);
	RegisterSubXactCallback(end_subtransaction, NULL);
}
