/*
 * uses.c
 *		The list of what may stand below a release, for SQL: the functions behind the
 *		view dp_agg.language.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "policy/allowed.h"

PG_FUNCTION_INFO_V1(dp_function_use);
PG_FUNCTION_INFO_V1(dp_cast_use);
PG_FUNCTION_INFO_V1(dp_type_use);
PG_FUNCTION_INFO_V1(dp_key_use);
PG_FUNCTION_INFO_V1(dp_aggregate_use);

/*
 * function_use(regproc) returns text
 *
 * 'as is', 'guarded' (NULL where it would fail), 'once' (a value of the session, computed before
 * the release), or NULL for a function that may not stand below a release.
 */
PGDLLEXPORT Datum
dp_function_use(PG_FUNCTION_ARGS)
{
	switch (function_verdict(PG_GETARG_OID(0)))
	{
		case FUNCTION_SAFE:
			PG_RETURN_TEXT_P(cstring_to_text("as is"));
		case FUNCTION_GUARDED:
			PG_RETURN_TEXT_P(cstring_to_text("guarded"));
		case FUNCTION_OF_SESSION:
			PG_RETURN_TEXT_P(cstring_to_text("once"));
		default:
			PG_RETURN_NULL();
	}
}

/*
 * cast_use(source regtype, target regtype) returns text
 *
 * 'guarded' (NULL where it would fail), or NULL for a cast that may not stand below a release.
 */
PGDLLEXPORT Datum
dp_cast_use(PG_FUNCTION_ARGS)
{
	if (!cast_is_allowed(PG_GETARG_OID(0), PG_GETARG_OID(1)))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text("guarded"));
}

/* type_use(regtype) returns text: 'as is' or NULL. */
PGDLLEXPORT Datum
dp_type_use(PG_FUNCTION_ARGS)
{
	if (!type_is_allowed(PG_GETARG_OID(0)))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text("as is"));
}

/* key_use(regtype) returns text: 'as is' for a type that may be a group key and the unit, or NULL. */
PGDLLEXPORT Datum
dp_key_use(PG_FUNCTION_ARGS)
{
	if (!type_may_be_key(PG_GETARG_OID(0)))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text("as is"));
}

/*
 * aggregate_use(regproc) returns text: 'as is' for a standard aggregate that may
 * stand in a sub-select that is grouped by the unit, else NULL.
 */
PGDLLEXPORT Datum
dp_aggregate_use(PG_FUNCTION_ARGS)
{
	bool		adds;

	if (!aggregate_is_allowed(PG_GETARG_OID(0), &adds))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text("as is"));
}
