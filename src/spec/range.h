/*
 * range.h
 *		Which numbers values of a type can be.
 */
#ifndef DP_RANGE_H
#define DP_RANGE_H

#include "postgres.h"

#include "spec/arg_type.h"

extern void range_of_type(SpecArgType type, int32 typmod, double *lowest, double *highest);
extern bool range_precision(SpecArgType type, int32 typmod, int *precision, int *scale);
extern bool range_has_value(SpecArgType type, int32 typmod, double lower, double upper);
extern double range_finest(SpecArgType type, double lower, double upper);
extern void range_check(SpecArgType type, int32 typmod, double lower, double upper);
extern void range_check_declared(SpecArgType type, int32 typmod, double lower, double upper,
								 const char *column);

#endif							/* DP_RANGE_H */
