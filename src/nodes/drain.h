/*
 * drain.h
 *		The release that is being drained: how deep it is nested, and its secret.
 */
#ifndef DP_DRAIN_H
#define DP_DRAIN_H

#include "postgres.h"

typedef struct Drain
{
	int			depth;			/* drains under way, one inside the other */
	int			reading;		/* those of them that have asked for protected rows */
	uint64		secret;			/* of the innermost */
} Drain;

#ifdef DP_FAULT_NOISELESS
#define DP_NOISELESS_SECRET UINT64CONST(0x5851f42d4c957f2d)
#endif

extern void drain_begin(Drain *outer, uint64 secret);
extern void drain_end(Drain *outer);
extern void drain_reads_rows(void);
extern bool drain_is_seen(void);
extern bool drain_is_under_way(void);
extern uint64 drain_secret(void);

#endif							/* DP_DRAIN_H */
