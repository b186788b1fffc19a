/*
 * parts.h
 *		Selections and histograms: the parts of a release beside its vector.
 */
#ifndef DP_PARTS_H
#define DP_PARTS_H

#include "postgres.h"

#include "mechanism/random.h"
#include "nodes/release/parts_state.h"
#include "spec/spec.h"

extern PartsState *parts_begin(const ReleaseSpec *spec, const ReleaseParams *params);
extern int64 parts_smallest_group(PartsState *state, int part);
extern int64 parts_rank_error(PartsState *state, int part, double alpha);
extern bool parts_draw(PartsState *state, dp_random *rng, const Datum *sketches,
					   const bool *isnull);

#endif							/* DP_PARTS_H */
