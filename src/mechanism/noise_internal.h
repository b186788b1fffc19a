/*
 * noise_internal.h
 *		Steps of the noise and the gate, for the mechanisms and their unit tests.
 *
 * Nothing outside mechanism/ and the unit tests includes this.
 */
#ifndef DP_NOISE_INTERNAL_H
#define DP_NOISE_INTERNAL_H

#include "mechanism/random.h"

extern dp_status dp_noise_draw_rate(dp_random *rng, dp_uint128 p, dp_uint128 q,
									int d, dp_int128 *z);
extern double dp_noise_log_tail(int d, double s);
extern double dp_gate_group_delta(int64_t delta_atto, int64_t groups);
extern dp_int128 dp_gate_offset(double rate, double delta, int d);
extern dp_int128 dp_sum_offset(double rate, double target, int m);

#endif							/* DP_NOISE_INTERNAL_H */
