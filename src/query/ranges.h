/*
 * ranges.h
 *		Intervals of numbers, and what functions make of them.
 */
#ifndef DP_RANGES_H
#define DP_RANGES_H

#include "postgres.h"

/*
 * The numbers from lower to upper, infinite where nothing is known.  step: values are multiples of
 * it, so none but 0 is nearer to 0; 0 where that is not known.
 */
typedef struct Range
{
	double		lower;
	double		upper;
	double		step;
} Range;

extern Range range_everything(void);
extern bool range_is_point(Range a);
extern Range range_around(Range a, Range b);
extern Range range_within(Range a, Range b);
extern Range range_scaled(Range a, double factor, double offset);
extern Range range_of_call(const char *name, const Range *args, int nargs, bool integer);

#endif							/* DP_RANGES_H */
