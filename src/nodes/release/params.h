/*
 * params.h
 *		The parameters of a release, read when it is paid for and once more when it runs.
 */
#ifndef DP_RELEASE_PARAMS_H
#define DP_RELEASE_PARAMS_H

#include "postgres.h"

#include "nodes/execnodes.h"

#include "nodes/release/state.h"
#include "spec/spec.h"

extern void read_params(ReleaseState *state, EState *estate, ReleaseParams *params);
extern void check_params_unchanged(ReleaseState *state, EState *estate);

#endif							/* DP_RELEASE_PARAMS_H */
