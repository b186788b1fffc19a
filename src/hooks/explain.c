/*
 * explain.c
 *		EXPLAIN of an analyst's statement: an estimate in the place of a plan.
 *
 * Plans tell about the rows.  What an analyst wants to know of a release is what it costs and how sharp it
 * is, so EXPLAIN without ANALYZE shows that, in any format.  EXPLAIN ANALYZE and EXPLAIN EXECUTE
 * do without this hook or as if it were not there, and are refused as before (session/explain.c).
 */
#include "postgres.h"

#include <math.h>

#include "commands/explain.h"
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#endif
#include "executor/instrument.h"
#include "portability/instr_time.h"
#include "tcop/tcopprot.h"

#include "core/compat.h"
#include "hooks/estimate.h"
#include "hooks/hooks.h"
#include "hooks/planner.h"

static ExplainOneQuery_hook_type prev_explain = NULL;

/* Digits after the point that an amount in units of 10^-digits has. */
static int
digits_of(int64 amount, int digits)
{
	while (digits > 0 && amount % 10 == 0)
	{
		amount /= 10;
		digits--;
	}
	return digits;
}

/* Most of what a double can tell from its neighbours in all its digits. */
#define EXACT_IN_DOUBLE INT64CONST(1000000000000000)

/* Shows an amount in units of 10^-digits, if there is one; of large ones 15 digits, rounded down. */
static void
show_amount(const char *label, int64 amount, int digits, ExplainState *es)
{
	if (amount < 0)
		return;
	while (amount >= EXACT_IN_DOUBLE && digits > 0)
	{
		amount /= 10;
		digits--;
	}
	ExplainPropertyFloat(label, NULL, (double) amount * pow(10, -digits),
						 digits_of(amount, digits), es);
}

/* Shows an error with three digits or more, if there is one. */
static void
show_error(const char *label, double error, ExplainState *es)
{
	if (isfinite(error))
		ExplainPropertyFloat(label, NULL, error,
							 error > 0 ? Max(0, 2 - (int) floor(log10(error))) : 0, es);
}

static void
show_number(const char *label, int64 number, ExplainState *es)
{
	if (number >= 0)
		ExplainPropertyInteger(label, NULL, number, es);
}

static void
show_text(const char *label, const char *text, ExplainState *es)
{
	if (text != NULL)
		ExplainPropertyText(label, text, es);
}

/* Shows what a line of an estimate says. */
static void
show_properties(const EstimateLine *line, ExplainState *es)
{
	show_text("Population", line->item == ESTIMATE_OUTPUT ? NULL : line->population, es);
	show_text("Grouping Set", line->item == ESTIMATE_OUTPUT ? NULL : line->grouping_set, es);
	show_amount("Epsilon", line->epsilon_nano, 9, es);
	show_amount("Delta", line->delta_atto, 18, es);
	show_amount("Epsilon Left", line->epsilon_left, 9, es);
	show_amount("Delta Left", line->delta_left, 18, es);
	show_error("Standard Error", line->standard_error, es);
	show_number("Rank Error", line->rank_error, es);
	show_number("Smallest Group", line->smallest_group, es);
	if (line->gaussian >= 0)
		ExplainPropertyBool("Gaussian", line->gaussian > 0, es);
	show_text("Limits", line->limits, es);
	show_text("Bounds", line->bounds, es);
	show_text("Advice", line->advice, es);
}

/* Shows a line of an estimate: as text, its name stands above what it says. */
static void
show_line(const EstimateLine *line, ExplainState *es)
{
	static const char *const labels[] = {
		[ESTIMATE_STATEMENT] = "Statement",[ESTIMATE_ACCOUNT] = "Account",
		[ESTIMATE_RELEASE] = "Release",[ESTIMATE_OUTPUT] = "Output"
	};
	int			depth = line->item == ESTIMATE_OUTPUT ? 1 : 0;

	ExplainOpenGroup("Line", NULL, true, es);
	if (es->format == EXPLAIN_FORMAT_TEXT)
	{
		es->indent += depth;
		ExplainPropertyText(labels[line->item], line->name != NULL ? line->name : "", es);
		es->indent++;
	}
	else
	{
		ExplainPropertyText("Item", estimate_item_name(line->item), es);
		show_text("Name", line->name, es);
		show_number("Release", line->release, es);
	}
	show_properties(line, es);
	if (es->format == EXPLAIN_FORMAT_TEXT)
		es->indent -= depth + 1;
	ExplainCloseGroup("Line", NULL, true, es);
}

/* Shows an estimate. */
static void
show_estimate(List *lines, ExplainState *es)
{
	ListCell   *lc;

	ExplainOpenGroup("Query", NULL, true, es);
	ExplainOpenGroup("Estimate", "Estimate", false, es);
	foreach(lc, lines)
		show_line(lfirst(lc), es);
	ExplainCloseGroup("Estimate", "Estimate", false, es);
	ExplainPropertyInteger("Individuals", NULL, ESTIMATE_INDIVIDUALS, es);
	ExplainCloseGroup("Query", NULL, true, es);
}

#if PG_VERSION_NUM < 170000
/* What EXPLAIN does where no hook is installed, which it does not export before 17. */
static void
standard_ExplainOneQuery(Query *query, int cursorOptions, IntoClause *into, ExplainState *es,
						 const char *queryString, ParamListInfo params, QueryEnvironment *queryEnv)
{
	BufferUsage used = pgBufferUsage;
	instr_time	begin;
	instr_time	duration;
	PlannedStmt *plan;

	INSTR_TIME_SET_CURRENT(begin);
	plan = DP_PLAN_QUERY(query, queryString, cursorOptions, params, es);
	INSTR_TIME_SET_CURRENT(duration);
	INSTR_TIME_SUBTRACT(duration, begin);
	if (es->buffers)
	{
		BufferUsage before = used;

		memset(&used, 0, sizeof(used));
		BufferUsageAccumDiff(&used, &pgBufferUsage, &before);
	}
	ExplainOnePlan(plan, into, es, queryString, params, queryEnv, &duration,
				   es->buffers ? &used : NULL);
}
#endif

/* Is the statement to be estimated?  Values of its parameters have to be known. */
static bool
is_estimated(Query *query, const ExplainState *es, ParamListInfo params)
{
	return !es->analyze && !DP_EXPLAIN_IS_GENERIC(es) && planner_asks_as_analyst(query, params);
}

/* ExplainOneQuery_hook */
static void
explain_estimate(Query *query, int cursorOptions, IntoClause *into, ExplainState *es,
				 const char *queryString, ParamListInfo params, QueryEnvironment *queryEnv)
{
	if (is_estimated(query, es, params))
		show_estimate(estimate_statement(query, cursorOptions, queryString, params, queryEnv,
										 ESTIMATE_INDIVIDUALS), es);
	else if (prev_explain)
		prev_explain(query, cursorOptions, into, es, queryString, params, queryEnv);
	else
		standard_ExplainOneQuery(query, cursorOptions, into, es, queryString, params, queryEnv);
}

/* Installs the hook; called once from _PG_init. */
void
explain_hook_init(void)
{
	prev_explain = ExplainOneQuery_hook;
	ExplainOneQuery_hook = explain_estimate;
}
