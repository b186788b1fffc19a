/*
 * run.h
 *		The one run of a release's child.
 */
#ifndef DP_RUN_H
#define DP_RUN_H

#include "postgres.h"

#include "nodes/release/state.h"

extern void release_run(ReleaseState *state);
extern void release_hand_out(ReleaseState *state);

#endif							/* DP_RUN_H */
