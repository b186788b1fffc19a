/*
 * changes.c
 *		Whoever changes an account, but for the worker that charges it, is put on record.
 *
 * A change belongs to the transaction that makes it and may be rolled back with it, so the
 * worker cannot write it at once, and the transaction cannot hold the head of the chain until
 * it ends: nobody could be charged meanwhile.  So a trigger on the table of accounts writes
 * the change to a table where it waits, and the worker moves what is committed there into the
 * chain before it decides on any request.  What is charged under a new limit comes after the
 * change that has set it.
 *
 * A trigger can be disabled by the table's owner.  Then the account differs from what the
 * chain says of it, which verify_ledger() finds.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/dependency.h"
#include "commands/sequence.h"
#include "commands/trigger.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "core/compat.h"
#include "core/owner.h"
#include "ledger/changes.h"
#include "ledger/layout.h"
#include "ledger/storable.h"
#include "ledger/tables.h"
#include "ledger/writing.h"
#include "policy/owner_call.h"

PG_FUNCTION_INFO_V1(dp_is_ledger_worker);
PG_FUNCTION_INFO_V1(dp_account_changed);

/* ----------
 * In the transaction that makes the change
 * ----------
 */

/* is_ledger_worker() returns boolean */
PGDLLEXPORT Datum
dp_is_ledger_worker(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(MyBgworkerEntry != NULL &&
				   strcmp(MyBgworkerEntry->bgw_library_name, "dp_agg") == 0);
}

/* A row of dp_agg.account as JSON, as it can be stored. */
static Datum
row_as_json(HeapTuple tuple, TupleDesc desc)
{
	char	   *json = TextDatumGetCString(OidFunctionCall1(F_ROW_TO_JSON_RECORD,
															heap_copy_tuple_as_datum(tuple, desc)));

	return CStringGetTextDatum(ledger_storable(json, strlen(json)));
}

/*
 * The name of a role, also of one that is gone, as pg_get_userbyid() gives it and as it can
 * be stored.  "-" for no role, which has the cap of a population.
 */
static Datum
role_name(Oid role)
{
	Name		found;
	Name		name = palloc(sizeof(NameData));

	if (!OidIsValid(role))
	{
		namestrcpy(name, "-");
		return NameGetDatum(name);
	}
	found = DatumGetName(OidFunctionCall1(F_PG_GET_USERBYID, ObjectIdGetDatum(role)));
	namestrcpy(name, ledger_storable(NameStr(*found), strlen(NameStr(*found))));
	return NameGetDatum(name);
}

/* Raises ERRCODE_CHARACTER_NOT_IN_REPERTOIRE for a population whose name cannot be stored. */
static void
check_population(const NameData *population)
{
	if (!ledger_is_storable(NameStr(*population), strlen(NameStr(*population))))
		ereport(ERROR,
				(errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
				 errmsg("the name of population \"%s\" cannot be written in UTF-8", NameStr(*population)),
				 errhint("Give the population another name.")));
}

/* Sets the columns that say whose account was changed, by whom and when. */
static void
set_who(TupleTableSlot *row, HeapTuple account, TupleDesc desc)
{
	bool		isnull;
	Datum		role = heap_getattr(account, Anum_account_role, desc, &isnull);
	Datum		population = heap_getattr(account, Anum_account_population, desc, &isnull);

	check_population(DatumGetName(population));
	writing_set(row, Anum_release_at, TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()));
	writing_set(row, Anum_release_session_role, role_name(GetSessionUserId()));
	writing_set(row, Anum_release_current_role, role_name(owner_call_for()));
	writing_set(row, Anum_release_session_id, ObjectIdGetDatum(GetSessionUserId()));
	writing_set(row, Anum_release_current_id, ObjectIdGetDatum(owner_call_for()));
	writing_set(row, Anum_release_cluster, Int64GetDatum((int64) GetSystemIdentifier()));
	writing_set(row, Anum_account_change_role, role_name(DatumGetObjectId(role)));
	writing_set(row, Anum_account_change_role_id, role);
	writing_set(row, Anum_account_change_population, population);
}

/* The last number of what waits; 0 if nothing does. */
static int64
last_number(Relation rel)
{
	Relation	index = index_open(DP_PRIMARY_KEY_INDEX(rel), AccessShareLock);
	SysScanDesc scan = systable_beginscan_ordered(rel, index, GetActiveSnapshot(), 0, NULL);
	HeapTuple	tuple = systable_getnext_ordered(scan, BackwardScanDirection);
	bool		isnull;
	int64		number = HeapTupleIsValid(tuple) ?
		DatumGetInt64(heap_getattr(tuple, Anum_waiting_number, RelationGetDescr(rel), &isnull)) : 0;

	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	return number;
}

/*
 * The next number of the table of what waits.  Where the table was copied and its sequence was
 * not, as by logical replication, the sequence is behind: it catches up.
 */
static Datum
next_number(Relation rel)
{
	Oid			sequence = DP_IDENTITY_SEQUENCE(rel, Anum_waiting_number, false);
	int64		last = last_number(rel);
	int64		number = nextval_internal(sequence, false);

	if (number <= last)
	{
		DirectFunctionCall2(setval_oid, ObjectIdGetDatum(sequence), Int64GetDatum(last));
		number = nextval_internal(sequence, false);
	}
	return Int64GetDatum(number);
}

/* Keeps one change: before is NULL for an account that was opened, after for one that was closed. */
static void
keep_change(TupleDesc desc, HeapTuple before, HeapTuple after)
{
	Relation	rel = ledger_open("account_change_waiting", RowExclusiveLock);
	Oid			save_user;
	int			save_context;
	Writing    *writing;
	ResultRelInfo *info;
	TupleTableSlot *row;

	writing = writing_begin();
	info = writing_open(writing, rel);
	row = writing_row(writing, info);
	set_who(row, after != NULL ? after : before, desc);
	if (before != NULL)
		writing_set(row, Anum_account_change_before, row_as_json(before, desc));
	if (after != NULL)
		writing_set(row, Anum_account_change_after, row_as_json(after, desc));

	GetUserIdAndSecContext(&save_user, &save_context);
	SetUserIdAndSecContext(rel->rd_rel->relowner, save_context | SECURITY_LOCAL_USERID_CHANGE);
	writing_set(row, Anum_waiting_number, next_number(rel));
	writing_insert(writing, info, row);
	writing_end(writing);
	SetUserIdAndSecContext(save_user, save_context);
}

/* Are both rows of one account, of the same role on the same population? */
static bool
same_account(HeapTuple before, HeapTuple after, TupleDesc desc)
{
	bool		isnull;

	return heap_getattr(before, Anum_account_role, desc, &isnull) ==
		heap_getattr(after, Anum_account_role, desc, &isnull) &&
		strcmp(NameStr(*DatumGetName(heap_getattr(before, Anum_account_population, desc, &isnull))),
			   NameStr(*DatumGetName(heap_getattr(after, Anum_account_population, desc, &isnull)))) == 0;
}

/* Does an account add up rho? */
static bool
adds_up_rho(HeapTuple account, TupleDesc desc)
{
	bool		isnull;

	(void) heap_getattr(account, Anum_account_rho_limit, desc, &isnull);
	return !isnull;
}

/*
 * account_changed() returns trigger
 *
 * AFTER INSERT OR UPDATE OR DELETE FOR EACH ROW: keeps the change; an account that is handed
 * to another role or population is closed, and another one opened.  BEFORE TRUNCATE:
 * ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE.
 */
PGDLLEXPORT Datum
dp_account_changed(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	TupleDesc	desc;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("account_changed() is a trigger")));
	if (TRIGGER_FIRED_BY_TRUNCATE(data->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("accounts cannot be truncated"),
				 errhint("Close them with dp_agg.drop_budget().")));
	desc = RelationGetDescr(data->tg_relation);
	if (!TRIGGER_FIRED_BY_UPDATE(data->tg_event) ||
		adds_up_rho(data->tg_trigtuple, desc) != adds_up_rho(data->tg_newtuple, desc))
		CacheInvalidateRelcache(data->tg_relation); /* plans rest on it: hooks/planner.c */
	if (TRIGGER_FIRED_BY_INSERT(data->tg_event))
		keep_change(desc, NULL, data->tg_trigtuple);
	else if (!TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		keep_change(desc, data->tg_trigtuple, NULL);
	else if (same_account(data->tg_trigtuple, data->tg_newtuple, desc))
		keep_change(desc, data->tg_trigtuple, data->tg_newtuple);
	else
	{
		keep_change(desc, data->tg_trigtuple, NULL);
		keep_change(desc, NULL, data->tg_newtuple);
	}
	return PointerGetDatum(NULL);
}

/* ----------
 * In the worker
 * ----------
 */

/* Order of the numbers of two changes. */
static int
compare_changes(const ListCell *a, const ListCell *b)
{
	int64		first = DatumGetInt64(((TupleTableSlot *) lfirst(a))->tts_values[Anum_waiting_number - 1]);
	int64		second = DatumGetInt64(((TupleTableSlot *) lfirst(b))->tts_values[Anum_waiting_number - 1]);

	return first < second ? -1 : first > second;
}

/* changes_read: the changes that wait, in the order of their numbers: a list of TupleTableSlot. */
List *
changes_read(Writing *writing, ResultRelInfo *waiting)
{
	Relation	rel = waiting->ri_RelationDesc;
	TableScanDesc scan = DP_BEGIN_SCAN(rel, writing->estate->es_snapshot);
	List	   *rows = NIL;

	for (;;)
	{
		TupleTableSlot *row = table_slot_create(rel, &writing->estate->es_tupleTable);

		if (!table_scan_getnextslot(scan, ForwardScanDirection, row))
			break;
		ExecMaterializeSlot(row);
		slot_getallattrs(row);
		rows = lappend(rows, row);
	}
	table_endscan(scan);
	list_sort(rows, compare_changes);
	return rows;
}
