/*
 * answers.c
 *		Answers of releases that are kept, to be handed out again.
 *
 * They lie in table dp_agg.answer: released values only, as nodes/release/answer.c writes them.  A backend
 * reads them; the worker of the ledger writes them, since a client's transaction may be read-only, or
 * roll back what was released all the same.  For how long they are handed out, table dp_agg.reuse says.  When they
 * end follows from that and the clock, never from rows: an answer that is handed out again tells what it told
 * before, and nothing is told by its absence.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "commands/trigger.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "core/compat.h"
#include "ledger/answers.h"
#include "ledger/layout.h"
#include "ledger/tables.h"

PG_FUNCTION_INFO_V1(dp_reuse_changed);

/* The most answers that have ended and are removed when one is kept. */
#define MOST_REMOVED 64

/* ----------
 * What both sides read
 * ----------
 */

/* ledger_reuse_table: the table of windows; InvalidOid if the extension is not installed. */
Oid
ledger_reuse_table(void)
{
	return ledger_table("reuse");
}

/* A column that is never NULL. */
static Datum
column(HeapTuple tuple, AttrNumber attno, Relation rel)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, attno, RelationGetDescr(rel), &isnull);

	if (isnull)
		elog(ERROR, "a row of \"%s\" lacks column %d", RelationGetRelationName(rel), attno);
	return value;
}

/* Begins a scan by one or two columns that are equal to values, by an index if it is there. */
static SysScanDesc
begin_scan(Relation rel, const char *index_name, Snapshot snapshot, ScanKeyData *keys, int nkeys)
{
	Oid			index = get_relname_relid(index_name, RelationGetNamespace(rel));

	return systable_beginscan(rel, index, OidIsValid(index), snapshot, nkeys, keys);
}

/*
 * ledger_reuse_window
 *		For how long answers about a population are handed out again; false if they are not.
 *
 * As a snapshot sees it; NULL: as it is now.
 */
bool
ledger_reuse_window(const NameData *population, Snapshot snapshot, ReuseWindow *window)
{
	Relation	rel;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found;

	if (!OidIsValid(ledger_table("reuse")))
		return false;
	rel = ledger_open("reuse", AccessShareLock);
	ScanKeyInit(&key, Anum_reuse_population, BTEqualStrategyNumber, F_NAMEEQ,
				NameGetDatum(population));
	scan = begin_scan(rel, "reuse_pkey", snapshot, &key, 1);
	tuple = systable_getnext(scan);
	found = HeapTupleIsValid(tuple);
	if (found)
	{
		window->lasts = *DatumGetIntervalP(column(tuple, Anum_reuse_lasts, rel));
		window->refreshed_at = DatumGetTimestampTz(column(tuple, Anum_reuse_refreshed_at, rel));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

/* Is an answer that was made then still handed out? */
static bool
is_fresh(const ReuseWindow *window, TimestampTz made_at)
{
	Datum		end;

	if (made_at < window->refreshed_at || made_at > GetCurrentTimestamp())
		return false;
	end = DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(made_at),
							  IntervalPGetDatum(&window->lasts));
	return DatumGetTimestampTz(end) > GetCurrentTimestamp();
}

/* ----------
 * Backend side
 * ----------
 */

/*
 * ledger_find_answer
 *		The youngest answer to a release that is handed out and that matches; NULL if there is none.
 *
 * release: SHA256_SIZE bytes.  *made_at is set with it.  Read as of now, whatever snapshot the
 * transaction has.
 */
bytea *
ledger_find_answer(const NameData *population, const uint8 *release, TimestampTz *made_at,
				   bool (*matches) (const bytea *answer, void *arg), void *arg)
{
	bytea	   *found = NULL;
	bytea	   *wanted;
	ReuseWindow window;
	Relation	rel;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	if (!OidIsValid(ledger_table("answer")) || !ledger_reuse_window(population, NULL, &window))
		return NULL;
	rel = ledger_open("answer", AccessShareLock);
	wanted = (bytea *) cstring_to_text_with_len((const char *) release, SHA256_SIZE);
	ScanKeyInit(&key, Anum_answer_release, BTEqualStrategyNumber, F_BYTEAEQ, PointerGetDatum(wanted));
	scan = begin_scan(rel, "answer_release_idx", NULL, &key, 1);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		TimestampTz at = DatumGetTimestampTz(column(tuple, Anum_answer_made_at, rel));
		bytea	   *answer;

		if (strcmp(NameStr(*DatumGetName(column(tuple, Anum_answer_population, rel))), NameStr(*population)) != 0 ||
			!is_fresh(&window, at) || (found != NULL && at < *made_at))
			continue;
		answer = DatumGetByteaPCopy(column(tuple, Anum_answer_content, rel));
		if (!matches(answer, arg))
		{
			pfree(answer);		/* there may be many, of other outputs */
			continue;
		}
		if (found != NULL)
			pfree(found);
		found = answer;
		*made_at = at;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

/*
 * reuse_changed() returns trigger
 *
 * AFTER INSERT OR UPDATE OR DELETE FOR EACH STATEMENT, on the windows: plans say by what their releases are
 * known, or do not, as there are windows (hooks/planner.c).
 */
PGDLLEXPORT Datum
dp_reuse_changed(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("reuse_changed() is a trigger")));
	CacheInvalidateRelcache(((TriggerData *) fcinfo->context)->tg_relation);
	return PointerGetDatum(NULL);
}

/* ----------
 * Worker side
 * ----------
 */

/* Does a sorted list of digests have all those of another one? */
static bool
has_all(const uint8 *list, int n, const uint8 *wanted, int nwanted)
{
	int			i = 0;

	for (int w = 0; w < nwanted; w++)
	{
		while (i < n && memcmp(list + i * SHA256_SIZE, wanted + w * SHA256_SIZE, SHA256_SIZE) < 0)
			i++;
		if (i >= n || memcmp(list + i * SHA256_SIZE, wanted + w * SHA256_SIZE, SHA256_SIZE) != 0)
			return false;
	}
	return true;
}

/* Removes an answer, unless somebody else does, or this transaction has. */
static void
remove_answer(Writing *writing, ResultRelInfo *answers, HeapTuple tuple)
{
	ItemPointer place;
	TupleTableSlot *row;
	ListCell   *lc;

	foreach(lc, writing->removed)
	{
		if (ItemPointerEquals(lfirst(lc), &tuple->t_self))
			return;
	}
	place = palloc(sizeof(ItemPointerData));
	*place = tuple->t_self;
	writing->removed = lappend(writing->removed, place);
	if (writing_lock(writing, answers, &tuple->t_self, &row))
		writing_delete(writing, answers, row);
}

/* Removes the answers that a new one makes needless: to the same release, and no output more. */
static void
remove_replaced(Writing *writing, ResultRelInfo *answers, const LedgerKeep *keep, bytea *release)
{
	Relation	rel = answers->ri_RelationDesc;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_answer_release, BTEqualStrategyNumber, F_BYTEAEQ, PointerGetDatum(release));
	scan = begin_scan(rel, "answer_release_idx", NULL, &key, 1);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bytea	   *outputs = DatumGetByteaPP(column(tuple, Anum_answer_outputs, rel));

		if (has_all(keep->outputs, keep->noutputs, (uint8 *) VARDATA_ANY(outputs),
					VARSIZE_ANY_EXHDR(outputs) / SHA256_SIZE))
			remove_answer(writing, answers, tuple);
	}
	systable_endscan(scan);
}

/* Removes answers about a population that have ended, the oldest first. */
static void
remove_ended(Writing *writing, ResultRelInfo *answers, const NameData *population,
			 const ReuseWindow *window)
{
	Relation	rel = answers->ri_RelationDesc;
	Oid			index_oid = get_relname_relid("answer_made_at_idx", RelationGetNamespace(rel));
	Relation	index;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	int			removed = 0;

	if (!OidIsValid(index_oid))
		return;
	index = index_open(index_oid, AccessShareLock);
	ScanKeyInit(&key, Anum_answer_population, BTEqualStrategyNumber, F_NAMEEQ, NameGetDatum(population));
	scan = systable_beginscan_ordered(rel, index, writing->estate->es_snapshot, 1, &key);
	while (removed++ < MOST_REMOVED &&
		   HeapTupleIsValid(tuple = systable_getnext_ordered(scan, ForwardScanDirection)) &&
		   !is_fresh(window, DatumGetTimestampTz(column(tuple, Anum_answer_made_at, rel))))
		remove_answer(writing, answers, tuple);
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
}

/*
 * answers_keep
 *		Keeps an answer, unless answers about its population are not handed out, or it has ended
 *		already; those that it makes needless, and some that have ended, go.
 *
 * The segment is the backend's, which may have gone: then nothing is kept.
 */
void
answers_keep(Writing *writing, const LedgerKeep *keep)
{
	bytea	   *release = (bytea *) cstring_to_text_with_len((const char *) keep->release, SHA256_SIZE);
	ReuseWindow window;
	dsm_segment *segment;
	ResultRelInfo *answers;
	TupleTableSlot *row;

	if (!ledger_reuse_window(&keep->population, NULL, &window) || !is_fresh(&window, keep->made_at))
		return;
	segment = dsm_attach(keep->segment);
	if (segment == NULL)
		return;
	if (dsm_segment_map_length(segment) < (Size) keep->size)
		elog(ERROR, "an answer to be kept is too short");
	answers = writing_open(writing, ledger_open("answer", RowExclusiveLock));
	remove_ended(writing, answers, &keep->population, &window);
	remove_replaced(writing, answers, keep, release);
	row = writing_row(writing, answers);
	writing_set(row, Anum_answer_release, PointerGetDatum(release));
	writing_set(row, Anum_answer_population, NameGetDatum(&keep->population));
	writing_set(row, Anum_answer_made_at, TimestampTzGetDatum(keep->made_at));
	writing_set(row, Anum_answer_outputs,
				PointerGetDatum(cstring_to_text_with_len((const char *) keep->outputs, keep->noutputs * SHA256_SIZE)));
	writing_set(row, Anum_answer_content,
				PointerGetDatum(cstring_to_text_with_len(dsm_segment_address(segment), keep->size)));
	writing_insert(writing, answers, row);
	dsm_detach(segment);
}
