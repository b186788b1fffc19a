/*
 * draw.h
 *		What leaves of a group: the gate, noise, and outputs.
 */
#ifndef DP_DRAW_H
#define DP_DRAW_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "executor/tuptable.h"

#include "mechanism/random.h"
#include "nodes/release/state.h"

extern void open_keys(ReleaseState *state, TupleDesc desc);
extern void begin_drawing(ReleaseState *state);
extern bool draw_row(ReleaseState *state, dp_random *rng, TupleTableSlot *row,
					 TupleTableSlot *out);

#endif							/* DP_DRAW_H */
