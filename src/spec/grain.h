/*
 * grain.h
 *		Ends of conditions on time, rounded outwards to the grain of their column.
 */
#ifndef DP_GRAIN_H
#define DP_GRAIN_H

#include "postgres.h"

#include "datatype/timestamp.h"

extern bool grain_is_valid(const Interval *grain);
extern double grain_longest(const Interval *grain);
extern bool grain_needs_days(const Interval *grain);

#endif							/* DP_GRAIN_H */
