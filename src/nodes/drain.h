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
	uint64		secret;			/* of the innermost */
} Drain;

extern void drain_begin(Drain *outer, uint64 secret);
extern void drain_end(Drain *outer);
extern bool drain_is_outermost(void);
extern uint64 drain_secret(void);

#endif							/* DP_DRAIN_H */
