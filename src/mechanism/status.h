/*
 * status.h
 *		Return codes of the pure C parts (mechanism/ and accounting/).
 *
 * These directories know nothing of PostgreSQL: they report by status and the
 * callers in release/ and ledger/ turn a status into an ereport.
 */
#ifndef DP_STATUS_H
#define DP_STATUS_H

typedef enum dp_status
{
	DP_OK = 0,
	DP_ERR_RANDOM,				/* the source of random bytes failed */
	DP_ERR_RANGE				/* an argument is outside its documented range */
} dp_status;

/*
 * With the alignment that palloc() gives, as PostgreSQL's own int128 has (c.h):
 * the compiler would otherwise take 16 bytes for granted.
 */
typedef __int128 dp_int128 __attribute__((aligned(8)));
typedef unsigned __int128 dp_uint128 __attribute__((aligned(8)));

#endif							/* DP_STATUS_H */
