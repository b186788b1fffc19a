/*
 * advice.h
 *		What would make the outputs of a release sharper.
 */
#ifndef DP_ADVICE_H
#define DP_ADVICE_H

#include "postgres.h"

#include "nodes/release/state.h"
#include "spec/spec.h"

extern char *advice_about_release(const ReleaseState *state, int64 individuals);
extern char *advice_about_output(const ReleaseState *state, const SpecOutput *output,
								 int64 individuals);

#endif							/* DP_ADVICE_H */
