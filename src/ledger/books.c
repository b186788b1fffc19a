/*
 * books.c
 *		The tables of the ledger, as its worker reads and writes them.
 *
 * The worker goes row by row and without SQL.  A batch is one transaction with a few
 * accounts and many releases, and an executor for each statement would take longer
 * than all else that the worker does.  As with the rows that logical replication
 * applies (execReplication.c), constraints are checked, indexes are kept, and
 * triggers for each row fire; triggers for statements, and rules, do not.
 *
 * An account is locked before it is read, and the worker never waits for that lock.
 * A row that another transaction has locked stays unread in this batch, and the
 * requests that need it are refused for now (batch.c).
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_func.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "core/compat.h"
#include "ledger/books.h"
#include "ledger/protocol.h"
#include "ledger/tables.h"

struct Books
{
	EState	   *estate;
	EPQState	epq;			/* asked for by ExecSimpleRelationUpdate(), never run */
	ResultRelInfo *accounts;
	ResultRelInfo *releases;	/* NULL until the first release is written */
	TupleTableSlot *release;	/* the row of a release that is being written */
	Oid			numbers;		/* sequence that numbers releases */
	Datum		cluster;		/* system identifier of the cluster, an int8 */
};

/* Opens a table and its indexes for writing. */
static ResultRelInfo *
open_table(Books *books, Oid table)
{
	ResultRelInfo *info = makeNode(ResultRelInfo);

	InitResultRelInfo(info, table_open(table, RowExclusiveLock), 0, NULL, 0);
	ExecOpenIndices(info, false);
	return info;
}

/* Closes them again; the lock on the table stays until the end of the transaction. */
static void
close_table(ResultRelInfo *info)
{
	ExecCloseIndices(info);
	table_close(info->ri_RelationDesc, NoLock);
}

/*
 * books_open
 *		Opens the table of accounts; the log of releases is opened when it is written.
 *
 * The caller has an active snapshot and runs as the owner of the tables.  What is
 * opened lasts until books_close(), or is given back by an abort.
 */
Books *
books_open(Oid account_table)
{
	Books	   *books = palloc0(sizeof(Books));

	AfterTriggerBeginQuery();
	books->estate = CreateExecutorState();
	books->estate->es_snapshot = GetActiveSnapshot();
	books->estate->es_output_cid = GetCurrentCommandId(true);
	DP_EVAL_PLAN_QUAL_INIT(&books->epq, books->estate);
	books->accounts = open_table(books, account_table);
	return books;
}

/*
 * books_close
 *		Closes the tables, after the triggers AFTER ... FOR EACH ROW have fired.
 */
void
books_close(Books *books)
{
	AfterTriggerEndQuery(books->estate);
	ExecCloseResultRelations(books->estate);	/* what triggers have opened */
	EvalPlanQualEnd(&books->epq);
	close_table(books->accounts);
	if (books->releases != NULL)
		close_table(books->releases);
	ExecResetTupleTable(books->estate->es_tupleTable, false);
	FreeExecutorState(books->estate);
}

/* ----------
 * Accounts
 * ----------
 */

/*
 * books_accounts
 *		All accounts on a population, whoever holds them: a list of Account.
 *
 * Holder, population and place in the table are set; the rest is read by books_lock().
 */
List *
books_accounts(Books *books, const NameData *population)
{
	Relation	rel = books->accounts->ri_RelationDesc;
	List	   *accounts = NIL;
	SysScanDesc scan = ledger_begin_accounts(rel, population, books->estate->es_snapshot);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Account    *account = palloc0(sizeof(Account));
		bool		isnull;

		account->tid = tuple->t_self;
		account->role = DatumGetObjectId(heap_getattr(tuple, Anum_account_role,
													  RelationGetDescr(rel), &isnull));
		account->population = *population;
		accounts = lappend(accounts, account);
	}
	systable_endscan(scan);
	return accounts;
}

/* A column that is never NULL; elog if it is. */
static Datum
column(TupleTableSlot *row, AttrNumber attno)
{
	if (row->tts_isnull[attno - 1])
		elog(ERROR, "an account lacks column %d", attno);
	return row->tts_values[attno - 1];
}

/* A limit that an account need not have: "otherwise" if it has none. */
static int64
optional(TupleTableSlot *row, AttrNumber attno, int64 otherwise)
{
	return row->tts_isnull[attno - 1] ? otherwise : DatumGetInt64(row->tts_values[attno - 1]);
}

/* The first renewal after this transaction began, by dp_agg.next_renewal(). */
static Datum
next_renewal(TupleTableSlot *row)
{
	Oid			types[] = {TIMESTAMPTZOID, INTERVALOID, TIMESTAMPTZOID};
	List	   *name = list_make2(makeString("dp_agg"), makeString("next_renewal"));

	return OidFunctionCall3(LookupFuncName(name, lengthof(types), types, false),
							column(row, Anum_account_period_anchor),
							column(row, Anum_account_period),
							TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()));
}

/* Reads the row of an account, which is locked; one whose renewal is due is read as renewed. */
static void
read_account(Account *account)
{
	TupleTableSlot *row = account->row;

	account->epsilon_limit = DatumGetInt64(column(row, Anum_account_epsilon_limit));
	account->epsilon_spent = DatumGetInt64(column(row, Anum_account_epsilon_spent));
	account->delta_limit = DatumGetInt64(column(row, Anum_account_delta_limit));
	account->delta_spent = DatumGetInt64(column(row, Anum_account_delta_spent));
	account->query_limit = optional(row, Anum_account_max_epsilon_per_query, -1);
	account->query_minimum = optional(row, Anum_account_min_epsilon_per_query, 0);
	account->release_limit = optional(row, Anum_account_max_releases, -1);
	account->releases_spent = DatumGetInt64(column(row, Anum_account_releases_spent));
	account->renews_at = 0;
	if (row->tts_isnull[Anum_account_renews_at - 1])
		return;
	account->renews_at = DatumGetTimestampTz(column(row, Anum_account_renews_at));
	if (account->renews_at > GetCurrentTransactionStartTimestamp())
		return;
	account->epsilon_spent = 0;
	account->delta_spent = 0;
	account->releases_spent = 0;
	account->renews_at = DatumGetTimestampTz(next_renewal(row));
}

/*
 * Is the row that was locked still that account?  It is the latest version of the row,
 * which may be younger than the snapshot that found the account.
 */
static bool
is_account(const Account *account)
{
	return DatumGetObjectId(column(account->row, Anum_account_role)) == account->role &&
		strcmp(NameStr(*DatumGetName(column(account->row, Anum_account_population))),
			   NameStr(account->population)) == 0;
}

/*
 * books_lock
 *		Locks an account and reads it, unless this batch has tried already.
 *
 * account->locked tells whether it was read: not if another transaction holds the
 * row, or if the account is gone.
 */
void
books_lock(Books *books, Account *account)
{
	Relation	rel = books->accounts->ri_RelationDesc;
	TM_FailureData failure;
	TM_Result	result;

	if (account->row != NULL)
		return;
	account->row = table_slot_create(rel, &books->estate->es_tupleTable);
	result = table_tuple_lock(rel, &account->tid, books->estate->es_snapshot, account->row,
							  books->estate->es_output_cid, LockTupleNoKeyExclusive,
							  LockWaitSkip,
							  TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS |
							  TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &failure);
	switch (result)
	{
		case TM_Ok:
			ExecMaterializeSlot(account->row);
			slot_getallattrs(account->row);
			account->locked = is_account(account);
			if (account->locked)
				read_account(account);
			break;
		case TM_WouldBlock:
		case TM_Deleted:
			break;
		default:
			elog(ERROR, "an account could not be locked: %u", result);
	}
}

/* A sum over the account's lifetime, with what this batch adds. */
static Datum
add_to_lifetime(TupleTableSlot *row, AttrNumber attno, int64 charged)
{
	return DirectFunctionCall2(numeric_add, column(row, attno),
							   DirectFunctionCall1(int8_numeric, Int64GetDatum(charged)));
}

/*
 * books_charge
 *		Writes what an account has spent; it must have been locked.
 *
 * elog if a trigger keeps the row from being written: no release may go unpaid.
 */
void
books_charge(Books *books, Account *account)
{
	TupleTableSlot *row = account->row;
	TupleDesc	desc = row->tts_tupleDescriptor;
	TupleTableSlot *changed = ExecInitExtraTupleSlot(books->estate, desc, &TTSOpsVirtual);
	Datum	   *values = changed->tts_values;

	memcpy(values, row->tts_values, desc->natts * sizeof(Datum));
	memcpy(changed->tts_isnull, row->tts_isnull, desc->natts * sizeof(bool));
	values[Anum_account_epsilon_spent - 1] = Int64GetDatum(account->epsilon_spent);
	values[Anum_account_delta_spent - 1] = Int64GetDatum(account->delta_spent);
	values[Anum_account_releases_spent - 1] = Int64GetDatum(account->releases_spent);
	values[Anum_account_renews_at - 1] = TimestampTzGetDatum(account->renews_at);
	changed->tts_isnull[Anum_account_renews_at - 1] = account->renews_at == 0;
	values[Anum_account_epsilon_lifetime - 1] =
		add_to_lifetime(row, Anum_account_epsilon_lifetime, account->epsilon_charged);
	values[Anum_account_delta_lifetime - 1] =
		add_to_lifetime(row, Anum_account_delta_lifetime, account->delta_charged);
	ExecStoreVirtualTuple(changed);

	ExecSimpleRelationUpdate(books->accounts, books->estate, &books->epq, row, changed);
	/* a trigger BEFORE ... FOR EACH ROW can suppress the update */
	if (!ItemPointerIsValid(&changed->tts_tid) ||
		ItemPointerEquals(&changed->tts_tid, &row->tts_tid))
		elog(ERROR, "account of role %u on population \"%s\" was not charged",
			 account->role, NameStr(account->population));
	ResetPerTupleExprContext(books->estate);
}

/* ----------
 * Releases
 * ----------
 */

/* Opens the log of releases and what each of its rows needs. */
static void
open_releases(Books *books)
{
	TupleDesc	desc;

	books->releases = open_table(books, ledger_table("release"));
	books->numbers = ledger_table("release_id_seq");
	if (!OidIsValid(books->numbers))
		elog(ERROR, "the sequence of the ledger is missing");
	books->cluster = Int64GetDatum((int64) GetSystemIdentifier());
	desc = RelationGetDescr(books->releases->ri_RelationDesc);
	if (desc->natts < Natts_release)
		elog(ERROR, "the log of releases lacks columns");
	books->release = ExecInitExtraTupleSlot(books->estate, desc, &TTSOpsVirtual);
}

/* Sets a column of a row that is being made. */
static void
set_column(TupleTableSlot *row, AttrNumber attno, Datum value)
{
	row->tts_values[attno - 1] = value;
	row->tts_isnull[attno - 1] = false;
}

/*
 * books_log
 *		Writes one release of a request into the log.
 */
void
books_log(Books *books, const LedgerRequest *request, const LedgerMessage *message,
		  const LedgerItem *item)
{
	TupleTableSlot *row;
	bytea	   *fingerprint = palloc(VARHDRSZ + LEDGER_FINGERPRINT_SIZE);

	if (books->releases == NULL)
		open_releases(books);
	SET_VARSIZE(fingerprint, VARHDRSZ + LEDGER_FINGERPRINT_SIZE);
	memcpy(VARDATA(fingerprint), message->fingerprint, LEDGER_FINGERPRINT_SIZE);

	row = ExecClearTuple(books->release);
	memset(row->tts_isnull, true, row->tts_tupleDescriptor->natts * sizeof(bool));
	set_column(row, Anum_release_id, Int64GetDatum(nextval_internal(books->numbers, false)));
	set_column(row, Anum_release_at, TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()));
	set_column(row, Anum_release_session_role, NameGetDatum(&message->session_name));
	set_column(row, Anum_release_current_role, NameGetDatum(&message->current_name));
	set_column(row, Anum_release_session_id, ObjectIdGetDatum(request->session_user));
	set_column(row, Anum_release_current_id, ObjectIdGetDatum(request->current_user));
	set_column(row, Anum_release_cluster, books->cluster);
	set_column(row, Anum_release_population, NameGetDatum(&item->population));
	set_column(row, Anum_release_relations, CStringGetTextDatum(item->relations));
	set_column(row, Anum_release_query, CStringGetTextDatum(message->query));
	set_column(row, Anum_release_fingerprint, PointerGetDatum(fingerprint));
	set_column(row, Anum_release_epsilon, Int64GetDatum(item->epsilon_nano));
	set_column(row, Anum_release_delta, Int64GetDatum(item->delta_atto));
	set_column(row, Anum_release_outputs, CStringGetTextDatum(item->outputs));
	set_column(row, Anum_release_codes, CStringGetTextDatum(""));
	set_column(row, Anum_release_reused, BoolGetDatum(false));
	ExecStoreVirtualTuple(row);
	ExecSimpleRelationInsert(books->releases, books->estate, row);
	ResetPerTupleExprContext(books->estate);
}
