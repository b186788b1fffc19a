/*
 * errors.c
 *		Which errors may be about the values of rows, and which are about forged bytes.
 */
#include "postgres.h"

#include "core/errors.h"

/*
 * May an error with this SQLSTATE depend on the values of rows?  All may, except
 * those that come from outside: cancel and shutdown, lack of resources, errors of
 * the operating system, rollbacks.
 */
bool
error_is_about_values(int sqlerrcode)
{
	switch (ERRCODE_TO_CATEGORY(sqlerrcode))
	{
		case ERRCODE_CONNECTION_EXCEPTION:
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_SYSTEM_ERROR:
		case ERRCODE_TRANSACTION_ROLLBACK:
			return false;
		default:
			return true;
	}
}

/*
 * Raises an internal error (elog): bytes of a "what" are not as we write them.  A
 * description or a state can be forged, since SQL can call the internal aggregates
 * with any bytes; a plan cannot, and is wrong by a mistake of ours alone.
 */
void
malformed(const char *what)
{
	elog(ERROR, "malformed %s", what);
}
