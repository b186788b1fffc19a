/*
 * explain.c
 *		Sessions in which a plan, or what depends on rows, would be printed.
 */
#include "postgres.h"

#include "access/xact.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"

#include "core/refusals.h"
#include "session/explain.h"

/* How many EXPLAIN statements are being executed, one inside the other. */
static int	explain_depth = 0;

void
explain_begin(void)
{
	explain_depth++;
}

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
 * Refuses what would show an analyst more than its results: EXPLAIN, printed
 * plans, predicate locks.
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
