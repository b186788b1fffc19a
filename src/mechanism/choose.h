/*
 * choose.h
 *		Private selection of one candidate: permute-and-flip, exactly.
 */
#ifndef DP_CHOOSE_H
#define DP_CHOOSE_H

#include "mechanism/random.h"

/* Most candidates of one selection (one of them may be "none"). */
#define DP_CHOOSE_MAX ((1 << 24) + 1)

/*
 * Memory that a selection among n candidates works in, given by the caller.  Nothing
 * in it is meant for release.
 */
typedef struct dp_choose_work
{
	dp_uint128 *deficits;		/* array of n */
	int32_t    *order;			/* array of n */
	int32_t    *starts;			/* array of n + 1, used for runs */
} dp_choose_work;

extern dp_uint128 dp_choose_farthest(dp_uint128 rate_p, dp_uint128 rate_q);
extern dp_status dp_choose(dp_random *rng, const dp_uint128 *deficits, int m,
						   dp_uint128 rate_p, dp_uint128 rate_q,
						   int32_t *work, int *chosen);
extern dp_status dp_choose_runs(dp_random *rng, const dp_uint128 *deficits,
								const int32_t *starts, int runs,
								dp_uint128 rate_p, dp_uint128 rate_q,
								int32_t *work, int *chosen);

#endif							/* DP_CHOOSE_H */
