/*
 * protocol.h
 *		What the backend side and the worker side of the ledger share.
 */
#ifndef DP_LEDGER_PROTOCOL_H
#define DP_LEDGER_PROTOCOL_H

#include "postgres.h"

#include "datatype/timestamp.h"
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

/* One release of a statement, as it is charged and logged. */
typedef struct LedgerItem
{
	NameData	population;
	int64		epsilon_nano;
	int64		delta_atto;
	int64		least_epsilon;	/* what a release that an account pays must cost */
	const char *relations;		/* names of the protected relations, for the log */
	const char *outputs;		/* names of the outputs, for the log */
	bool		account_required;	/* false for a role that may read the rows itself */
} LedgerItem;

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

#endif							/* DP_LEDGER_PROTOCOL_H */
