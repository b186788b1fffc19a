/*
 * verify.c
 *		verify_ledger() and ledger_head(): does the chain hold, and where does it end?
 *
 * What the chain proves: an entry that was edited has another hash than it says; one that
 * was removed or put in breaks the numbers, or its follower names another hash; so does one
 * that was moved; and entries that were cut off at the end are missed by the head.  Whoever
 * may write all of the tables can compute a new chain from the edited entry on, and a new
 * head.  That is caught by a head that was published before: it is not in the new chain.
 *
 * Entries that were archived (archive.c) are taken on the word of the hashes that were kept of them; how
 * many they are is part of the result.
 *
 * Reads as the server does and not by privileges: who may execute the functions may know.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_inherits.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "core/errors.h"
#include "ledger/archive.h"
#include "ledger/chain.h"
#include "ledger/charge.h"
#include "ledger/layout.h"
#include "ledger/proof.h"
#include "ledger/tables.h"
#include "ledger/walk.h"

PG_FUNCTION_INFO_V1(dp_verify_ledger);
PG_FUNCTION_INFO_V1(dp_ledger_head);

/* What a published head begins with: the format of hashes is in it. */
#define HEAD_PREFIX "dp_agg:1:"

/* The end of a chain. */
typedef struct Head
{
	bool		exists;
	int64		id;
	uint8		hash[CHAIN_HASH_SIZE];
	bool		single;			/* there is no other */
} Head;

/* A walk that judges. */
typedef struct Verification
{
	Snapshot	snapshot;
	StringInfoData bytes;		/* for chain_hash() */
	Head		published;		/* given by the caller, if any */
	int64		entries;		/* entries read */
	List	   *ranges;			/* of ArchivedRange: those that lie ahead */
	int64		archived;		/* entries that are not read, since they are archived */
	Head		last;			/* the last of them */
	LedgerFault fault;
	Proof	   *proof;			/* what the chain says about accounts */
} Verification;

/* ----------
 * Heads
 * ----------
 */

/* Reads the head that the ledger keeps; it does not exist before the first entry. */
static Head
read_head(Snapshot snapshot)
{
	Head		head = {false, 0, {0}, true};
	Relation	rel = ledger_open("ledger_head", AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, snapshot, 0, NULL);
	HeapTuple	tuple = systable_getnext(scan);

	if (HeapTupleIsValid(tuple))
	{
		bool		isnull;
		Datum		id = heap_getattr(tuple, Anum_ledger_head_id, RelationGetDescr(rel), &isnull);
		Datum		hash;

		head.exists = !isnull;
		head.id = isnull ? 0 : DatumGetInt64(id);
		hash = heap_getattr(tuple, Anum_ledger_head_hash, RelationGetDescr(rel), &isnull);
		(void) chain_read_hash(hash, isnull, head.hash);	/* one without a hash is equal to
															 * none */
		head.single = !HeapTupleIsValid(systable_getnext(scan));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return head;
}

/* Reads 64 hexadecimal digits; false for anything else. */
static bool
parse_hash(const char *digits, uint8 *hash)
{
	if (strlen(digits) != CHAIN_HASH_SIZE * 2 ||
		strspn(digits, "0123456789abcdef") != CHAIN_HASH_SIZE * 2)
		return false;
	(void) hex_decode(digits, CHAIN_HASH_SIZE * 2, (char *) hash);
	return true;
}

/* Reads a published head; ERRCODE_INVALID_PARAMETER_VALUE if it is none. */
static Head
parse_head(const char *text)
{
	Head		head = {true, 0, {0}, true};
	char	   *end = NULL;

	if (strncmp(text, HEAD_PREFIX, strlen(HEAD_PREFIX)) == 0)
	{
		errno = 0;
		head.id = strtoll(text + strlen(HEAD_PREFIX), &end, 10);
	}
	if (end == NULL || errno != 0 || head.id < 1 || *end != ':' || !parse_hash(end + 1, head.hash))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is no head of a ledger", text),
				 errhint("Give what dp_agg.ledger_head() returned once, as in dp_agg:1:4711:<64 hexadecimal digits>.")));
	return head;
}

/* ledger_head() returns text; NULL before the first entry.  What it names is on disk. */
PGDLLEXPORT Datum
dp_ledger_head(PG_FUNCTION_ARGS)
{
	Snapshot	snapshot;
	Head		head;
	char		digits[CHAIN_HASH_SIZE * 2 + 1];

	ledger_settle_changes();
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	head = read_head(snapshot);
	UnregisterSnapshot(snapshot);
	if (!head.exists)
		PG_RETURN_NULL();
	if (!RecoveryInProgress())
		XLogFlush(GetXLogInsertRecPtr());	/* entries that cost nothing are answered before */
	digits[hex_encode((char *) head.hash, CHAIN_HASH_SIZE, digits)] = '\0';
	PG_RETURN_TEXT_P(cstring_to_text(psprintf(HEAD_PREFIX INT64_FORMAT ":%s", head.id, digits)));
}

/* ----------
 * The walk
 * ----------
 */

/* Notes what is wrong with an entry; relation may be NULL. */
static void
found_fault(Verification *verification, int64 id, const char *relation, const char *reason)
{
	verification->fault.found = true;
	verification->fault.id = id;
	verification->fault.relation = relation;
	verification->fault.reason = reason;
}

/*
 * Goes past archived entries that follow verification->last, up to the one with that number.  A range
 * that does not follow what is there stays ahead, and what it stands for is missing.
 */
static void
skip_archived(Verification *verification, int64 id)
{
	Head	   *last = &verification->last;
	const Head *published = &verification->published;

	while (verification->ranges != NIL && !verification->fault.found)
	{
		ArchivedRange *range = linitial(verification->ranges);

		if (range->first_id != last->id + 1 || range->last_id < range->first_id || range->last_id >= id)
			return;
		if (last->exists && memcmp(range->prev_hash, last->hash, CHAIN_HASH_SIZE) != 0)
			found_fault(verification, range->first_id, "ledger_archive",
						"the archived entries do not follow the one before them");
		else if (published->exists && published->id >= range->first_id && published->id < range->last_id)
			found_fault(verification, published->id, "ledger_archive",
						"the entry that was published is archived: verify the archive, or give a later one");
		else if (published->exists && published->id == range->last_id &&
				 memcmp(published->hash, range->hash, CHAIN_HASH_SIZE) != 0)
			found_fault(verification, published->id, "ledger_archive",
						"the entry is not the one that was published: it, or one before it, was replaced since");
		verification->archived += range->last_id - range->first_id + 1;
		last->exists = true;
		last->id = range->last_id;
		memcpy(last->hash, range->hash, CHAIN_HASH_SIZE);
		verification->ranges = list_delete_first(verification->ranges);
	}
}

/* Judges one entry, which follows verification->last. */
static void
judge_entry(Verification *verification, const WalkSource *source)
{
	int64		id = walk_id(source);
	Head	   *last = &verification->last;
	uint8		prev_hash[CHAIN_HASH_SIZE];
	uint8		stored[CHAIN_HASH_SIZE];
	uint8		computed[CHAIN_HASH_SIZE];

	skip_archived(verification, id);
	if (verification->fault.found)
		return;
	if (id > last->id + 1)
		found_fault(verification, last->id + 1, NULL, "the entry is missing");
	else if (id <= last->id)
		found_fault(verification, id, source->name, "the number is not given once, from 1 on");
	else if (!chain_read_hash(source->values[source->hash - 1], source->nulls[source->hash - 1], stored) ||
			 !chain_read_hash(source->values[source->prev_hash - 1], source->nulls[source->prev_hash - 1], prev_hash))
		found_fault(verification, id, source->name, "the entry has no hash");
	if (verification->fault.found)
		return;
	chain_hash(&verification->bytes, source->name, source->desc, source->values, source->nulls, computed);
	if (memcmp(computed, stored, CHAIN_HASH_SIZE) != 0)
		found_fault(verification, id, source->name, "the entry was changed: its hash is another");
	else if (last->exists && memcmp(prev_hash, last->hash, CHAIN_HASH_SIZE) != 0)
		found_fault(verification, id, source->name,
					"the entry does not follow the one before it: that one was replaced, or this one was put in");
	else if (verification->published.exists && verification->published.id == id &&
			 memcmp(verification->published.hash, stored, CHAIN_HASH_SIZE) != 0)
		found_fault(verification, id, source->name,
					"the entry is not the one that was published: it, or one before it, was replaced since");
	last->exists = true;
	last->id = id;
	memcpy(last->hash, stored, CHAIN_HASH_SIZE);
}

/* Judges all entries, up to the first fault. */
static void
judge_entries(Verification *verification)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "dp_agg entry of the ledger",
												  ALLOCSET_DEFAULT_SIZES);
	Walk	   *walk = walk_begin(verification->snapshot);
	WalkSource *source;

	while (!verification->fault.found && (source = walk_first(walk)) != NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		CHECK_FOR_INTERRUPTS();
		judge_entry(verification, source);
		verification->entries++;
		if (!verification->fault.found)
			proof_add(verification->proof, source);
		MemoryContextSwitchTo(old);
		walk_next(source);
		MemoryContextReset(context);
	}
	walk_end(walk);
	MemoryContextDelete(context);
}

/* Does the chain end where the head says, and does it reach the published one? */
static void
judge_end(Verification *verification)
{
	Head		head = read_head(verification->snapshot);
	const Head *last = &verification->last;

	skip_archived(verification, PG_INT64_MAX);
	if (verification->fault.found)
		return;
	if (verification->ranges != NIL)
		found_fault(verification, ((ArchivedRange *) linitial(verification->ranges))->first_id, "ledger_archive",
					"entries that are said to be archived are there, or others beside them are missing");
	else if (!head.single)
		found_fault(verification, last->id, "ledger_head", "there is more than one head");
	else if (!head.exists && last->exists)
		found_fault(verification, last->id, "ledger_head", "the head is missing");
	else if (head.id > last->id)
		found_fault(verification, last->id + 1, NULL, "the entry is missing, at the end");
	else if (head.id < last->id)
		found_fault(verification, head.id + 1, "ledger_head", "the entry was put in at the end: the head does not count it");
	else if (head.exists && memcmp(head.hash, last->hash, CHAIN_HASH_SIZE) != 0)
		found_fault(verification, last->id, "ledger_head", "the head has another hash than the last entry");
	else if (verification->published.exists && verification->published.id > last->id)
		found_fault(verification, last->id + 1, NULL, "the entry is missing, at the end: a later one was published");
}

/* Do other rows than those that were judged show, or fewer, when the table is read by SQL? */
static void
judge_table(Verification *verification, const char *name)
{
	Relation	rel = ledger_open(name, AccessShareLock);

	if (find_inheritance_children(RelationGetRelid(rel), NoLock) != NIL)
		found_fault(verification, -1, name, "the table has children: rows of theirs show among its own");
	else if (rel->rd_rel->relrowsecurity)
		found_fault(verification, -1, name, "row-level security is on for the table: it may hide rows");
	table_close(rel, AccessShareLock);
}

/* Judges what the tables show. */
static void
judge_tables(Verification *verification)
{
	static const char *const tables[] = {"release", "raw_read", "account_change",
		"account_change_waiting", "account", "ledger_head", "ledger_archive"};

	for (int i = 0; i < (int) lengthof(tables) && !verification->fault.found; i++)
		judge_table(verification, tables[i]);
}

/* The row that verify_ledger() returns. */
static Datum
make_result(FunctionCallInfo fcinfo, const Verification *verification)
{
	const LedgerFault *fault = &verification->fault;
	TupleDesc	desc;
	Datum		values[6] = {0};
	bool		nulls[6] = {false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = BoolGetDatum(!fault->found);
	values[1] = Int64GetDatum(verification->entries);
	nulls[2] = !fault->found || fault->id < 0;
	values[2] = Int64GetDatum(fault->id);
	nulls[3] = !fault->found || fault->relation == NULL;
	if (!nulls[3])
		values[3] = CStringGetTextDatum(fault->relation);
	nulls[4] = !fault->found;
	if (!nulls[4])
		values[4] = CStringGetTextDatum(fault->reason);
	values[5] = Int64GetDatum(verification->archived);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

/*
 * verify_ledger(published_head text) returns (ok boolean, entries bigint, first_broken bigint,
 * relation text, reason text, archived bigint)
 */
PGDLLEXPORT Datum
dp_verify_ledger(PG_FUNCTION_ARGS)
{
	Verification verification = {0};

	if (!PG_ARGISNULL(0))
		verification.published = parse_head(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	verification.snapshot = RegisterSnapshot(GetLatestSnapshot());
	initStringInfo(&verification.bytes);
	verification.proof = proof_begin();
	verification.ranges = archive_read(verification.snapshot);
	judge_entries(&verification);
	if (!verification.fault.found)
		judge_end(&verification);
	if (!verification.fault.found)
		judge_tables(&verification);
	if (!verification.fault.found)
		proof_judge(verification.proof, verification.snapshot, &verification.fault);
	UnregisterSnapshot(verification.snapshot);
	return make_result(fcinfo, &verification);
}
