/*
 * reuse_key.h
 *		By what a release is known when it is asked for again, with the values of this execution.
 */
#ifndef DP_REUSE_KEY_H
#define DP_REUSE_KEY_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

#include "core/digest.h"
#include "nodes/release/state.h"
#include "spec/spec.h"

/* Bytes of what tells one answer from all others. */
#define ANSWER_ID_BYTES 16

/* A digest. */
typedef struct ReuseDigest
{
	uint8		bytes[SHA256_SIZE];
} ReuseDigest;

/* By what it is known. */
typedef struct ReuseKey
{
	TimestampTz refreshed_at;	/* set by the caller: since when answers count */
	ReuseDigest release;		/* of all but which outputs it has: rows, keys, price, limits */
	ReuseDigest whole;			/* of the release without conditions on keys alone */
	bool		has_whole;		/* it has such conditions */
	ReuseDigest *keys;			/* of each key, in the order of its columns */
	ReuseDigest *outputs;		/* of each output, in the order of its columns */
} ReuseKey;

/* A release that may be handed out again. */
typedef struct Reuse
{
	ReuseKey	key;
	uint8		id[ANSWER_ID_BYTES];	/* of the answer that it hands out, or will draw */
	bytea	   *answer;			/* kept before, and handed out now; NULL: it is drawn */
	List	   *quals;			/* conditions on keys that rows of the answer must meet */
	TimestampTz as_of;			/* when what it reads was so, at the latest */
	List	   *releases;		/* all of the statement */
	bool		keeps;			/* its answer may be one for others */
	bool		turn;			/* others wait for its answer (turn.c) ... */
	bool		running;		/* ... and see that it pays or runs ... */
	ResourceOwner turn_owner;	/* ... as long as this one holds the lock */
	void		(*keep) (struct ReleaseState *state, StringInfo answer);	/* what becomes of its
																			 * answer */
} Reuse;

extern bool reuse_is_described(const ReleaseState *state);
extern bool reuse_key(ReleaseState *state, List *releases, ReuseKey *key);
extern List *reuse_key_quals(ReleaseState *state);
extern void reuse_part_id(const ReuseKey *key, uint8 *id);
extern List *reuse_reads(const ReleaseState *state, List *releases);
extern void append_flat(StringInfo bytes, Datum value, bool isnull, int16 length, bool by_value);
extern int	compare_digests(const void *a, const void *b);

#endif							/* DP_REUSE_KEY_H */
