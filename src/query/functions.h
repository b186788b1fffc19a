/*
 * functions.h
 *		The functions that may stand below a release.
 */
#ifndef DP_FUNCTIONS_H
#define DP_FUNCTIONS_H

#include "postgres.h"

typedef enum FunctionVerdict
{
	FUNCTION_REFUSED,
	FUNCTION_SAFE,				/* cannot fail for any input */
	FUNCTION_WRAPPED			/* may fail: goes through total() */
} FunctionVerdict;

/*
 * The widest value that total() returns, in bytes, header included: a row of as
 * many columns as there may be (1664) stays below 1 GB.
 */
#define TOTAL_WIDEST (512 * 1024)

extern FunctionVerdict function_verdict(Oid funcid);
extern bool function_is_total_wrapped(Oid funcid);
extern bool aggregate_is_allowed(Oid aggfnoid, bool *needs_tame);

#endif							/* DP_FUNCTIONS_H */
