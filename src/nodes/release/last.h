/*
 * last.h
 *		What last_release() shows.
 */
#ifndef DP_LAST_H
#define DP_LAST_H

#include "postgres.h"

#include "mechanism/average.h"
#include "mechanism/status.h"
#include "nodes/release/state.h"
#include "spec/spec.h"

extern struct LastRelease *last_begin(ReleaseState *state);
extern void last_group(struct LastRelease *release, const ReleaseSpec *spec,
					   const ReleaseParams *params, const dp_average_law *law,
					   const dp_int128 *noisy);
extern void last_end(struct LastRelease *release);

#endif							/* DP_LAST_H */
