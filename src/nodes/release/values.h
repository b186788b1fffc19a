/*
 * values.h
 *		Result values of outputs that are made of moments.
 */
#ifndef DP_VALUES_H
#define DP_VALUES_H

#include "postgres.h"

#include "mechanism/average.h"
#include "mechanism/status.h"
#include "spec/spec.h"

extern double *values_simulate(const ReleaseSpec *spec, const ReleaseParams *params);
extern Datum values_output(const ReleaseSpec *spec, const ReleaseParams *params,
						   const SpecOutput *output, const dp_int128 *noisy,
						   const dp_average_law *law, const double *noise, bool *isnull);
extern double values_standard_error(const ReleaseSpec *spec, const ReleaseParams *params,
									const SpecOutput *output, const dp_average_law *law,
									const dp_int128 *noisy);

#endif							/* DP_VALUES_H */
