/*
 * migrations.c
 *		DDL on protected relations: which statements concern a facade, and how.
 *
 * A facade is a view, and PostgreSQL refuses to drop or retype what a view shows.  So before
 * such a statement the facade lets go of its table, and after it the facade is what the
 * table is then; both in the transaction of the statement, so that nobody else meets
 * anything between.  The work itself is SQL, in the install script: dp_agg.facades_before()
 * and dp_agg.facades_after().
 *
 * A hook and no event trigger: ALTER EVENT TRIGGER, session_replication_role and a restore
 * switch event triggers off, and then tables could not be changed any more; and they belong to
 * a database's superuser, who may have ceased to be one.  The library is there anyway.
 * Whoever has no right to the table gets PostgreSQL's own error: nothing is done before.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "core/owner.h"
#include "hooks/migrations.h"
#include "hooks/worker_views.h"
#include "policy/citus.h"
#include "policy/extension.h"
#include "policy/facade.h"
#include "policy/family.h"
#include "policy/owner_call.h"

/*
 * What to do before a statement; the names are those that dp_agg.facades_before() knows.
 * Of two, the later one is more.
 */
typedef enum MigrationKind
{
	MIGRATION_NONE,
	MIGRATION_NOTE,				/* note what there is */
	MIGRATION_FOLLOW,			/* and lock the facade, which will change */
	MIGRATION_DETACH,			/* and have it let go of its table */
	MIGRATION_DROP				/* drop the facade */
} MigrationKind;

static const char *const kind_names[] = {"none", "note", "follow", "detach", "drop"};

/* One statement */
typedef struct Statement
{
	MigrationKind kind;
	List	   *relids;			/* relations of which those protected are concerned */
	bool		cascade;
	bool		all;			/* any other facade may be dropped along */
} Statement;

struct Migration
{
	Datum		state;			/* jsonb */
	bool		cascade;
};

/* The relation that a statement names; InvalidOid if there is none, or somebody else's. */
static Oid
own_relation(const RangeVar *name, bool or_schema)
{
	Oid			relid = name == NULL ? InvalidOid : RangeVarGetRelid(name, NoLock, true);
	HeapTuple	tuple;
	bool		own;

	if (!OidIsValid(relid))
		return InvalidOid;
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	own = has_privs_of_role(GetUserId(), ((Form_pg_class) GETSTRUCT(tuple))->relowner);
	if (!own && or_schema)
	{
		HeapTuple	schema = SearchSysCache1(NAMESPACEOID,
											 ObjectIdGetDatum(((Form_pg_class) GETSTRUCT(tuple))->relnamespace));

		if (HeapTupleIsValid(schema))
		{
			own = has_privs_of_role(GetUserId(), ((Form_pg_namespace) GETSTRUCT(schema))->nspowner);
			ReleaseSysCache(schema);
		}
	}
	ReleaseSysCache(tuple);
	return own ? relid : InvalidOid;
}

/* Adds a relation, all that inherit from it, and tables of its type. */
static void
add_relation(Statement *work, Oid relid)
{
	ListCell   *lc;
	Oid			type;

	if (!OidIsValid(relid))
		return;
	if (get_rel_relkind(relid) == RELKIND_VIEW)
	{
		work->relids = list_append_unique_oid(work->relids, relid);
		return;
	}
	type = get_rel_type_id(relid);
	foreach(lc, facade_protected_relations())
	{
		HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(lfirst_oid(lc)));

		if (!HeapTupleIsValid(tuple))
			continue;
		if (OidIsValid(type) && ((Form_pg_class) GETSTRUCT(tuple))->reloftype == type)
			work->relids = list_append_unique_oid(work->relids, lfirst_oid(lc));
		ReleaseSysCache(tuple);
	}
	if (get_rel_relkind(relid) != RELKIND_COMPOSITE_TYPE)
		work->relids = list_concat_unique_oid(work->relids,
											  find_all_inheritors(relid, NoLock, NULL));
}

/* What one command of ALTER TABLE asks for. */
static MigrationKind
kind_of_command(const AlterTableCmd *command)
{
	switch (command->subtype)
	{
		case AT_DropColumn:
		case AT_AlterColumnType:
			return MIGRATION_DETACH;
		case AT_AddColumn:
		case AT_ChangeOwner:
			return MIGRATION_FOLLOW;
		case AT_AddInherit:
		case AT_DropInherit:
		case AT_AttachPartition:
		case AT_DetachPartition:
			return MIGRATION_NOTE;
		default:
			return MIGRATION_NONE;
	}
}

/* Adds all relations that have classes of columns from a relation, or it from them. */
static void
add_family(Statement *work, Oid relid)
{
	ListCell   *lc;

	if (!OidIsValid(relid))
		return;
	check_stack_depth();
	add_relation(work, relid);
	foreach(lc, family_parents(relid))
		add_family(work, lfirst_oid(lc));
}

/*
 * Who gets another family: parents and children have classes of columns from each other.
 * Partitions come and go with light locks on the parent, so nothing is locked before, nor
 * unless a facade does change.  DETACH CONCURRENTLY commits on its way, and is left alone.
 */
static void
judge_inheritance(const AlterTableStmt *statement, const AlterTableCmd *command, Statement *work)
{
	const PartitionCmd *partition = NULL;

	if (command->subtype == AT_AttachPartition || command->subtype == AT_DetachPartition)
		partition = castNode(PartitionCmd, command->def);
	if (partition != NULL && partition->concurrent)
	{
		work->kind = MIGRATION_NONE;
		return;
	}
	add_family(work, own_relation(statement->relation, false));
	add_family(work, own_relation(partition != NULL ? partition->name :
								  castNode(RangeVar, command->def), false));
}

/* ALTER TABLE and the like */
static void
judge_alter(const AlterTableStmt *statement, Statement *work)
{
	Oid			relid = own_relation(statement->relation, false);
	ListCell   *lc;

	if (!OidIsValid(relid) || get_rel_relkind(relid) == RELKIND_VIEW)
		return;
	foreach(lc, statement->cmds)
	{
		const AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);
		MigrationKind kind = kind_of_command(command);

		work->kind = Max(work->kind, kind);
		work->cascade = work->cascade || command->behavior == DROP_CASCADE;
		if (kind == MIGRATION_NOTE)
			judge_inheritance(statement, command, work);
	}
	if (work->kind > MIGRATION_NOTE)
		add_relation(work, relid);
}

/* ALTER ... RENAME */
static void
judge_rename(const RenameStmt *statement, Statement *work)
{
	Oid			relid;

	switch (statement->renameType)
	{
		case OBJECT_SCHEMA:
			work->kind = MIGRATION_NOTE;	/* of relations, or of facades: it is rare */
			work->relids = facade_protected_relations();
			return;
		case OBJECT_TABLE:
		case OBJECT_FOREIGN_TABLE:
		case OBJECT_MATVIEW:
		case OBJECT_VIEW:
		case OBJECT_COLUMN:
		case OBJECT_ATTRIBUTE:
			break;
		default:
			return;
	}
	relid = own_relation(statement->relation, false);
	if (OidIsValid(relid) && get_rel_relkind(relid) == RELKIND_VIEW &&
		statement->renameType == OBJECT_COLUMN)
		return;
	work->kind = MIGRATION_FOLLOW;
	add_relation(work, relid);
}

/* DROP of anything */
static void
judge_drop(const DropStmt *statement, Statement *work)
{
	ListCell   *lc;

	if (statement->removeType == OBJECT_VIEW || statement->concurrent)
		return;
	work->cascade = work->all = statement->behavior == DROP_CASCADE;
	work->kind = work->all ? MIGRATION_NOTE : MIGRATION_NONE;
	if (statement->removeType != OBJECT_TABLE && statement->removeType != OBJECT_MATVIEW &&
		statement->removeType != OBJECT_FOREIGN_TABLE)
		return;
	foreach(lc, statement->objects)
	{
		Oid			relid = own_relation(makeRangeVarFromNameList(lfirst(lc)), true);

		if (!OidIsValid(relid) || get_rel_relkind(relid) == RELKIND_VIEW)
			continue;
		if (OidIsValid(citus_shard_of(relid)))
		{
			/* another session of Citus's drops the relation, and holds its facade */
			work->kind = MIGRATION_NONE;
			return;
		}
		work->kind = MIGRATION_DROP;
		work->relids = list_concat_unique_oid(work->relids,
											  find_all_inheritors(relid, NoLock, NULL));
	}
}

/* DROP OWNED */
static void
judge_drop_owned(const DropOwnedStmt *statement, Statement *work)
{
	ListCell   *lc;
	ListCell   *lr;

	work->kind = MIGRATION_DROP;
	work->cascade = work->all = statement->behavior == DROP_CASCADE;
	foreach(lr, statement->roles)
	{
		Oid			role = get_rolespec_oid(lfirst(lr), true);

		if (!OidIsValid(role) || !has_privs_of_role(GetUserId(), role))
			continue;
		foreach(lc, facade_protected_relations())
		{
			if (relation_owner(lfirst_oid(lc)) == role)
				work->relids = list_append_unique_oid(work->relids, lfirst_oid(lc));
		}
	}
}

/* COMMENT ON COLUMN */
static void
judge_comment(const CommentStmt *statement, Statement *work)
{
	List	   *name;

	if (statement->objtype != OBJECT_COLUMN)
		return;
	name = castNode(List, statement->object);
	if (list_length(name) < 2)
		return;
	work->kind = MIGRATION_NOTE;
	add_relation(work, own_relation(makeRangeVarFromNameList(list_truncate(list_copy(name), list_length(name) - 1)),
									false));
}

/* What a statement asks for; MIGRATION_NONE if it concerns no facade. */
static void
judge_statement(Node *statement, Statement *work)
{
	switch (nodeTag(statement))
	{
		case T_AlterTableStmt:
			judge_alter((AlterTableStmt *) statement, work);
			break;
		case T_RenameStmt:
			judge_rename((RenameStmt *) statement, work);
			break;
		case T_AlterObjectSchemaStmt:
			work->kind = MIGRATION_FOLLOW;
			add_relation(work, own_relation(((AlterObjectSchemaStmt *) statement)->relation, false));
			break;
		case T_DropStmt:
			judge_drop((DropStmt *) statement, work);
			break;
		case T_DropOwnedStmt:
			judge_drop_owned((DropOwnedStmt *) statement, work);
			break;
		case T_CommentStmt:
			judge_comment((CommentStmt *) statement, work);
			break;
		default:
			break;
	}
}

/* May the statement be one that concerns a facade?  Looks at no catalog. */
static bool
may_concern(Node *statement, ProcessUtilityContext context)
{
	if (context == PROCESS_UTILITY_SUBCOMMAND || RecoveryInProgress())
		return false;
	switch (nodeTag(statement))
	{
		case T_AlterTableStmt:
		case T_RenameStmt:
		case T_AlterObjectSchemaStmt:
		case T_DropStmt:
		case T_DropOwnedStmt:
		case T_CommentStmt:
			return true;
		default:
			return false;
	}
}

/* An oid[] of a list. */
static Datum
oid_array(List *oids)
{
	Datum	   *elements = palloc((list_length(oids) + 1) * sizeof(Datum));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, oids)
		elements[n++] = ObjectIdGetDatum(lfirst_oid(lc));
	return PointerGetDatum(construct_array(elements, n, OIDOID, sizeof(Oid), true, TYPALIGN_INT));
}

/*
 * The relations of the list that are protected, and views, which may be facades.  A
 * statement that concerns none of ours costs no more than this.
 */
static List *
concerned(List *relids)
{
	List	   *protected = facade_protected_relations();
	List	   *result = NIL;
	ListCell   *lc;

	if (protected == NIL)
		return NIL;
	foreach(lc, relids)
	{
		if (list_member_oid(protected, lfirst_oid(lc)) ||
			get_rel_relkind(lfirst_oid(lc)) == RELKIND_VIEW)
			result = lappend_oid(result, lfirst_oid(lc));
	}
	return result;
}

/* On a worker of Citus: copies of facades give way to a change of columns.  Others are the coordinator's. */
static void
make_room_on_worker(Node *statement)
{
	Statement	work = {0};
	ListCell   *lc;

	if (!IsA(statement, AlterTableStmt))
		return;
	judge_alter((AlterTableStmt *) statement, &work);
	foreach(lc, work.kind == MIGRATION_DETACH ? concerned(work.relids) : NIL)
		drop_copied_facades(lfirst_oid(lc));
}

/*
 * migration_begin
 *		Before a statement: notes the facades that it concerns, and makes room for it.
 *
 * The result, NULL if there are none, is for migration_end().  Errors: those of dropping a
 * facade on which something of the administrator's depends (2BP01).
 */
Migration *
migration_begin(Node *statement, ProcessUtilityContext context)
{
	Statement	work = {0};
	Migration  *result;
	Datum		args[4];

	/*
	 * pg_upgrade brings facades along with their tables, and Citus to its workers; and a
	 * version that this library does not know may have other functions, or none, for facades
	 * to follow.
	 */
	if (!may_concern(statement, context) || IsBinaryUpgrade || !extension_is_known())
		return NULL;
	if (citus_is_worker())
	{
		make_room_on_worker(statement);
		return NULL;
	}
	judge_statement(statement, &work);
	if (work.kind == MIGRATION_NONE)
		return NULL;
	work.relids = concerned(work.relids);
	work.all = work.all && facade_protected_relations() != NIL;
	if ((work.relids == NIL && !work.all) || !facade_follows())
		return NULL;

	args[0] = CStringGetTextDatum(kind_names[work.kind]);
	args[1] = oid_array(work.relids);
	args[2] = BoolGetDatum(work.all);
	args[3] = BoolGetDatum(work.cascade);
	result = palloc(sizeof(Migration));
	result->state = owner_call(DP_FUNC_FACADES_BEFORE, 4, args, NULL);
	result->cascade = work.cascade;
	return result;
}

/*
 * migration_end
 *		After the statement: the facades follow.
 *
 * Errors: 2BP01, where something of the administrator's own depends on a facade and cannot be
 * made anew.
 */
void
migration_end(const Migration *migration)
{
	Datum		args[2];

	if (migration == NULL)
		return;
	CommandCounterIncrement();
	if (!extension_is_known())
		return;					/* it has just been dropped */
	args[0] = migration->state;
	args[1] = BoolGetDatum(migration->cascade);
	(void) owner_call(DP_FUNC_FACADES_AFTER, 2, args, NULL);
}
