/*
 * parts_output.h
 *		Result values of outputs that the parts of a release make.
 */
#ifndef DP_PARTS_OUTPUT_H
#define DP_PARTS_OUTPUT_H

#include "postgres.h"

#include "nodes/release/parts_state.h"
#include "spec/spec.h"

extern Datum parts_output(PartsState *state, const SpecOutput *output, bool *isnull);

#endif							/* DP_PARTS_OUTPUT_H */
