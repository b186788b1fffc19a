/*
 * explain.c
 *		Refuses sessions that would print a plan, or anything else that depends on rows.
 */
#include "postgres.h"

#include "access/xact.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"

#include "core/refusals.h"
#include "session/explain.h"

/* How many EXPLAIN statements are being executed, one inside the other. */
static int	explain_depth = 0;

/* An EXPLAIN begins; must be paired with explain_end(), also on error. */
void
explain_begin(void)
{
	explain_depth++;
}

/* The innermost EXPLAIN is over. */
void
explain_end(void)
{
	explain_depth--;
}

/* Is an EXPLAIN being executed? */
bool
explaining(void)
{
	return explain_depth > 0;
}

/*
 * Raises ERRCODE_DP_QUERY_REFUSED in a session that would show an analyst more than
 * results: inside EXPLAIN, while plans or statistics of statements are printed, and
 * in a serializable transaction, whose predicate locks everybody can see.
 */
void
refuse_unsafe_session(void)
{
	if (explaining())
		refuse(REFUSE_EXPLAIN, NULL, -1);
	if (Debug_print_plan || log_planner_stats || log_executor_stats || log_statement_stats)
		refuse(REFUSE_DEBUG_PRINT, NULL, -1);
	if (IsolationIsSerializable())
		refuse(REFUSE_SERIALIZABLE, NULL, -1);
}
