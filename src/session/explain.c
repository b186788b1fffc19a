/*
 * explain.c
 *		Refuses sessions that would print a plan, or anything else that depends on rows.
 *
 * An estimate (hooks/estimate.c) plans and starts a statement of an analyst, of which it shows what
 * does not depend on rows.  While it does, all others are refused as in an EXPLAIN: code of the
 * client's may run at plan time, and would release, and pay, while nobody expects it.  So an estimate
 * names the one statement that it is about to plan or start, and the hook takes that permission as the
 * first thing it does.
 */
#include "postgres.h"

#include "access/xact.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"

#include "core/refusals.h"
#include "session/explain.h"

/* How many EXPLAIN statements and estimates are being executed, one inside the other. */
static int	explain_depth = 0;

/* The statement that is estimated, before it is planned and before it is started. */
static const void *estimate_permitted = NULL;

/* An EXPLAIN or estimate begins; must be paired with explain_end(), also on error. */
void
explain_begin(void)
{
	explain_depth++;
}

/* The innermost EXPLAIN or estimate is over. */
void
explain_end(void)
{
	explain_depth--;
	estimate_permitted = NULL;
}

/* Is an EXPLAIN or estimate being executed? */
bool
explaining(void)
{
	return explain_depth > 0;
}

/*
 * Inside explain_begin(): this statement (a Query that is about to be planned, or a QueryDesc that is about to
 * be started) is estimated.
 */
void
explain_permit_estimate(const void *statement)
{
	estimate_permitted = statement;
}

/* Is this statement estimated?  What is planned or started next is not. */
bool
explain_is_estimate(const void *statement)
{
	bool		permitted = estimate_permitted == statement;

	if (permitted)
		estimate_permitted = NULL;
	return permitted;
}

/*
 * Raises ERRCODE_DP_QUERY_REFUSED in a session that would show an analyst more than
 * results: inside EXPLAIN, unless the statement is estimated, while plans or statistics of statements
 * are printed, and in a serializable transaction, whose predicate locks everybody can see.
 */
void
refuse_unsafe_session(bool estimated)
{
	if (explaining() && !estimated)
		refuse(REFUSE_EXPLAIN, NULL, -1);
	if (Debug_print_plan || log_planner_stats || log_executor_stats || log_statement_stats)
		refuse(REFUSE_DEBUG_PRINT, NULL, -1);
	if (IsolationIsSerializable())
		refuse(REFUSE_SERIALIZABLE, NULL, -1);
}
