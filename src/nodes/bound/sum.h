/*
 * sum.h
 *		The bounding node's second step: individuals, and what they add to groups.
 */
#ifndef DP_BOUND_SUM_H
#define DP_BOUND_SUM_H

#include "postgres.h"

#include "nodes/bound/state.h"

/* How a pass over a partition ended. */
typedef enum PassEnd
{
	PASS_DONE,
	PASS_WIDE,					/* it is to be done again for fewer individuals */
	PASS_FULL,					/* it is to be done again when groups have left */
	PASS_NONE					/* all partitions are done */
} PassEnd;

extern PassEnd bound_do_pass(BoundState *state);
extern void bound_forget_groups(BoundState *state);

#endif							/* DP_BOUND_SUM_H */
