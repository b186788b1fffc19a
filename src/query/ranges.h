/*
 * ranges.h
 *		Intervals of numbers, and what operations make of them.
 */
#ifndef DP_RANGES_H
#define DP_RANGES_H

#include "postgres.h"

/*
 * The numbers from lower to upper, infinite where nothing is known; lower > upper: none at all, as
 * of NULL.  step: values are multiples of it, so none but 0 is nearer to 0; 0 where that is not
 * known.
 */
typedef struct Range
{
	double		lower;
	double		upper;
	double		step;
} Range;

/* What functions do whose intervals are known.  operations.c says which do. */
typedef enum RangeOperation
{
	RANGE_UNKNOWN,
	/* of one number */
	RANGE_SAME,
	RANGE_NEGATE,
	RANGE_ABS,
	RANGE_ROUND,				/* to the nearest whole number */
	RANGE_LN,
	RANGE_LOG10,
	RANGE_SIGN,					/* from here to the mark they rise with their argument */
	RANGE_FLOOR,
	RANGE_CEIL,
	RANGE_TRUNC,
	RANGE_TO_FLOAT4,
	RANGE_SQRT,
	RANGE_CBRT,
	RANGE_EXP,
	RANGE_ATAN,
	RANGE_SINH,
	RANGE_TANH,
	RANGE_DEGREES,
	RANGE_RADIANS,				/* here */
	/* of one number or two, with bounds whatever these are */
	RANGE_WAVE,
	RANGE_ARCSINE,
	RANGE_ARCCOSINE,
	RANGE_ARCTANGENT,
	RANGE_ARCSINE_DEGREES,
	RANGE_ARCCOSINE_DEGREES,
	RANGE_ARCTANGENT_DEGREES,
	/* of two numbers */
	RANGE_ADD,
	RANGE_SUBTRACT,
	RANGE_MULTIPLY,
	RANGE_DIVIDE,
	RANGE_DIVIDE_WHOLE,			/* without a fraction */
	RANGE_MODULO,
	RANGE_POWER,
	RANGE_LOG,
	RANGE_DECIMALS				/* round() or trunc() to so many decimals */
} RangeOperation;

extern Range range_everything(void);
extern Range range_nothing(void);
extern bool range_is_nothing(Range a);
extern bool range_is_point(Range a);
extern Range range_around(Range a, Range b);
extern Range range_within(Range a, Range b);
extern Range range_scaled(Range a, double factor, double offset);
extern Range range_of_operation(RangeOperation operation, const Range *args, int nargs);

#endif							/* DP_RANGES_H */
