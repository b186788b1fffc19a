/*
 * parts_order.h
 *		Released values in an order.
 */
#ifndef DP_PARTS_ORDER_H
#define DP_PARTS_ORDER_H

#include "postgres.h"

#include "nodes/release/parts_state.h"
#include "spec/spec.h"

extern void open_orders(PartsState *state);
extern Datum first_value(const PartsState *state, const SpecOutput *output);
extern Datum ordered_array(const PartsState *state, const SpecOutput *output);

#endif							/* DP_PARTS_ORDER_H */
