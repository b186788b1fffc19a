/*
 * sketch_open.h
 *		Checks states of sketches that were not made here.
 */
#ifndef DP_SKETCH_OPEN_H
#define DP_SKETCH_OPEN_H

#include "postgres.h"

#include "aggregate/sketch_state.h"

extern SketchState *sketch_open(Datum datum);

#endif							/* DP_SKETCH_OPEN_H */
