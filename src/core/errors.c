/*
 * errors.c
 *		Which errors may be about the values of rows, and which are about forged bytes.
 */
#include "postgres.h"

#include "core/errors.h"

/*
 * May the error depend on values?  All may but those of the world outside:
 * cancel and shutdown, lack of resources, system errors, rollbacks.
 */
bool
error_is_about_values(int sqlerrcode)
{
	switch (ERRCODE_TO_CATEGORY(sqlerrcode))
	{
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
 * Bytes that are not what they should be: of a description or a state, which SQL can hand to
 * the internal aggregates, or of a plan (elog).
 */
void
malformed(const char *what)
{
	elog(ERROR, "malformed %s", what);
}
