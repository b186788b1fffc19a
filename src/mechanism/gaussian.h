/*
 * gaussian.h
 *		The discrete Gaussian.
 */
#ifndef DP_GAUSSIAN_H
#define DP_GAUSSIAN_H

#include "mechanism/random.h"

/* Largest sigma, and the units of it below one: sigma is stated in 1/DP_GAUSSIAN_PARTS. */
#define DP_GAUSSIAN_PARTS 1024
#define DP_GAUSSIAN_MAX_SIGMA ((int64_t) 1 << 49)

extern dp_status dp_gaussian_draw(dp_random *rng, int64_t sigma, dp_int128 *z);
extern dp_status dp_gaussian_draw_parts(dp_random *rng, int64_t parts, dp_int128 *z);

#endif							/* DP_GAUSSIAN_H */
