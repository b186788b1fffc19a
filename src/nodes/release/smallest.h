/*
 * smallest.h
 *		How many individuals it takes for something to be released.
 */
#ifndef DP_SMALLEST_H
#define DP_SMALLEST_H

#include "postgres.h"

#include "nodes/release/state.h"
#include "spec/spec.h"

extern int64 smallest_of_output(ReleaseState *state, const SpecOutput *output);
extern int64 smallest_of_group(ReleaseState *state);
extern void settle_smallest(ReleaseState *state);

#endif							/* DP_SMALLEST_H */
