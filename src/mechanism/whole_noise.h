/*
 * whole_noise.h
 *		The noise of vectors of counts: whole numbers of individuals.
 */
#ifndef DP_WHOLE_NOISE_H
#define DP_WHOLE_NOISE_H

#include <stdbool.h>

#include "mechanism/random.h"

/* Most coordinates of such a vector. */
#define DP_WHOLE_MAX_DIMENSIONS 4

/*
 * Least epsilon for a group, nano-epsilon.  Below it the noise is so wide that whole numbers
 * are as good as any.
 */
#define DP_WHOLE_MIN_NANO INT64_C(62500000)

extern bool dp_whole_suits(int64_t epsilon_nano, int64_t groups, int d);
extern dp_status dp_whole_draw(dp_random *rng, int64_t epsilon_nano, int64_t groups,
							   int d, dp_int128 *z);
extern dp_status dp_whole_gate_threshold(int64_t epsilon_nano, int64_t delta_atto,
										 int64_t groups, int d, int64_t individuals,
										 dp_int128 *tau);
extern double dp_whole_stddev(int64_t epsilon_nano, int64_t groups, int d);
extern void dp_whole_simulate(int64_t epsilon_nano, int64_t groups, int d,
							  double (*uniform) (void *context), void *context,
							  double *noise);

#endif							/* DP_WHOLE_NOISE_H */
