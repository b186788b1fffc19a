/*
 * precision.h
 *		How sharp an output is, from the law of its noise.
 */
#ifndef DP_PRECISION_H
#define DP_PRECISION_H

#include "postgres.h"

#include "mechanism/average.h"
#include "mechanism/status.h"
#include "spec/spec.h"

extern bool has_standard_error(const SpecOutput *output);
extern double standard_error(const ReleaseSpec *spec, const ReleaseParams *params,
							 const SpecOutput *output, const dp_average_law *law,
							 const dp_int128 *noisy);
extern double typical_error(const ReleaseSpec *spec, const ReleaseParams *params,
							const SpecOutput *output, int64 individuals);

#endif							/* DP_PRECISION_H */
