/*
 * entries.c
 *		Entries of the ledger: each gets the next number and the hash of the one before.
 *
 * The head is the number and hash of the last entry.  A batch locks it before it adds
 * anything, without waiting, and writes it once at the end.  So there is one chain,
 * whoever writes, and a number is never given twice nor left out: a batch that fails
 * takes its numbers back with it.
 *
 * The first entry finds no head; then there may be no entries either, or somebody has
 * removed the head, and nothing can be written any more.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "core/errors.h"
#include "ledger/chain.h"
#include "ledger/changes.h"
#include "core/digest.h"
#include "ledger/entries.h"
#include "ledger/layout.h"
#include "ledger/protocol.h"
#include "ledger/tables.h"
#include "ledger/writing.h"
#include "mechanism/random.h"
#include "tier/grade.h"

/* A table of entries. */
typedef struct EntryTable
{
	const char *name;
	AttrNumber	prev_hash;
	AttrNumber	hash;
	ResultRelInfo *info;		/* NULL until an entry is written to it */
	TupleTableSlot *row;		/* the entry that is being made */
} EntryTable;

struct Entries
{
	Writing    *writing;
	StringInfoData bytes;		/* for chain_hash() */
	ResultRelInfo *waiting;		/* changes of accounts; NULL until one is moved from there */
	ResultRelInfo *head;
	TupleTableSlot *head_row;	/* the head as it was, locked; NULL: there is none */
	bool		locked;
	bool		held;			/* another transaction held it when this batch first asked */
	int64		id;				/* number of the last entry, this batch included */
	uint8		hash[CHAIN_HASH_SIZE];	/* hash of that entry */
	bool		added;			/* this batch has added entries */
	EntryTable	releases;
	EntryTable	reads;
	EntryTable	changes;
};

/* entries_open: nothing is read or locked before it is needed. */
Entries *
entries_open(Writing *writing)
{
	Entries    *entries = palloc0(sizeof(Entries));

	entries->writing = writing;
	initStringInfo(&entries->bytes);
	entries->releases = (EntryTable) {"release", Anum_release_prev_hash, Anum_release_hash, NULL, NULL};
	entries->reads = (EntryTable) {"raw_read", Anum_raw_read_prev_hash, Anum_raw_read_hash, NULL, NULL};
	entries->changes = (EntryTable) {"account_change", Anum_account_change_prev_hash,
		Anum_account_change_hash, NULL, NULL};
	return entries;
}

/* ----------
 * The head
 * ----------
 */

/* Finds the one row of the head; false if there is none. */
static bool
find_head(Entries *entries, ItemPointer tid)
{
	SysScanDesc scan = systable_beginscan(entries->head->ri_RelationDesc, InvalidOid, false,
										  entries->writing->estate->es_snapshot, 0, NULL);
	HeapTuple	tuple = systable_getnext(scan);

	if (HeapTupleIsValid(tuple))
		*tid = tuple->t_self;
	systable_endscan(scan);
	return HeapTupleIsValid(tuple);
}

/* A chain begins: what stands for the hash before the first entry is random. */
static void
begin_chain(Entries *entries)
{
	Snapshot	snapshot = entries->writing->estate->es_snapshot;

	if (ledger_has_rows(entries->releases.name, snapshot) ||
		ledger_has_rows(entries->reads.name, snapshot) ||
		ledger_has_rows(entries->changes.name, snapshot))
		ereport(ERROR,
				(errcode(ERRCODE_DP_LEDGER),
				 errmsg("the head of the ledger is missing"),
				 errdetail("Entries cannot be chained to what nobody knows."),
				 errhint("Restore table dp_agg.ledger_head from a backup.")));
	if (dp_openssl_bytes(NULL, entries->hash, CHAIN_HASH_SIZE) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DP_LEDGER),
				 errmsg("the source of random bytes failed")));
}

/* Reads the head, which is locked. */
static void
read_head(Entries *entries)
{
	TupleTableSlot *row = entries->head_row;

	entries->id = DatumGetInt64(row->tts_values[Anum_ledger_head_id - 1]);
	if (!chain_read_hash(row->tts_values[Anum_ledger_head_hash - 1],
						 row->tts_isnull[Anum_ledger_head_hash - 1], entries->hash))
		ereport(ERROR,
				(errcode(ERRCODE_DP_LEDGER),
				 errmsg("the head of the ledger has no valid hash")));
}

/*
 * entries_lock
 *		Locks the head, unless this batch has; false if another transaction holds it.
 *
 * Then it is out of reach for all of the batch: changes that wait were left waiting, and
 * nothing may come before them.
 *
 * Raises ERRCODE_DP_LEDGER if the head is missing or damaged.
 */
bool
entries_lock(Entries *entries)
{
	ItemPointerData tid;

	if (entries->locked || entries->held)
		return entries->locked;
	if (entries->head == NULL)
		entries->head = writing_open(entries->writing, ledger_open("ledger_head", RowExclusiveLock));
	if (!find_head(entries, &tid))
		begin_chain(entries);
	else
	{
		entries->held = !writing_lock(entries->writing, entries->head, &tid, &entries->head_row);
		if (entries->held)
			return false;
		read_head(entries);
	}
	entries->locked = true;
	return true;
}

/* entries_close: writes the head, if entries were added. */
void
entries_close(Entries *entries)
{
	TupleTableSlot *changed;

	if (!entries->added)
		return;
	changed = writing_row(entries->writing, entries->head);
	writing_set(changed, Anum_ledger_head_single, BoolGetDatum(true));
	writing_set(changed, Anum_ledger_head_id, Int64GetDatum(entries->id));
	writing_set(changed, Anum_ledger_head_hash,
				PointerGetDatum(cstring_to_text_with_len((char *) entries->hash, CHAIN_HASH_SIZE)));
	if (entries->head_row == NULL)
		writing_insert(entries->writing, entries->head, changed);
	else if (!writing_update(entries->writing, entries->head, entries->head_row, changed))
		elog(ERROR, "the head of the ledger was not written");
}

/* ----------
 * Entries
 * ----------
 */

/* Begins an entry: an empty row of its table. */
static TupleTableSlot *
begin_entry(Entries *entries, EntryTable *table)
{
	if (table->info == NULL)
	{
		table->info = writing_open(entries->writing, ledger_open(table->name, RowExclusiveLock));
		table->row = writing_row(entries->writing, table->info);
	}
	ExecClearTuple(table->row);
	memset(table->row->tts_isnull, true,
		   table->row->tts_tupleDescriptor->natts * sizeof(bool));
	return table->row;
}

/* elog if an entry that was written is not the one with that hash: what triggers make of it. */
static void
check_written(Entries *entries, EntryTable *table)
{
	uint8		written[CHAIN_HASH_SIZE];

	chain_hash(&entries->bytes, table->name, table->row->tts_tupleDescriptor,
			   table->row->tts_values, table->row->tts_isnull, written);
	if (memcmp(written, entries->hash, CHAIN_HASH_SIZE) != 0)
		elog(ERROR, "an entry of \"%s\" was changed while it was written", table->name);
}

/* May anything change a row of the table while it is written? */
static bool
changes_rows(const ResultRelInfo *table)
{
	const TupleConstr *constraints = RelationGetDescr(table->ri_RelationDesc)->constr;

	return (table->ri_TrigDesc && table->ri_TrigDesc->trig_insert_before_row) ||
		(constraints && constraints->has_generated_stored);
}

/* Gives the entry its number and its hash, and writes it. */
static void
end_entry(Entries *entries, EntryTable *table)
{
	TupleTableSlot *row = table->row;
	bytea	   *hash = palloc(VARHDRSZ + CHAIN_HASH_SIZE);

	writing_set(row, Anum_release_id, Int64GetDatum(entries->id + 1));
	writing_set(row, table->prev_hash,
				PointerGetDatum(cstring_to_text_with_len((char *) entries->hash, CHAIN_HASH_SIZE)));
	chain_hash(&entries->bytes, table->name, row->tts_tupleDescriptor, row->tts_values,
			   row->tts_isnull, entries->hash);
	SET_VARSIZE(hash, VARHDRSZ + CHAIN_HASH_SIZE);
	memcpy(VARDATA(hash), entries->hash, CHAIN_HASH_SIZE);
	writing_set(row, table->hash, PointerGetDatum(hash));
	writing_insert(entries->writing, table->info, row);
	if (changes_rows(table->info))
		check_written(entries, table);
	entries->id++;
	entries->added = true;
}

/* Sets the columns that say who did it and when. */
static void
set_who(TupleTableSlot *row, const LedgerRequest *request, const LedgerMessage *message)
{
	writing_set(row, Anum_release_at, TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()));
	writing_set(row, Anum_release_session_role, NameGetDatum(&message->session_name));
	writing_set(row, Anum_release_current_role, NameGetDatum(&message->current_name));
	writing_set(row, Anum_release_session_id, ObjectIdGetDatum(request->session_user));
	writing_set(row, Anum_release_current_id, ObjectIdGetDatum(request->current_user));
	writing_set(row, Anum_release_cluster, Int64GetDatum((int64) GetSystemIdentifier()));
}

/* The fingerprint of the statement. */
static Datum
fingerprint(const LedgerMessage *message)
{
	return PointerGetDatum(cstring_to_text_with_len((const char *) message->fingerprint,
													SHA256_SIZE));
}

/* The tier that follows from the codes, and their names. */
static void
set_tier(TupleTableSlot *row, AttrNumber tier_column, AttrNumber codes_column, TierCodes codes)
{
	const char *tier = tier_name(tier_grade(codes));
	StringInfoData names;

	initStringInfo(&names);
	for (int code = 0; code < TIER_CODES; code++)
	{
		if (codes & TIER_BIT(code))
			appendStringInfo(&names, "%s%s", names.len > 0 ? " " : "", tier_code_name(code));
	}
	if (tier != NULL)
		writing_set(row, tier_column, CStringGetTextDatum(tier));
	writing_set(row, codes_column, CStringGetTextDatum(names.data));
}

/*
 * entries_add_release
 *		Adds one release of a request; accounts are the OIDs of the roles that pay, none for an
 *		answer that is handed out again.
 */
void
entries_add_release(Entries *entries, const LedgerRequest *request, const LedgerMessage *message,
					const LedgerItem *item, const char *accounts)
{
	TupleTableSlot *row = begin_entry(entries, &entries->releases);

	set_who(row, request, message);
	writing_set(row, Anum_release_population, NameGetDatum(&item->population));
	writing_set(row, Anum_release_relations, CStringGetTextDatum(item->relations));
	writing_set(row, Anum_release_query, CStringGetTextDatum(message->query));
	writing_set(row, Anum_release_fingerprint, fingerprint(message));
	writing_set(row, Anum_release_epsilon, Int64GetDatum(item->epsilon_nano));
	writing_set(row, Anum_release_delta, Int64GetDatum(item->delta_atto));
	writing_set(row, Anum_release_outputs, CStringGetTextDatum(item->outputs));
	writing_set(row, Anum_release_accounts, CStringGetTextDatum(accounts));
	set_tier(row, Anum_release_tier, Anum_release_codes, item->codes);
	writing_set(row, Anum_release_reused, BoolGetDatum(item->reused));
	end_entry(entries, &entries->releases);
}

/* entries_add_read: one relation whose raw rows a request is about to read. */
void
entries_add_read(Entries *entries, const LedgerRequest *request, const LedgerMessage *message,
				 const LedgerRead *read)
{
	TupleTableSlot *row = begin_entry(entries, &entries->reads);

	set_who(row, request, message);
	if (NameStr(read->population)[0] != '\0')
		writing_set(row, Anum_raw_read_population, NameGetDatum(&read->population));
	writing_set(row, Anum_raw_read_relation, CStringGetTextDatum(read->relation));
	writing_set(row, Anum_raw_read_columns, CStringGetTextDatum(read->columns));
	writing_set(row, Anum_raw_read_query, CStringGetTextDatum(message->query));
	writing_set(row, Anum_raw_read_fingerprint, fingerprint(message));
	set_tier(row, Anum_raw_read_tier, Anum_raw_read_codes, read->codes);
	end_entry(entries, &entries->reads);
}

/* entries_have_changes: were changes of accounts chained? */
bool
entries_have_changes(const Entries *entries)
{
	return entries->changes.info != NULL;
}

/*
 * entries_add_changes
 *		Moves the changes of accounts that wait into the chain, in the order of their numbers.
 *
 * If another transaction holds the head they go on waiting: a request that pays in this
 * batch would have to lock the head, too, and could not.
 */
void
entries_add_changes(Entries *entries)
{
	List	   *rows;
	ListCell   *lc;

	if (!ledger_has_rows("account_change_waiting", entries->writing->estate->es_snapshot) || !entries_lock(entries))
		return;
	if (entries->waiting == NULL)
		entries->waiting = writing_open(entries->writing, ledger_open("account_change_waiting", RowExclusiveLock));
	rows = changes_read(entries->writing, entries->waiting);
	foreach(lc, rows)
	{
		TupleTableSlot *change = lfirst(lc);
		TupleTableSlot *row = begin_entry(entries, &entries->changes);

		for (AttrNumber attno = Anum_release_at; attno <= Anum_account_change_after; attno++)
		{
			if (!change->tts_isnull[attno - 1])
				writing_set(row, attno, change->tts_values[attno - 1]);
		}
		end_entry(entries, &entries->changes);
		writing_delete(entries->writing, entries->waiting, change);
	}
}
