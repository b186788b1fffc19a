/*
 * concentrated.h
 *		Zero-concentrated differential privacy: rho as an integer, and what it means.
 */
#ifndef DP_CONCENTRATED_H
#define DP_CONCENTRATED_H

#include <stdint.h>

#include "accounting/units.h"
#include "mechanism/status.h"

/* Largest rho that is converted. */
#define DP_MAX_RHO_PICO (INT64_C(1000000) * DP_PICO)

extern dp_status dp_rho_of_epsilon(int64_t epsilon_nano, int64_t *rho_pico);
extern dp_status dp_rho_to_epsilon(int64_t rho_pico, int64_t delta_atto, int64_t *epsilon_nano);
extern dp_status dp_rho_within(int64_t epsilon_nano, int64_t delta_atto, int64_t *rho_pico);
extern int64_t dp_rho_conversion_delta(int64_t delta_limit);
extern int64_t dp_epsilon_of_rho(int64_t rho_pico);

#endif							/* DP_CONCENTRATED_H */
