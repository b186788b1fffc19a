/*
 * units.h
 *		Privacy loss as integers: nano-epsilon (1e-9), atto-delta (1e-18) and pico-rho (1e-12).
 */
#ifndef DP_UNITS_H
#define DP_UNITS_H

#include <stdbool.h>
#include <stdint.h>

#include "mechanism/status.h"

#define DP_NANO INT64_C(1000000000)
#define DP_PICO INT64_C(1000000000000)
#define DP_ATTO INT64_C(1000000000000000000)

/* Bytes of the longest amount as text. */
#define DP_UNITS_TEXT 48

extern dp_status dp_epsilon_from_double(double epsilon, int64_t *nano);
extern dp_status dp_delta_from_double(double delta, int64_t *atto);
extern void dp_units_text(int64_t amount, int digits, char text[DP_UNITS_TEXT]);
extern dp_status dp_loss_add(int64_t a, int64_t b, int64_t *sum);
extern int64_t dp_loss_add_saturated(int64_t a, int64_t b);
extern int64_t dp_loss_share(int64_t amount, int64_t part, int64_t whole);
extern int64_t dp_loss_left(int64_t limit, int64_t spent);
extern bool dp_loss_fits(int64_t limit, int64_t spent, int64_t price);

#endif							/* DP_UNITS_H */
