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
extern int64 last_measured(const struct LastRelease *release);
extern void last_read_error(const struct LastRelease *release, int output, double *squares, bool *gaussian);
extern void last_write_error(struct LastRelease *release, int output, double squares, bool gaussian);
extern void last_reuse(struct LastRelease *release, int64 groups, int64 measured);

#endif							/* DP_LAST_H */
