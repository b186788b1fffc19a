/*
 * charge.c
 *		The backend side of the ledger: asks for a charge and waits for it.
 *
 * The caller's transaction is not involved.  It may be read-only, roll back or
 * die: the worker commits the charge in a transaction of its own, and only
 * its word that this commit is on disk lets ledger_charge return.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "core/errors.h"
#include "ledger/charge.h"
#include "ledger/message.h"
#include "ledger/protocol.h"
#include "ledger/refusal.h"
#include "ledger/shmem.h"
#include "ledger/step.h"
#include "policy/citus.h"
#include "policy/extension.h"
#include "tier/grade.h"

#define CHARGE_TIMEOUT_MS	60000	/* longest wait for one answer */
#define NO_WORKER_TIMEOUT_MS 5000	/* longest wait for a free worker */
#define BUSY_TIMEOUT_MS		4000	/* longest wait for an account that is locked */
/* Time between two looks at what sets no latch: a free worker or account; a worker that died. */
#define RETRY_MS			100
#define LIVENESS_MS			1000

/* Asks for the shared memory of the ledger; called from _PG_init, in the postmaster. */
void
ledger_init(void)
{
	if (process_shared_preload_libraries_in_progress)
		ledger_shmem_init();
}

/*
 * Raises an error where nothing can be written: on a standby, on a worker of Citus, without preload, and in the
 * worker itself, where a trigger of the owner's on a table of the ledger may have come to ask.
 */
static void
check_available(void)
{
	if (MyBgworkerEntry != NULL && strcmp(MyBgworkerEntry->bgw_library_name, "dp_agg") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DP_LEDGER),
				 errmsg("the worker of the ledger cannot ask the ledger"),
				 errhint("Triggers on tables of the ledger must read nothing that it logs.")));
	if (RecoveryInProgress())
		ereport(ERROR,
				(errcode(ERRCODE_DP_LEDGER),
				 errmsg("the ledger cannot be written during recovery"),
				 errhint("Run the query on the primary server.")));
	if (citus_is_worker())
		ereport(ERROR,
				(errcode(ERRCODE_DP_LEDGER),
				 errmsg("this server is a worker of Citus, and the ledger is the coordinator's"),
				 errhint("Run the query on the coordinator: SELECT nodename, nodeport FROM pg_dist_node WHERE groupid = 0 names it.")));
	if (!ledger_shmem_exists())
		ereport(ERROR,
				(errcode(ERRCODE_DP_LEDGER),
				 errmsg("the ledger is not available"),
				 errdetail("dp_agg was not loaded when the server started."),
				 errhint("Add dp_agg to shared_preload_libraries and restart the server.")));
}

/* Asks the postmaster for a worker; false if it has no room for one. */
static bool
start_worker(uint64 epoch)
{
	BackgroundWorker worker;
	BackgroundWorkerHandle *handle;

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_main_arg = ObjectIdGetDatum(MyDatabaseId);
	worker.bgw_notify_pid = MyProcPid;
	snprintf(worker.bgw_library_name, BGW_MAXLEN, "dp_agg");
	snprintf(worker.bgw_function_name, BGW_MAXLEN, "dp_ledger_worker_main");
	snprintf(worker.bgw_name, BGW_MAXLEN, "dp_agg ledger of database %u", MyDatabaseId);
	snprintf(worker.bgw_type, BGW_MAXLEN, "dp_agg ledger");
	memcpy(worker.bgw_extra, &epoch, sizeof(epoch));
	if (!RegisterDynamicBackgroundWorker(&worker, &handle))
		return false;
	pfree(handle);
	return true;
}

/*
 * Wakes the worker of this database, or starts one; false if the server has no room for
 * another.  doubt: the worker should have answered by now, and may be dead.
 */
static bool
summon_worker(bool doubt)
{
	uint64		epoch;

	if (ledger_worker_wake(&epoch, doubt) == LEDGER_WAKE_SENT)
		return true;
	if (epoch == 0)
		return false;
	if (start_worker(epoch))
		return true;
	ledger_worker_not_started(epoch);
	return false;
}

static void
report_no_worker_slot(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DP_LEDGER),
			 errmsg("no background worker is free for the ledger"),
			 errdetail("Nothing was charged."),
			 errhint("Increase max_worker_processes and restart the server.")));
}

static void
report_timeout(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DP_LEDGER),
			 errmsg("the ledger did not answer in time"),
			 errdetail("The statement may have been charged; it was not run.")));
}

/* Sleeps until the latch is set or the time is over, and minds interrupts. */
static void
nap(long timeout_ms)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 timeout_ms, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

/* Cleanup of request_charge(): gives the request up, the number of which arg points to. */
static void
withdraw(int code, Datum arg)
{
	ledger_request_withdraw(*(uint64 *) DatumGetPointer(arg));
}

/*
 * Waits for the answer to a request, and sees to it that there is a worker meanwhile.
 * Raises ERRCODE_DP_LEDGER if there is none for NO_WORKER_TIMEOUT_MS, or no answer
 * within CHARGE_TIMEOUT_MS; unless it must be settled, the answer is LEDGER_NO_WORKER then.
 */
static void
await_answer(uint64 number, LedgerAnswer *answer, bool must)
{
	TimestampTz start = GetCurrentTimestamp();
	TimestampTz last_worker = start;
	LedgerPoll	poll;

	while ((poll = ledger_request_poll(number, answer)) != LEDGER_POLL_ANSWERED)
	{
		TimestampTz now = GetCurrentTimestamp();
		bool		worker = summon_worker(now > start);

		if (worker)
			last_worker = now;
		else if (poll == LEDGER_POLL_PENDING && must &&
				 TimestampDifferenceExceeds(last_worker, now, NO_WORKER_TIMEOUT_MS))
			report_no_worker_slot();
		if (!must && TimestampDifferenceExceeds(start, now, NO_WORKER_TIMEOUT_MS))
		{
			answer->verdict = LEDGER_NO_WORKER;
			return;
		}
		if (TimestampDifferenceExceeds(start, now, CHARGE_TIMEOUT_MS))
			report_timeout();
		nap(worker ? LIVENESS_MS : RETRY_MS);
	}
}

/* One request from submission to answer; withdrawn if anything comes between. */
static void
request_charge(StringInfo payload, LedgerAnswer *answer, bool must)
{
	uint64		number = ledger_request_submit(payload->data, payload->len);

	ledger_step("submitted");
	PG_ENSURE_ERROR_CLEANUP(withdraw, PointerGetDatum(&number));
	{
		await_answer(number, answer, must);
	}
	PG_END_ENSURE_ERROR_CLEANUP(withdraw, PointerGetDatum(&number));
	if (!must && answer->verdict == LEDGER_NO_WORKER)
		ledger_request_withdraw(number);
}

/*
 * Has the worker settle a request.  If another transaction holds an account or the head, the
 * request is made again for a while.
 */
static LedgerAnswer
settle(List *items, List *reads, const char *query_text, List **prices)
{
	TimestampTz start = GetCurrentTimestamp();
	StringInfoData payload;
	LedgerAnswer answer;

	check_available();
	extension_check_version();	/* the worker would refuse, too, and write why to the server
								 * log */
	initStringInfo(&payload);
	*prices = ledger_message_build(&payload, items, reads, NULL, query_text);
	for (;;)
	{
		request_charge(&payload, &answer, true);
		if (answer.verdict != LEDGER_BUSY ||
			TimestampDifferenceExceeds(start, GetCurrentTimestamp(), BUSY_TIMEOUT_MS))
			break;
		nap(RETRY_MS);
	}
	pfree(payload.data);
	return answer;
}

/*
 * ledger_charge
 *		Charges a statement for all its releases, and logs them.
 *
 * items is a list of LedgerItem: epsilon in nano-epsilon, positive; delta in
 * atto-delta, not negative; both 0 where an earlier answer is handed out again, which is logged and
 * costs nothing.  The sum of the items on a population is paid by every
 * account on it that names the session user, the current user or a role that either
 * belongs to.  All of these accounts pay, or none.  When this returns, the charge is
 * on disk, and nothing brings it back; the codes of each item say whether such an account
 * has spent more than its lifetime_limit (TIER_LARGE_LIFETIME).  An empty list is free.
 *
 * Errors: DP001 if an account has too little epsilon or delta or too few releases
 * left; DP002 if the statement costs more than an account allows for one statement,
 * if a release costs less than the account asks for, or if the request is too large;
 * 42501 if an account is required and there is none; DP004 if the ledger cannot be
 * written; 22023 for an item without a price, 22003 for a sum out of range.
 */
void
ledger_charge(List *items, const char *query_text)
{
	LedgerAnswer answer;
	List	   *prices;
	ListCell   *lc;

	if (items == NIL)
		return;
	if (IsParallelWorker())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_STATE),
				 errmsg("cannot charge a release in a parallel worker")));
	answer = settle(items, NIL, query_text, &prices);
	if (answer.verdict != LEDGER_PAID)
		ledger_report_refusal(&answer);
	ledger_step("paid");
	foreach(lc, items)
	{
		LedgerItem *item = lfirst(lc);

		if (!item->reused && answer.long_spent & ledger_population_bit(prices, &item->population))
			item->codes |= TIER_BIT(TIER_LARGE_LIFETIME);
	}
}

/*
 * ledger_record_reads
 *		Logs that a statement is about to read raw rows of classified relations.
 *
 * reads is a list of LedgerRead.  When this returns, the log is on disk, whatever becomes
 * of the transaction.  A parallel worker may call it.  Errors: DP002 if the request is too
 * large, DP004 if the ledger cannot be written.
 */
void
ledger_record_reads(List *reads, const char *query_text)
{
	LedgerAnswer answer;
	List	   *prices;

	if (reads == NIL)
		return;
	answer = settle(NIL, reads, query_text, &prices);
	if (answer.verdict != LEDGER_PAID)
		ledger_report_refusal(&answer);
}

/*
 * ledger_settle_changes
 *		Has changes of accounts that are committed moved into the chain.
 *
 * They go on waiting where there is no worker to do it, during recovery, on a worker of Citus and without preload,
 * and while a transaction holds the ledger, which may be the caller's.  ERRCODE_DP_LEDGER if
 * the ledger fails otherwise.
 */
void
ledger_settle_changes(void)
{
	LedgerAnswer answer;
	List	   *prices;

	if (RecoveryInProgress() || citus_is_worker() || !ledger_shmem_exists())
		return;
	answer = settle(NIL, NIL, NULL, &prices);
	if (answer.verdict != LEDGER_PAID && answer.verdict != LEDGER_BUSY)
		ledger_report_refusal(&answer);
}

/*
 * ledger_keep_answer
 *		Has an answer of keep->size bytes kept, to be handed out again; keep says what it is about, and
 *		where it is is filled in.
 *
 * Returns whether it is kept.  It need not be: whoever asks again pays again then.  So it is no error
 * where there is no worker, no room or no reuse any more.  The caller's transaction is not involved.
 */
bool
ledger_keep_answer(LedgerKeep *keep, const char *answer)
{
	dsm_segment *segment;
	StringInfoData payload;
	LedgerAnswer settled = {0};

	if (RecoveryInProgress() || !ledger_shmem_exists() || MyBgworkerEntry != NULL)
		return false;
	segment = dsm_create(Max(keep->size, 1), DSM_CREATE_NULL_IF_MAXSEGMENTS);
	if (segment == NULL)
		return false;
	memcpy(dsm_segment_address(segment), answer, keep->size);
	keep->segment = dsm_segment_handle(segment);
	initStringInfo(&payload);
	(void) ledger_message_build(&payload, NIL, NIL, keep, NULL);
	request_charge(&payload, &settled, false);
	pfree(payload.data);
	dsm_detach(segment);
	return settled.verdict == LEDGER_PAID;
}
