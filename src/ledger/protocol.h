/*
 * protocol.h
 *		What the backend side and the worker side of the ledger share.
 */
#ifndef DP_LEDGER_PROTOCOL_H
#define DP_LEDGER_PROTOCOL_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"

/* One request: everything that a statement is charged for and logs. */
#define LEDGER_PAYLOAD_SIZE		16384
/* Room that the text of the query is sure to find in it. */
#define LEDGER_QUERY_ROOM		2048
#define LEDGER_FINGERPRINT_SIZE	32
/* Most requests of one transaction. */
#define LEDGER_BATCH_MAX		256

/*
 * Zero is no verdict: memory nobody wrote never reads as paid.
 */
typedef enum LedgerVerdict
{
	LEDGER_UNDECIDED = 0,
	LEDGER_PAID,
	LEDGER_NO_ACCOUNT,
	LEDGER_OVER_QUERY_LIMIT,
	LEDGER_UNDER_QUERY_MINIMUM,
	LEDGER_EXHAUSTED,
	LEDGER_RELEASES_EXHAUSTED,
	LEDGER_BUSY,				/* somebody else holds a lock: ask again */
	LEDGER_NOT_INSTALLED,
	LEDGER_FAILED,				/* the transaction failed and was rolled back */
	LEDGER_LOST,				/* the worker ended after it took the request */
	LEDGER_NO_WORKER			/* a worker ended before it could serve */
} LedgerVerdict;

typedef struct LedgerAnswer
{
	LedgerVerdict verdict;
	NameData	population;		/* of a refusal, as is all that follows */
	Oid			role;			/* holder of the account that refuses */
	int64		epsilon;		/* price on that population, nano-epsilon */
	int64		delta;			/* and atto-delta */
	int64		epsilon_left;	/* what the account has left */
	int64		delta_left;
	int64		query_limit;	/* its limit per statement, nano-epsilon */
	int64		cheapest;		/* the cheapest release on that population */
	int64		least_epsilon;	/* what it must cost */
	int64		releases;		/* how many there are */
	int64		release_limit;	/* how many the account may make in a period */
	int64		releases_left;
	TimestampTz renews_at;		/* 0 if it does not renew */
} LedgerAnswer;

/* Price of a statement on one population. */
typedef struct LedgerPrice
{
	NameData	population;
	int64		epsilon_nano;
	int64		delta_atto;
	int64		cheapest;		/* of its releases, nano-epsilon */
	int64		least_epsilon;	/* what that must be, if an account pays */
	int64		releases;		/* how many */
	bool		account_required;
} LedgerPrice;

/* What a payload says, see message.c. */
typedef struct LedgerMessage
{
	NameData	session_name;
	NameData	current_name;
	uint8		fingerprint[LEDGER_FINGERPRINT_SIZE];
	List	   *prices;			/* of LedgerPrice */
	List	   *items;			/* of LedgerItem */
	const char *query;
} LedgerMessage;

/* A request in the hands of a worker: its own copy, the slot may change. */
typedef struct LedgerRequest
{
	int			slot;
	uint64		number;
	Oid			session_user;
	Oid			current_user;
	char	   *payload;
	int			length;
	LedgerAnswer answer;
} LedgerRequest;

typedef enum LedgerPoll
{
	LEDGER_POLL_ANSWERED,
	LEDGER_POLL_PENDING,
	LEDGER_POLL_TAKEN
} LedgerPoll;

typedef enum LedgerWake
{
	LEDGER_WAKE_SENT,			/* there is a worker, or one is starting */
	LEDGER_WAKE_START			/* the caller must start one */
} LedgerWake;

/* shmem.c: both sides */
extern void ledger_shmem_init(void);
extern bool ledger_shmem_exists(void);

/* shmem.c: backend side */
extern uint64 ledger_request_submit(const char *payload, int length);
extern LedgerPoll ledger_request_poll(uint64 number, LedgerAnswer *answer);
extern void ledger_request_withdraw(uint64 number);
extern LedgerWake ledger_worker_wake(uint64 *epoch, bool doubt);
extern void ledger_worker_not_started(uint64 epoch);

/* shmem.c: worker side */
extern bool ledger_worker_claim(Oid database, uint64 epoch);
extern void ledger_worker_ready(void);
extern int	ledger_worker_take(LedgerRequest *requests, int max, char *buffer, Size size);
extern int	ledger_worker_pending(void);
extern void ledger_worker_answer(LedgerRequest *requests, int n);
extern bool ledger_worker_leave(void);

/* message.c */
extern void ledger_message_build(StringInfo payload, List *items, const char *query_text);
extern void ledger_message_read(const char *payload, int length, LedgerMessage *message);

/* account.c */
extern Oid	ledger_table(const char *name);
extern bool ledger_role_is_live(Oid role);

/* refusal.c */
extern void ledger_report_refusal(const LedgerAnswer *answer) pg_attribute_noreturn();

/* batch.c */
extern int64 ledger_batch_run(LedgerRequest *requests, int n);

/* worker.c: called by the postmaster's fork through the library's name */
extern PGDLLEXPORT void dp_ledger_worker_main(Datum main_arg);

#endif							/* DP_LEDGER_PROTOCOL_H */
