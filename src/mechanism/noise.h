/*
 * noise.h
 *		The joint max-norm (K-norm, cube) noise and the threshold of the gate.
 */
#ifndef DP_NOISE_H
#define DP_NOISE_H

#include "mechanism/random.h"

/*
 * One individual moves every coordinate by at most DP_SCALE lattice units
 * (one "individual") per group.
 */
#define DP_SCALE_BITS 30
#define DP_SCALE ((int64_t) 1 << DP_SCALE_BITS)

/* Most coordinates one release may have. */
#define DP_MAX_DIMENSIONS 65

/* Most groups one individual may appear in, and the range of epsilon. */
#define DP_MAX_GROUPS 1000000
#define DP_MIN_EPSILON_NANO INT64_C(1)
#define DP_MAX_EPSILON_NANO INT64_C(1000000000000)	/* epsilon 1000 */

extern dp_status dp_noise_draw(dp_random *rng, int64_t epsilon_nano,
							   int64_t groups, int d, dp_int128 *z);
extern dp_status dp_gate_threshold(int64_t epsilon_nano, int64_t delta_atto, int64_t groups,
								   int64_t kept, int d, int64_t individuals,
								   int64_t weight, dp_int128 *tau);
extern double dp_noise_stddev(int64_t epsilon_nano, int64_t groups, int d);

#endif							/* DP_NOISE_H */
