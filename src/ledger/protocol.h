/*
 * protocol.h
 *		What the backend side and the worker side of the ledger share.
 */
#ifndef DP_LEDGER_PROTOCOL_H
#define DP_LEDGER_PROTOCOL_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "storage/dsm.h"

#include "core/digest.h"
#include "tier/grade.h"

/* Bytes of a payload: everything that one statement is charged for and logs. */
#define LEDGER_PAYLOAD_SIZE		16384
/* Bytes of a payload that are kept free for the text of the query. */
#define LEDGER_QUERY_ROOM		2048
/* Bytes of that text where nothing is paid or read. */
#define LEDGER_FREE_QUERY		255
/* Most requests of one transaction. */
#define LEDGER_BATCH_MAX		256

/*
 * What the worker decides about a request.  Zero is no verdict, so that memory
 * that nobody wrote never reads as paid.
 */
typedef enum LedgerVerdict
{
	LEDGER_UNDECIDED = 0,
	LEDGER_PAID,				/* the charge is on disk; what costs nothing is written, and
								 * will be */
	LEDGER_NO_ACCOUNT,			/* an account is required, and there is none */
	LEDGER_NOT_CONCENTRATED,	/* the noise is Gaussian, and an account adds up epsilon, or
								 * there is none */
	LEDGER_OVER_QUERY_LIMIT,	/* the statement costs more than an account allows */
	LEDGER_UNDER_QUERY_MINIMUM, /* a release costs less than an account asks for */
	LEDGER_EXHAUSTED,			/* too little epsilon or delta is left */
	LEDGER_RELEASES_EXHAUSTED,	/* too few releases are left */
	LEDGER_LIFETIME_EXHAUSTED,	/* too little is left of all periods together */
	LEDGER_BUSY,				/* another transaction holds a lock: ask again */
	LEDGER_NOT_INSTALLED,		/* this database lacks the extension */
	LEDGER_IS_COPY,				/* a subscription writes the tables of the ledger */
	LEDGER_FAILED,				/* the transaction failed and was rolled back */
	LEDGER_LOST,				/* the worker ended after it took the request */
	LEDGER_NO_WORKER			/* a worker ended before it could serve */
} LedgerVerdict;

/*
 * The answer to a request.  What follows long_spent is only set for a refusal, and is
 * about one population and, where an account refuses, that account.
 */
typedef struct LedgerAnswer
{
	LedgerVerdict verdict;
	uint32		long_spent;		/* populations on which an account has spent so much in its
								 * lifetime that the tier is raised, see
								 * ledger_population_bit() */
	NameData	population;
	Oid			role;			/* holder of the account that refuses; InvalidOid: the cap */
	bool		concentrated;	/* that account adds up rho */
	int64		epsilon;		/* price of the statement on the population, nano-epsilon */
	int64		delta;			/* price of the statement on the population, atto-delta */
	int64		epsilon_left;	/* epsilon that the account has left, nano-epsilon */
	int64		delta_left;		/* delta that the account has left for releases, atto-delta */
	int64		rho;			/* price of the statement on the population, pico-rho */
	int64		rho_left;		/* rho that the account has left, pico-rho */
	int64		query_limit;	/* most that the account pays for a statement, nano-epsilon */
	int64		cheapest;		/* price of the cheapest release, nano-epsilon */
	int64		least_epsilon;	/* least that a release must cost, nano-epsilon */
	int64		releases;		/* number of releases of the statement on the population */
	int64		release_limit;	/* most releases of the account in a period */
	int64		releases_left;	/* releases that the account has left in this period */
	TimestampTz renews_at;		/* when the account renews; 0 if it does not */
} LedgerAnswer;

/* Price of a statement on one population: the sum of its releases there. */
typedef struct LedgerPrice
{
	NameData	population;
	int64		epsilon_nano;	/* sum, nano-epsilon (1e-9) */
	int64		delta_atto;		/* sum, atto-delta (1e-18) */
	int64		rho_pico;		/* sum, pico-rho (1e-12) */
	int64		cheapest;		/* price of the cheapest release, nano-epsilon */
	int64		least_epsilon;	/* least that a release must cost if an account pays it */
	int64		releases;		/* number of releases; 0: all are answers handed out again */
	bool		account_required;	/* without an account the statement is refused */
	bool		concentrated;	/* so it is with one that adds up epsilon */
} LedgerPrice;

/* One release of a statement, as it is charged and logged. */
typedef struct LedgerItem
{
	NameData	population;
	int64		epsilon_nano;	/* price, nano-epsilon (1e-9) */
	int64		delta_atto;		/* price, atto-delta (1e-18) */
	int64		least_epsilon;	/* least that a release must cost if an account pays it */
	const char *relations;		/* names of the protected relations, for the log */
	const char *outputs;		/* names of the outputs, for the log */
	bool		account_required;	/* false for a role that may read the rows itself */
	bool		concentrated;	/* rho is what it costs: only accounts that add it up may pay */
	bool		reused;			/* an earlier answer is handed out again: the price is 0 */
	TierCodes	codes;			/* what the release reveals; ledger_charge() adds what
								 * accounts have spent */
	int64		lifetime_limit; /* nano-epsilon that an account may have spent in its lifetime
								 * before the tier is raised, this release included */
} LedgerItem;

/* Raw rows of one classified relation that a statement is about to read. */
typedef struct LedgerRead
{
	NameData	population;		/* empty if the relation is not protected */
	const char *relation;		/* its name, with the schema */
	const char *columns;		/* names of the columns that are touched */
	TierCodes	codes;			/* what these columns reveal */
} LedgerRead;

/* The answer of a release, to be kept and handed out again. */
typedef struct LedgerKeep
{
	NameData	population;
	uint8		release[SHA256_SIZE];	/* what was asked, but for the outputs */
	TimestampTz made_at;		/* from then on it grows old */
	dsm_handle	segment;		/* where it is, in shared memory */
	int64		size;			/* its bytes */
	int32		noutputs;
	const uint8 *outputs;		/* SHA256_SIZE bytes for each output, sorted */
} LedgerKeep;

/* What a payload says, see message.c. */
typedef struct LedgerMessage
{
	NameData	session_name;	/* name of the session user */
	NameData	current_name;	/* name of the current user */
	uint8		fingerprint[SHA256_SIZE];	/* SHA-256 of the whole query text */
	List	   *prices;			/* of LedgerPrice, one per population */
	List	   *items;			/* of LedgerItem, one per release */
	List	   *reads;			/* of LedgerRead */
	LedgerKeep *keep;			/* or NULL */
	const char *query;			/* text of the statement, cut off to fit */
} LedgerMessage;

/*
 * A request that a worker has taken.  It is the worker's own copy, because the backend
 * may give up and use the slot for another request.
 */
typedef struct LedgerRequest
{
	int			slot;			/* index of the slot it was taken from */
	uint64		number;			/* number of the request: is the slot still about it? */
	Oid			session_user;
	Oid			current_user;
	char	   *payload;		/* bytes of the payload, in the worker's buffer */
	int			length;			/* number of bytes of the payload */
	LedgerAnswer answer;		/* what the backend will be told */
} LedgerRequest;

/* How far a request is, as its backend sees it. */
typedef enum LedgerPoll
{
	LEDGER_POLL_ANSWERED,		/* the answer is there */
	LEDGER_POLL_PENDING,		/* no worker has taken it yet */
	LEDGER_POLL_TAKEN			/* a worker is at it */
} LedgerPoll;

/* What came of the attempt to wake the worker. */
typedef enum LedgerWake
{
	LEDGER_WAKE_SENT,			/* there is a worker, or one is starting */
	LEDGER_WAKE_START			/* the caller must start one */
} LedgerWake;

#endif							/* DP_LEDGER_PROTOCOL_H */
