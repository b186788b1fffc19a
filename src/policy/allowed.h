/*
 * allowed.h
 *		What may stand below a release: functions, types, casts, collations.
 */
#ifndef DP_ALLOWED_H
#define DP_ALLOWED_H

#include "postgres.h"

typedef enum FunctionVerdict
{
	FUNCTION_REFUSED,
	FUNCTION_SAFE,				/* cannot fail for any input */
	FUNCTION_GUARDED,			/* may fail: goes through guarded() */
	FUNCTION_OF_SESSION			/* is computed before the release (query/session_values.c) */
} FunctionVerdict;

/*
 * The widest value that guarded() returns, or that is put into a row, in bytes, header
 * included: a row of as many columns as there may be (1664) stays below 1 GB.
 */
#define GUARDED_WIDEST (512 * 1024)

/* The longest result that lpad(), rpad() and repeat() may be asked for. */
#define LONGEST_PADDING 10000

extern FunctionVerdict function_verdict(Oid funcid);
extern bool function_is_sql(Oid funcid);
extern bool function_is_guarded(Oid funcid);
extern int	function_constant_argument(Oid funcid);
extern bool function_pads(Oid funcid);
extern bool function_formats(Oid funcid);
extern bool set_function_is_allowed(Oid funcid);
extern bool aggregate_is_allowed(Oid aggfnoid, bool *adds);
extern bool type_is_allowed(Oid type);
extern bool type_may_be_key(Oid type);
extern bool cast_is_to_same_text(Oid source, Oid target);
extern bool cast_is_allowed(Oid source, Oid target);
extern bool collation_is_allowed(Oid collation);

#endif							/* DP_ALLOWED_H */
