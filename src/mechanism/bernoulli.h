/*
 * bernoulli.h
 *		Exact coins and geometric variables with rational parameters.
 */
#ifndef DP_BERNOULLI_H
#define DP_BERNOULLI_H

#include <stdbool.h>

#include "mechanism/random.h"

/*
 * Largest denominator of a rate.  As no series has more than
 * DP_RANDOM_MAX_TRIES = 2^10 steps, every product stays below 2^112 (bernoulli.c).
 */
#define DP_RATE_MAX_DENOMINATOR ((dp_uint128) 1 << 100)

extern dp_status dp_bernoulli(dp_random *rng, dp_uint128 p, dp_uint128 q,
							  bool *out);
extern dp_status dp_bernoulli_exp(dp_random *rng, dp_uint128 p, dp_uint128 q,
								  bool *out);
extern dp_status dp_geometric(dp_random *rng, dp_uint128 p, dp_uint128 q,
							  dp_uint128 *out);

#endif							/* DP_BERNOULLI_H */
