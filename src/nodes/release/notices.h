/*
 * notices.h
 *		What a release tells beside its rows.
 */
#ifndef DP_NOTICES_H
#define DP_NOTICES_H

#include "postgres.h"

#include "nodes/release/state.h"

extern void raise_notices(ReleaseState *state);

#endif							/* DP_NOTICES_H */
