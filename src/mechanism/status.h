/*
 * status.h
 *		Return codes and wide integers of mechanism/ and accounting/, which are pure C.
 *
 * These folders know nothing of PostgreSQL: they report by a status, and their callers
 * turn that into an ereport.
 */
#ifndef DP_STATUS_H
#define DP_STATUS_H

/* What every function that can fail returns. */
typedef enum dp_status
{
	DP_OK = 0,
	DP_ERR_RANDOM,				/* the source of random bytes failed */
	DP_ERR_RANGE				/* an argument is outside its documented range */
} dp_status;

/*
 * Integers of 128 bits with the alignment that palloc() gives, which PostgreSQL's own
 * int128 has, too (c.h).  Without it the compiler would take an alignment of 16 bytes
 * for granted.
 */
typedef __int128 dp_int128 __attribute__((aligned(8)));
typedef unsigned __int128 dp_uint128 __attribute__((aligned(8)));

#endif							/* DP_STATUS_H */
