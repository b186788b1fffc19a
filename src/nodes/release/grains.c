/*
 * grains.c
 *		Which conditions on time a release has rounded.
 *
 * query/grains.c puts dp_agg.grain_end() around what a column with a grain is compared with.  The calls
 * are found in the finished plan (recheck.c), and have their values when the release starts, by the
 * moment and the parameters that it runs with: no row decides them.  Who asks is told those that
 * are others than what was asked for.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "fmgr.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "core/compat.h"
#include "nodes/release/grains.h"
#include "nodes/release/state.h"
#include "policy/extension.h"

/* Is the expression a call of dp_agg.grain_end() or grain_end_zoned()? */
bool
is_grain_call(Node *node)
{
	DpFunction	ours = IsA(node, FuncExpr) ? extension_function(((FuncExpr *) node)->funcid) : DP_FUNC_NONE;

	return ours == DP_FUNC_GRAIN_END || ours == DP_FUNC_GRAIN_END_ZONED;
}

/* The value of an expression that reads no row, as text; NULL of NULL. */
static char *
value_as_text(Expr *expr, ReleaseState *state)
{
	bool		isnull;
	Datum		value = ExecEvalExprSwitchContext(ExecInitExpr(expr, &state->css.ss.ps),
												  state->css.ss.ps.ps_ExprContext, &isnull);
	Oid			output;
	bool		varlena;

	if (isnull)
		return NULL;
	getTypeOutputInfo(exprType((Node *) expr), &output, &varlena);
	return OidOutputFunctionCall(output, value);
}

/* What the condition of a call became, as "visits.at >= 2026-01-01"; NULL if it is what was asked for. */
static char *
rounded_condition(FuncExpr *call, ReleaseState *state)
{
	char	   *asked = value_as_text(linitial(call->args), state);
	char	   *became = value_as_text((Expr *) call, state);

	if (asked == NULL || became == NULL || strcmp(asked, became) == 0)
		return NULL;
	return psprintf("%s %s %s", value_as_text(lfourth(call->args), state),
					value_as_text(lthird(call->args), state), became);
}

/* For list_sort(): by their bytes, since the order of conditions in a plan is the planner's. */
static int
compare_texts(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

/* Adds a text to a list, unless it is there. */
static List *
add_text(List *texts, char *text)
{
	ListCell   *lc;

	foreach(lc, texts)
	{
		if (strcmp(lfirst(lc), text) == 0)
			return texts;
	}
	return lappend(texts, text);
}

/* Computes which conditions releases (release nodes, started) have rounded, and to what. */
void
settle_grains(List *releases)
{
	ListCell   *lr;
	ListCell   *lc;

	foreach(lr, releases)
	{
		ReleaseState *state = release_state(lfirst(lr));
		MemoryContext old = MemoryContextSwitchTo(state->css.ss.ps.state->es_query_cxt);

		foreach(lc, state->grain_calls)
		{
			char	   *text = rounded_condition(lfirst(lc), state);

			if (text != NULL)
				state->grains = add_text(state->grains, text);
		}
		list_sort(state->grains, compare_texts);
		MemoryContextSwitchTo(old);
		ResetExprContext(state->css.ss.ps.ps_ExprContext);
	}
}

/* Tells what conditions became, once for a statement. */
void
tell_grains(List *releases)
{
	List	   *texts = NIL;
	StringInfoData list;
	ListCell   *lr;
	ListCell   *lc;

	foreach(lr, releases)
	{
		foreach(lc, release_state(lfirst(lr))->grains)
			texts = add_text(texts, lfirst(lc));
	}
	if (texts == NIL)
		return;
	initStringInfo(&list);
	foreach(lc, texts)
		appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "", (char *) lfirst(lc));
	ereport(NOTICE,
			(errmsg("conditions on time were rounded to the grain of their columns: %s", list.data),
			 errdetail("They hold for at least what was asked for. The same question has the same conditions until the next grain begins.")));
}
