/*
 * worker.c
 *		The background worker that writes the ledger of one database.
 *
 * Why a worker: a charge must be on disk before the first row is computed, and
 * must stay there whatever the client's transaction does; a transaction cannot
 * commit on its own, and it may be read-only.  Why one per database: a
 * worker is bound to a database for life.  Why only one: every statement of a
 * role updates the same row, so writers in parallel would queue up for its
 * lock, one commit each, while a single writer puts all that wait into one
 * commit.
 *
 * It is started by the backend that needs it and leaves when it has had nothing
 * to do for a while, so that DROP DATABASE and CREATE DATABASE ... TEMPLATE,
 * which wait a few seconds for other sessions to end, succeed.  It is never
 * restarted by the postmaster: the next backend that waits asks for another.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "ledger/batch.h"
#include "ledger/protocol.h"
#include "ledger/shmem.h"
#include "ledger/step.h"
#include "ledger/worker.h"

#define IDLE_MS			1500	/* idle time after which the worker leaves */

#define SLOW_COMMIT_US	1000	/* a commit that takes longer is worth sharing */
#define GATHER_MAX_US	1000	/* longest wait for others before a commit */
#define GATHER_STEP_US	50		/* time between two looks whether they have come */

/* Bytes for the payloads of one transaction; most payloads take a few hundred. */
#define BUFFER_SIZE		(64 * LEDGER_PAYLOAD_SIZE)

/*
 * Settings that the worker needs, whatever ALTER DATABASE ... SET says.  They are set at
 * session level, so that a reload of the configuration does not undo them.
 */
static const struct
{
	const char *name;
	const char *value;
}			settings[] =
{
	{"application_name", "dp_agg ledger"},
	{"search_path", "pg_catalog"},
	{"default_transaction_read_only", "off"},
	{"default_transaction_isolation", "read committed"},
	{"default_transaction_deferrable", "off"},
	{"session_replication_role", "origin"},
	{"row_security", "off"},
	{"exit_on_error", "off"},
	{"statement_timeout", "0"},
	{"lock_timeout", "1s"},
	{"idle_in_transaction_session_timeout", "0"},
	{"idle_session_timeout", "0"},
#if PG_VERSION_NUM >= 170000
	{"transaction_timeout", "0"},
#endif
	{"max_parallel_workers_per_gather", "0"},
	{"jit", "off"},
	{"plan_cache_mode", "auto"},
	{"enable_indexscan", "on"},
	{"default_tablespace", ""},
	{"default_table_access_method", "heap"},
	{"TimeZone", "UTC"},
	{"track_counts", "on"},
	{"track_activities", "on"},
};

/* Sets them, and synchronous_commit. */
static void
apply_settings(void)
{
	for (int i = 0; i < (int) lengthof(settings); i++)
		SetConfigOption(settings[i].name, settings[i].value, PGC_SUSET, PGC_S_SESSION);

	/* A stronger setting stays, such as remote_apply with synchronous replicas. */
	if (synchronous_commit < SYNCHRONOUS_COMMIT_ON)
		SetConfigOption("synchronous_commit", "on", PGC_SUSET, PGC_S_SESSION);
}

/* Ends the worker if it was told to, and reloads the configuration. */
static void
mind_signals(void)
{
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
		apply_settings();
	}
}

/*
 * Waits for requests; true if there may be some.  False once the worker has been idle
 * for IDLE_MS and has given up its entry: it must leave then.
 */
static bool
wait_for_work(TimestampTz idle_since)
{
	long		left = IDLE_MS - TimestampDifferenceMilliseconds(idle_since, GetCurrentTimestamp());

	if (left <= 0)
		return !ledger_worker_leave();
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 left, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	return true;
}

/*
 * Waits for the backends that were just answered to come back with their next
 * statements, so that one commit serves them all.  Otherwise the first to come would
 * have the next commit for themselves, and the others would fall into step half a turn
 * behind.  This pays only where a commit is slow; elsewhere the processor is what
 * limits, and waiting loses.  crowd is the number of requests that were answered or
 * waiting at the end of this turn, commit_us the time that its commit took.
 */
static void
gather(int crowd, int64 commit_us)
{
	int64		limit_us = Min(commit_us / 4, GATHER_MAX_US);

	if (crowd < 2 || commit_us < SLOW_COMMIT_US)
		return;
	for (int64 waited = 0; waited < limit_us; waited += GATHER_STEP_US)
	{
		if (ledger_worker_pending() >= crowd)
			return;
		pg_usleep(GATHER_STEP_US);
	}
}

/* One turn: n requests are decided and answered. */
static void
run_turn(LedgerRequest *requests, int n)
{
	int64		commit_us;
	int			crowd;

	ledger_step("taken");
	commit_us = ledger_batch_run(requests, n);
	crowd = n + ledger_worker_pending();
	ledger_step("decided");
	ledger_worker_answer(requests, n);
	ledger_step("answered");
	(void) pgstat_report_stat(false);
	gather(crowd, commit_us);
}

/* Serves requests until there have been none for a while. */
static void
serve(void)
{
	static LedgerRequest requests[LEDGER_BATCH_MAX];
	char	   *buffer = MemoryContextAlloc(TopMemoryContext, BUFFER_SIZE);
	TimestampTz idle_since = GetCurrentTimestamp();

	for (;;)
	{
		int			n;

		mind_signals();
		n = ledger_worker_take(requests, LEDGER_BATCH_MAX, buffer, BUFFER_SIZE);
		if (n < 0)
			return;
		if (n == 0)
		{
			if (!wait_for_work(idle_since))
				return;
			continue;
		}
		run_turn(requests, n);
		idle_since = GetCurrentTimestamp();
	}
}

/*
 * dp_ledger_worker_main
 *		Entry point; the argument is the OID of the database, and bgw_extra holds
 *		the epoch under which a backend asked for this worker.
 */
void
dp_ledger_worker_main(Datum main_arg)
{
	Oid			database = DatumGetObjectId(main_arg);
	uint64		epoch;

	memcpy(&epoch, MyBgworkerEntry->bgw_extra, sizeof(epoch));
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);

	/* First of all: from here on, our end is noticed by those who wait. */
	if (!ledger_worker_claim(database, epoch))
		proc_exit(0);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	apply_settings();
	ledger_worker_ready();
	pgstat_report_activity(STATE_RUNNING, "charging releases");
	serve();
	proc_exit(0);
}
