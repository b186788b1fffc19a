/*
 * shmem.c
 *		The shared memory through which backends and ledger workers talk.
 *
 * There is one slot per PGPROC and one payload buffer beside each, and one
 * entry per worker.  A slot goes through these states:
 *
 *		FREE --submit--> PENDING --take--> TAKEN --answer--> DONE --poll--> FREE
 *
 * and back to FREE from any of them when the backend withdraws.  Pending slots
 * are on a list, oldest first.  Every request has a number of its own, and
 * the worker copies what it takes; so a backend that gives up, or dies, leaves
 * nothing that must be waited for: whoever uses the slot next has another
 * number, and a late answer finds that its number is gone and is dropped.
 *
 * A worker entry is claimed by a backend (STARTING, with a new epoch) before
 * it asks the postmaster for a worker, and taken over by the worker that
 * carries that epoch (RUNNING).  A worker whose epoch is no longer that of the
 * entry leaves without having touched anything: there are never two at work on
 * one database.  An exit callback, run also on FATAL, answers LOST to whatever
 * the worker had taken, and gives the entry back.
 *
 * Invariants:
 * - everything but the payloads is read and written under the one lock, held
 *   exclusively; nothing in a locked section allocates memory or can fail;
 * - a payload is written by its backend while the slot is not PENDING, and read
 *   by the worker under the lock while it is;
 * - a backend looks for a worker after its request is on the list, and a worker
 *   leaves in the locked section in which it has found the list empty, so no
 *   request is overlooked.
 *
 * A backend or worker that crashes makes the postmaster reinitialize all of
 * this together with the server.
 */
#include "postgres.h"

#include <signal.h>

#include "lib/ilist.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

#include "core/compat.h"
#include "ledger/protocol.h"
#include "ledger/shmem.h"

#define TRANCHE_NAME	"dp_agg_ledger"

/* A worker that was asked for and did not come within this time will not. */
#define START_TIMEOUT_MS	10000

/* The states of a slot; see above. */
typedef enum SlotState
{
	SLOT_FREE,
	SLOT_PENDING,
	SLOT_TAKEN,
	SLOT_DONE
} SlotState;

/* The request of one backend, if it has one. */
typedef struct Slot
{
	dlist_node	node;			/* link in the list of pending slots, if PENDING */
	SlotState	state;
	uint64		number;			/* number of the request; 0 if the slot is FREE */
	uint64		taken_by;		/* epoch of the worker that took it, if TAKEN */
	Oid			database;
	Oid			session_user;
	Oid			current_user;
	int			length;			/* number of bytes of the payload */
	Latch	   *latch;			/* latch of the backend that waits */
	LedgerAnswer answer;		/* what the worker decided, if DONE */
} Slot;

/* The states of a worker's entry; see above. */
typedef enum WorkerState
{
	WORKER_NONE,				/* the entry is unused */
	WORKER_STARTING,			/* the postmaster was asked for the worker */
	WORKER_RUNNING				/* the worker has taken the entry over */
} WorkerState;

/* The worker of one database. */
typedef struct WorkerEntry
{
	WorkerState state;
	Oid			database;
	uint64		epoch;			/* tells this worker from all before and after it */
	TimestampTz since;			/* when the postmaster was asked for it */
	PGPROC	   *proc;			/* its PGPROC, if RUNNING */
	int			pid;			/* its process, if RUNNING */
} WorkerEntry;

/* The shared memory: this header, then the slots, then the payloads. */
typedef struct LedgerShared
{
	LWLock	   *lock;
	uint64		last_number;	/* number of the latest request */
	uint64		last_epoch;		/* epoch of the latest worker */
	dlist_head	pending;		/* slots that are PENDING, oldest first */
	int			nslots;
	int			nworkers;		/* entries in workers[] */
	Slot	   *slots;			/* one per PGPROC */
	char	   *payloads;		/* LEDGER_PAYLOAD_SIZE bytes per slot */
	WorkerEntry workers[FLEXIBLE_ARRAY_MEMBER];
} LedgerShared;

static LedgerShared *shared = NULL;

/* In a worker: its entry, its epoch, and whether it came to serving. */
static WorkerEntry *my_entry = NULL;
static uint64 my_epoch = 0;
static bool my_ready = false;

static shmem_request_hook_type prev_shmem_request_hook = NULL;
static shmem_startup_hook_type prev_shmem_startup_hook = NULL;

/*
 * Bytes of LedgerShared.  It has one entry per worker that the postmaster could run, so
 * where no entry is left, the postmaster has no room for a worker either.
 */
static Size
header_size(void)
{
	return MAXALIGN(add_size(offsetof(LedgerShared, workers),
							 mul_size(sizeof(WorkerEntry), Max(max_worker_processes, 1))));
}

/* Bytes of all the shared memory: the header, the slots and the payloads. */
static Size
shared_size(void)
{
	Size		size = header_size();

	size = add_size(size, MAXALIGN(mul_size(sizeof(Slot), MaxBackends)));
	return add_size(size, mul_size(LEDGER_PAYLOAD_SIZE, MaxBackends));
}

/* shmem_request_hook */
static void
shmem_request(void)
{
	if (prev_shmem_request_hook)
		prev_shmem_request_hook();
	RequestAddinShmemSpace(shared_size());
	RequestNamedLWLockTranche(TRANCHE_NAME, 1);
}

/*
 * shmem_startup_hook: makes the shared memory, or finds it.  The payloads are not
 * touched: pages that no backend has used yet take no memory.
 */
static void
shmem_startup(void)
{
	bool		found;
	char	   *memory;

	if (prev_shmem_startup_hook)
		prev_shmem_startup_hook();

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	memory = ShmemInitStruct("dp_agg ledger", shared_size(), &found);
	shared = (LedgerShared *) memory;
	if (!found)
	{
		Size		slots_size = MAXALIGN(mul_size(sizeof(Slot), MaxBackends));

		memset(memory, 0, header_size() + slots_size);
		shared->lock = &(GetNamedLWLockTranche(TRANCHE_NAME))->lock;
		shared->nslots = MaxBackends;
		shared->nworkers = Max(max_worker_processes, 1);
		shared->slots = (Slot *) (memory + header_size());
		shared->payloads = memory + header_size() + slots_size;
		dlist_init(&shared->pending);
	}
	LWLockRelease(AddinShmemInitLock);
}

/* Sets the hooks that make the shared memory; in the postmaster only. */
void
ledger_shmem_init(void)
{
	prev_shmem_request_hook = shmem_request_hook;
	shmem_request_hook = shmem_request;
	prev_shmem_startup_hook = shmem_startup_hook;
	shmem_startup_hook = shmem_startup;
}

/* Is there shared memory?  Not if the library was loaded after the server had started. */
bool
ledger_shmem_exists(void)
{
	return shared != NULL;
}

/*
 * Takes the lock.  In a callback of a process that exits it may be held already, if
 * something raised FATAL in a locked section in spite of the rules above.
 */
static void
lock_shared(void)
{
	if (!LWLockHeldByMe(shared->lock))
		LWLockAcquire(shared->lock, LW_EXCLUSIVE);
}

static void
unlock_shared(void)
{
	LWLockRelease(shared->lock);
}

/* The slot of this backend. */
static Slot *
my_slot(void)
{
	int			index = DP_MY_PROC_INDEX;

	if (index < 0 || index >= shared->nslots)
		elog(ERROR, "process has no slot in the ledger");
	return &shared->slots[index];
}

/* Makes a slot FREE, whatever its state; the lock is held. */
static void
free_slot(Slot *slot)
{
	if (slot->state == SLOT_PENDING)
		dlist_delete(&slot->node);
	slot->state = SLOT_FREE;
	slot->number = 0;
	slot->answer.verdict = LEDGER_UNDECIDED;
}

/*
 * Answers a slot that is TAKEN or no longer on the list; the lock is held.  The
 * caller sets the latch.
 */
static void
answer_slot(Slot *slot, const LedgerAnswer *answer)
{
	slot->answer = *answer;
	slot->state = SLOT_DONE;
}

/*
 * Puts a request of this backend into its slot and returns its number.
 *
 * length is in 1 .. LEDGER_PAYLOAD_SIZE.  The caller must poll until there is an
 * answer, or withdraw the request.
 */
uint64
ledger_request_submit(const char *payload, int length)
{
	Slot	   *slot = my_slot();
	uint64		number;

	Assert(length > 0 && length <= LEDGER_PAYLOAD_SIZE);
	lock_shared();
	free_slot(slot);
	memcpy(shared->payloads + (slot - shared->slots) * (Size) LEDGER_PAYLOAD_SIZE,
		   payload, length);
	slot->length = length;
	slot->database = MyDatabaseId;
	slot->session_user = GetSessionUserId();
	slot->current_user = GetUserId();
	slot->latch = MyLatch;
	slot->number = number = ++shared->last_number;
	slot->state = SLOT_PENDING;
	dlist_push_tail(&shared->pending, &slot->node);
	unlock_shared();
	return number;
}

/* How far the request is.  When the answer is there, *answer is set and the slot is freed. */
LedgerPoll
ledger_request_poll(uint64 number, LedgerAnswer *answer)
{
	Slot	   *slot = my_slot();
	LedgerPoll	result;

	lock_shared();
	if (slot->number != number)
	{
		/* Nobody but us may change the number; never take this for paid. */
		memset(answer, 0, sizeof(*answer));
		answer->verdict = LEDGER_LOST;
		result = LEDGER_POLL_ANSWERED;
	}
	else if (slot->state == SLOT_DONE)
	{
		*answer = slot->answer;
		free_slot(slot);
		result = LEDGER_POLL_ANSWERED;
	}
	else
		result = slot->state == SLOT_PENDING ? LEDGER_POLL_PENDING : LEDGER_POLL_TAKEN;
	unlock_shared();
	return result;
}

/*
 * Gives a request up.  If no worker has taken it, it will never be charged.  If one
 * has, it may be charged, and the answer goes nowhere.
 */
void
ledger_request_withdraw(uint64 number)
{
	Slot	   *slot = my_slot();

	lock_shared();
	if (slot->number == number)
		free_slot(slot);
	unlock_shared();
}

/* The entry of a database's worker, starting or running; NULL if there is none. */
static WorkerEntry *
find_worker(Oid database)
{
	for (int i = 0; i < shared->nworkers; i++)
	{
		WorkerEntry *entry = &shared->workers[i];

		if (entry->state != WORKER_NONE && entry->database == database)
			return entry;
	}
	return NULL;
}

/* An entry that nobody uses; NULL if there is none. */
static WorkerEntry *
find_unused_entry(void)
{
	for (int i = 0; i < shared->nworkers; i++)
	{
		if (shared->workers[i].state == WORKER_NONE)
			return &shared->workers[i];
	}
	return NULL;
}

/*
 * Gives the entry of a worker back; the lock is held.  Requests that the worker had
 * taken are answered LEDGER_LOST.  was_ready: the worker had come to serving.
 */
static void
release_worker(WorkerEntry *entry, bool was_ready)
{
	LedgerAnswer answer;

	memset(&answer, 0, sizeof(answer));
	for (int i = 0; i < shared->nslots; i++)
	{
		Slot	   *slot = &shared->slots[i];

		if (slot->state == SLOT_TAKEN && slot->taken_by == entry->epoch)
		{
			answer.verdict = LEDGER_LOST;
			answer_slot(slot, &answer);
			SetLatch(slot->latch);
		}
		else if (slot->state == SLOT_PENDING && slot->database == entry->database)
		{
			/*
			 * After a worker that served, the backend starts another.  After one that could
			 * not begin to serve, it would do so again and again.
			 */
			if (!was_ready)
			{
				dlist_delete(&slot->node);
				answer.verdict = LEDGER_NO_WORKER;
				answer_slot(slot, &answer);
			}
			SetLatch(slot->latch);
		}
	}
	entry->state = WORKER_NONE;
}

/*
 * Is the worker of this entry gone, or not coming?  The lock is held.  A worker gives
 * its entry back by a callback when it exits; this is for one that did not get that
 * far.  The kernel is asked whether the process is there only when in doubt, because
 * that takes as long as everything else here.
 */
static bool
worker_is_gone(WorkerEntry *entry, bool doubt)
{
	if (entry->state == WORKER_RUNNING)
		return entry->proc->pid != entry->pid ||
			(doubt && kill(entry->pid, 0) < 0 && errno == ESRCH);
	return TimestampDifferenceExceeds(entry->since, GetCurrentTimestamp(), START_TIMEOUT_MS);
}

/*
 * Wakes the worker of this database, so that it looks at the list.  doubt: it should
 * have done so before, and may be dead.
 *
 * LEDGER_WAKE_SENT: there is one, or one is starting.  LEDGER_WAKE_START: the caller
 * must start one under *epoch; if that is 0, no entry is left for it.
 */
LedgerWake
ledger_worker_wake(uint64 *epoch, bool doubt)
{
	WorkerEntry *entry;
	Latch	   *latch = NULL;
	LedgerWake	result = LEDGER_WAKE_SENT;

	*epoch = 0;
	lock_shared();
	entry = find_worker(MyDatabaseId);
	if (entry != NULL && worker_is_gone(entry, doubt))
	{
		release_worker(entry, true);
		entry = NULL;
	}
	if (entry != NULL)
	{
		if (entry->state == WORKER_RUNNING)
			latch = &entry->proc->procLatch;
	}
	else
	{
		result = LEDGER_WAKE_START;
		entry = find_unused_entry();
		if (entry != NULL)
		{
			entry->state = WORKER_STARTING;
			entry->database = MyDatabaseId;
			entry->since = GetCurrentTimestamp();
			entry->epoch = *epoch = ++shared->last_epoch;
		}
	}
	unlock_shared();
	if (latch != NULL)
		SetLatch(latch);
	return result;
}

/* Gives the entry back that was made for a worker which could not be started. */
void
ledger_worker_not_started(uint64 epoch)
{
	lock_shared();
	for (int i = 0; i < shared->nworkers; i++)
	{
		WorkerEntry *entry = &shared->workers[i];

		if (entry->state == WORKER_STARTING && entry->epoch == epoch)
			entry->state = WORKER_NONE;
	}
	unlock_shared();
}

/* Callback at the exit of a worker, however it comes about. */
static void
worker_exit(int code, Datum arg)
{
	lock_shared();
	if (my_entry->state == WORKER_RUNNING && my_entry->epoch == my_epoch)
		release_worker(my_entry, my_ready);
	unlock_shared();
}

/*
 * Takes over the entry that a backend made for this worker.  False if the entry has
 * been given to another worker meanwhile: then this one must leave.
 */
bool
ledger_worker_claim(Oid database, uint64 epoch)
{
	WorkerEntry *entry;
	bool		mine;

	if (shared == NULL)
		return false;
	lock_shared();
	entry = find_worker(database);
	mine = entry != NULL && entry->state == WORKER_STARTING && entry->epoch == epoch;
	if (mine)
	{
		entry->state = WORKER_RUNNING;
		entry->proc = MyProc;
		entry->pid = MyProcPid;
	}
	unlock_shared();
	if (mine)
	{
		my_entry = entry;
		my_epoch = epoch;
		before_shmem_exit(worker_exit, (Datum) 0);
	}
	return mine;
}

/* This worker could begin to serve: if it ends, another may be started in its place. */
void
ledger_worker_ready(void)
{
	my_ready = true;
}

/*
 * Takes pending requests of this worker's database, oldest first: at most max, and
 * as many as have room for their payloads in the buffer of "size" bytes.
 *
 * Returns the number of requests, or -1 if this worker was taken for dead and must
 * leave.
 */
int
ledger_worker_take(LedgerRequest *requests, int max, char *buffer, Size size)
{
	dlist_mutable_iter iter;
	int			n = 0;

	lock_shared();
	if (my_entry->state != WORKER_RUNNING || my_entry->epoch != my_epoch)
	{
		unlock_shared();
		return -1;
	}
	dlist_foreach_modify(iter, &shared->pending)
	{
		Slot	   *slot = dlist_container(Slot, node, iter.cur);
		LedgerRequest *request = &requests[n];

		if (slot->database != my_entry->database)
			continue;
		if (n >= max || size < (Size) slot->length)
			break;
		dlist_delete(&slot->node);
		slot->state = SLOT_TAKEN;
		slot->taken_by = my_epoch;
		memset(request, 0, sizeof(*request));
		request->slot = slot - shared->slots;
		request->number = slot->number;
		request->session_user = slot->session_user;
		request->current_user = slot->current_user;
		request->payload = buffer;
		request->length = slot->length;
		memcpy(buffer, shared->payloads + request->slot * (Size) LEDGER_PAYLOAD_SIZE, slot->length);
		buffer += slot->length;
		size -= slot->length;
		n++;
	}
	unlock_shared();
	return n;
}

/*
 * Hands n answers (at most LEDGER_BATCH_MAX) out to the backends that still wait for
 * them.  Latches are set when the lock is free again, because who wakes up wants the
 * lock at once; a latch outlives the process that waited on it.
 */
void
ledger_worker_answer(LedgerRequest *requests, int n)
{
	Latch	   *latches[LEDGER_BATCH_MAX];
	int			nlatches = 0;

	Assert(n <= LEDGER_BATCH_MAX);
	lock_shared();
	for (int i = 0; i < n; i++)
	{
		Slot	   *slot = &shared->slots[requests[i].slot];

		if (slot->state == SLOT_TAKEN && slot->number == requests[i].number &&
			slot->taken_by == my_epoch)
		{
			answer_slot(slot, &requests[i].answer);
			latches[nlatches++] = slot->latch;
		}
	}
	unlock_shared();
	for (int i = 0; i < nlatches; i++)
		SetLatch(latches[i]);
}

/* Pending requests of this worker's database; the lock is held. */
static int
count_pending(void)
{
	dlist_iter	iter;
	int			n = 0;

	dlist_foreach(iter, &shared->pending)
	{
		if (dlist_container(Slot, node, iter.cur)->database == my_entry->database)
			n++;
	}
	return n;
}

/* The number of requests that wait for this worker. */
int
ledger_worker_pending(void)
{
	int			n;

	lock_shared();
	n = count_pending();
	unlock_shared();
	return n;
}

/*
 * Gives the entry back, so that the worker can leave.  False if requests have come
 * meanwhile: then the worker must go on.
 */
bool
ledger_worker_leave(void)
{
	bool		busy;

	lock_shared();
	busy = count_pending() > 0;
	if (!busy && my_entry->state == WORKER_RUNNING && my_entry->epoch == my_epoch)
		my_entry->state = WORKER_NONE;
	unlock_shared();
	return !busy;
}
