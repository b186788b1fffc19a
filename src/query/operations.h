/*
 * operations.h
 *		Which built-in functions do arithmetic that intervals are known of.
 */
#ifndef DP_OPERATIONS_H
#define DP_OPERATIONS_H

#include "postgres.h"

#include "query/ranges.h"

/* What aggregates of one argument do whose intervals are known. */
typedef enum RangeAggregate
{
	RANGE_AGGREGATE_UNKNOWN,
	RANGE_AGGREGATE_EXTREME,
	RANGE_AGGREGATE_AVERAGE,
	RANGE_AGGREGATE_SUM
} RangeAggregate;

extern RangeAggregate aggregate_of(Oid funcid);
extern RangeOperation operation_of(Oid funcid);
extern RangeOperation operation_as_of_numbers(Oid funcid);

#endif							/* DP_OPERATIONS_H */
