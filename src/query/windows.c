/*
 * windows.c
 *		Window functions over the rows of one individual.
 *
 * In a sub-select below a release,
 *
 *		lag(day) OVER (PARTITION BY patient ORDER BY day)
 *
 * is a function of one individual's rows if each partition has rows of one individual only, and
 * if it does not depend on the order in which these are met: below a sort that depends on
 * everybody's rows.  So
 *
 * - PARTITION BY names the unit, or what names a row of one individual, as GROUP BY does in a sub-select that is one per individual;
 * - functions that look at single rows (row_number, lag, first_value, frames of ROWS) get a complete
 *   order: after the one that is written, by all columns that the query uses, or by the keys
 *   if it groups.  Rows that are still equal are the same to it;
 * - functions that look at peers only (rank, sums up to the current value) keep theirs: which
 *   rows are peers does not depend on it.  Sums are those of orderless.c;
 * - nothing fails for a row: frames by distance (RANGE n PRECEDING) may, and are refused, and numbers of
 *   rows are constants.
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "parser/parse_clause.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "core/refusals.h"
#include "policy/allowed.h"
#include "policy/extension.h"
#include "query/calls.h"
#include "query/checks.h"
#include "query/equalities.h"
#include "query/level.h"
#include "query/links.h"
#include "query/orderless.h"
#include "query/params.h"
#include "query/refuse.h"
#include "query/units.h"
#include "query/windows.h"
#include "spec/canonical.h"

#define FRAME_OFFSETS (FRAMEOPTION_START_OFFSET | FRAMEOPTION_END_OFFSET)

/* What the value of a window function depends on, beside the rows of its partition. */
typedef enum WindowOrder
{
	WINDOW_REFUSED,
	WINDOW_PEERS,				/* on which rows are peers */
	WINDOW_ROWS					/* on the order of single rows */
} WindowOrder;

typedef struct WindowsContext
{
	RewriteContext *rewrite;
	Query	   *query;
	List	   *ties;			/* SortGroupClauses that complete an order, once made */
	List	   *written;		/* window clauses that have a complete copy ... */
	List	   *complete;		/* ... and these */
} WindowsContext;

/* ----------
 * What is written
 * ----------
 */

/* Is the number of rows of a frame, or NULL, a constant that cannot fail? */
static bool
offset_is_harmless(Node *offset)
{
	return offset == NULL ||
		(IsA(offset, Const) && !((Const *) offset)->constisnull &&
		 ((Const *) offset)->consttype == INT8OID &&
		 DatumGetInt64(((Const *) offset)->constvalue) >= 0 &&
		 DatumGetInt64(((Const *) offset)->constvalue) <= PG_INT32_MAX);
}

/* Refuses (ERRCODE_DP_QUERY_REFUSED) a window that is not about one individual, or may fail. */
static void
check_window(WindowsContext *context, WindowClause *window, Level *level, Individuals *individuals)
{
	RewriteContext *rewrite = context->rewrite;
	Query	   *query = context->query;
	List	   *exprs = clause_expressions(window->partitionClause, query->targetList);
	bool		of_one = name_one_row(rewrite, level, individuals, exprs);
	ListCell   *lc;

	foreach(lc, individuals->units)
		of_one = of_one || unit_is_among(lfirst(lc), exprs);
	window->startOffset = eval_const_expressions(rewrite->root, window->startOffset);
	window->endOffset = eval_const_expressions(rewrite->root, window->endOffset);
	if (!of_one || (window->frameOptions & FRAMEOPTION_EXCLUSION) != 0 ||
		((window->frameOptions & FRAMEOPTION_RANGE) != 0 &&
		 (window->frameOptions & FRAME_OFFSETS) != 0) ||
		(!offset_is_harmless(window->startOffset) && !await_value(rewrite, window->startOffset)) ||
		(!offset_is_harmless(window->endOffset) && !await_value(rewrite, window->endOffset)))
		refuse_query(REFUSE_WINDOW_BELOW, rewrite, query);
	check_clauses(rewrite, window->partitionClause, query->targetList);
	check_clauses(rewrite, window->orderClause, query->targetList);
	foreach(lc, list_concat_copy(window->partitionClause, window->orderClause))
	{
		SortGroupClause *clause = lfirst(lc);

		check_operator(rewrite, clause->eqop, get_sortgroupclause_expr(clause, query->targetList));
		check_operator(rewrite, clause->sortop, get_sortgroupclause_expr(clause, query->targetList));
	}
}

/*
 * first_value(), last_value() and nth_value(): in a frame of rows, or in one that more of an order
 * does not change.
 */
static WindowOrder
order_of_frame(const WindowClause *window, bool first)
{
	int			options = window->frameOptions;
	bool		from_start = (options & FRAMEOPTION_START_UNBOUNDED_PRECEDING) != 0;

	if ((options & FRAMEOPTION_ROWS) != 0 ||
		(from_start && (options & FRAMEOPTION_END_UNBOUNDED_FOLLOWING) != 0) ||
		(from_start && first && (options & FRAME_OFFSETS) == 0))
		return WINDOW_ROWS;
	return WINDOW_REFUSED;
}

/* What the function depends on in that window. */
static WindowOrder
order_of(const WindowFunc *function, const WindowClause *window)
{
	bool		adds;

	if (function->winagg)
	{
		if (!aggregate_is_allowed(function->winfnoid, &adds))
			return WINDOW_REFUSED;
		return (window->frameOptions & FRAMEOPTION_ROWS) != 0 ? WINDOW_ROWS : WINDOW_PEERS;
	}
	switch (function->winfnoid)
	{
		case F_RANK_:
		case F_DENSE_RANK_:
		case F_PERCENT_RANK_:
		case F_CUME_DIST_:
			return WINDOW_PEERS;
		case F_ROW_NUMBER:
		case F_NTILE:
		case F_LAG_ANYELEMENT:
		case F_LAG_ANYELEMENT_INT4:
		case F_LAG_ANYCOMPATIBLE_INT4_ANYCOMPATIBLE:
		case F_LEAD_ANYELEMENT:
		case F_LEAD_ANYELEMENT_INT4:
		case F_LEAD_ANYCOMPATIBLE_INT4_ANYCOMPATIBLE:
			return WINDOW_ROWS;
		case F_FIRST_VALUE:
			return order_of_frame(window, true);
		case F_LAST_VALUE:
		case F_NTH_VALUE:
			return order_of_frame(window, false);
		default:
			return WINDOW_REFUSED;
	}
}

/* ntile() and nth_value() fail for numbers below 1. */
static bool
number_is_harmless(RewriteContext *context, WindowFunc *function)
{
	Const	   *number;

	if (function->winfnoid != F_NTILE && function->winfnoid != F_NTH_VALUE)
		return true;
	number = (Const *) eval_const_expressions(context->root, llast(function->args));
	llast(function->args) = number;
	return await_value(context, (Node *) number) ||
		(IsA(number, Const) && !number->constisnull && DatumGetInt32(number->constvalue) > 0);
}

/* ----------
 * A complete order
 * ----------
 */

/* A clause that sorts by an expression, which becomes a column that is not handed out. */
static SortGroupClause *
sort_by_expression(WindowsContext *context, Node *expr)
{
	Query	   *query = context->query;
	SortGroupClause *clause = default_clause(exprType(expr));
	TargetEntry *tle = tlist_member((Expr *) expr, query->targetList);

	if (tle == NULL)
	{
		tle = makeTargetEntry((Expr *) expr, list_length(query->targetList) + 1,
							  pstrdup("dp_order"), true);
		query->targetList = lappend(query->targetList, tle);
	}
	clause->tleSortGroupRef = assignSortGroupRef(tle, query->targetList);
	return clause;
}

/* The bytes of a column's value. */
static Node *
image_of(Var *var)
{
	return call_of_rewriter(DP_FUNC_IMAGE, InvalidOid, BYTEAOID, copyObject((Node *) var));
}

/*
 * Are values of a column the same if their order, PostgreSQL's own, calls them equal?  1.0 and 1.00
 * are not, nor need texts be under a collation of the client's own.
 */
static bool
equal_is_same(Var *var)
{
	return type_may_be_key(var->vartype) && canonical_is_plain(var->vartype) &&
		(!type_is_collatable(var->vartype) ||
		 (OidIsValid(var->varcollid) && collation_is_allowed(var->varcollid)));
}

/*
 * Clauses that sort rows by all columns that the query uses, or by the bytes of their values, so
 * that what is equal is the same.
 */
static List *
ties_of_columns(WindowsContext *context)
{
	Query	   *query = context->query;
	List	   *result = NIL;
	List	   *vars = pull_vars_of_level((Node *) query->targetList, 0);
	List	   *done = NIL;
	ListCell   *lc;

	foreach(lc, vars)
	{
		Var		   *var = copyObject(lfirst_node(Var, lc));

		var->varlevelsup = 0;	/* also where a sub-select names it */
		if (list_member(done, var))
			continue;
		done = lappend(done, var);
		if (var->varattno <= 0)
			refuse(REFUSE_SYSTEM_COLUMN, context->rewrite->source, var->location);
		result = lappend(result, sort_by_expression(context, equal_is_same(var) ?
													(Node *) copyObject(var) : image_of(var)));
	}
	return result;
}

/* The same of a query that groups: by its keys, of which no two groups have the same. */
static List *
ties_of_groups(WindowsContext *context)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, context->query->groupClause)
	{
		Node	   *key = get_sortgroupclause_expr(lfirst(lc), context->query->targetList);
		SortGroupClause *clause;

		if (!type_may_be_key(exprType(key)))
			refuse_type(context->rewrite, exprType(key), exprLocation(key));
		clause = default_clause(exprType(key));
		clause->tleSortGroupRef = lfirst_node(SortGroupClause, lc)->tleSortGroupRef;
		result = lappend(result, clause);
	}
	return result;
}

/* The copy of a window whose order is complete. */
static WindowClause *
complete_window(WindowsContext *context, WindowClause *window)
{
	Query	   *query = context->query;
	WindowClause *result;
	ListCell   *lw;
	ListCell   *lc;

	forboth(lw, context->written, lc, context->complete)
	{
		if (lfirst(lw) == window)
			return lfirst(lc);
	}
	if (context->ties == NIL)
		context->ties = query->groupClause != NIL || query->hasAggs ?
			ties_of_groups(context) : ties_of_columns(context);
	result = copyObject(window);
	result->name = result->refname = NULL;
	result->winref = list_length(query->windowClause) + 1;
	result->copiedOrder = false;
	foreach(lc, context->ties)
	{
		SortGroupClause *tie = lfirst(lc);
		bool		sorted = false;

		foreach(lw, list_concat_copy(result->partitionClause, result->orderClause))
			sorted = sorted || lfirst_node(SortGroupClause, lw)->tleSortGroupRef == tie->tleSortGroupRef;
		if (!sorted)
			result->orderClause = lappend(result->orderClause, copyObject(tie));
	}
	query->windowClause = lappend(query->windowClause, result);
	context->written = lappend(context->written, window);
	context->complete = lappend(context->complete, result);
	return result;
}

/* The window of a function, by its number. */
static WindowClause *
window_of(Query *query, Index winref)
{
	ListCell   *lc;

	foreach(lc, query->windowClause)
	{
		if (lfirst_node(WindowClause, lc)->winref == winref)
			return lfirst(lc);
	}
	elog(ERROR, "window clause %u not found", winref);
	return NULL;
}

/* Judges each window function, and gives those that look at rows a window whose order is complete. */
static bool
function_walker(Node *node, WindowsContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, SubLink))
		refuse(REFUSE_WINDOW_BELOW, context->rewrite->source, exprLocation(node));
	if (IsA(node, WindowFunc))
	{
		WindowFunc *function = (WindowFunc *) node;
		WindowClause *window = window_of(context->query, function->winref);
		WindowOrder order = order_of(function, window);

		if (order == WINDOW_REFUSED || !number_is_harmless(context->rewrite, function))
			refuse(REFUSE_WINDOW_BELOW, context->rewrite->source, function->location);
		if (order == WINDOW_ROWS)
			function->winref = complete_window(context, window)->winref;
	}
	return expression_tree_walker(node, function_walker, context);
}

/*
 * Judges the windows of a private level that is no release, and completes their orders, in place;
 * nothing of it is guarded yet.  individuals: whose rows the level hands out.  Raises
 * ERRCODE_DP_QUERY_REFUSED.
 */
void
settle_windows(RewriteContext *context, Level *level, Individuals *individuals)
{
	Query	   *query = level->query;
	WindowsContext windows = {.rewrite = context,.query = query};
	List	   *targets = list_copy(query->targetList);
	ListCell   *lc;

	if (!query->hasWindowFuncs)
		return;
	foreach(lc, query->windowClause)
		check_window(&windows, lfirst(lc), level, individuals);
	(void) function_walker((Node *) targets, &windows);
	level->windows = true;
}

/* ----------
 * Aggregates as window functions
 * ----------
 */

/* The aggregate as one that stands without a window. */
Aggref *
window_aggregate(WindowFunc *window)
{
	Aggref	   *result = makeNode(Aggref);
	ListCell   *lc;

	result->aggfnoid = window->winfnoid;
	result->aggtype = window->wintype;
	result->aggcollid = window->wincollid;
	result->inputcollid = window->inputcollid;
	result->aggstar = window->winstar;
	result->aggfilter = window->aggfilter;
	result->aggkind = AGGKIND_NORMAL;
	result->location = window->location;
	foreach(lc, window->args)
		result->args = lappend(result->args, makeTargetEntry(lfirst(lc), list_length(result->args) + 1,
															 NULL, false));
	return result;
}

/* Puts the window function in the place of the aggregate that was made of it. */
static Node *
window_mutator(Node *node, WindowFunc *window)
{
	ListCell   *lc;

	if (node == NULL)
		return NULL;
	if (IsA(node, Aggref))
	{
		Aggref	   *aggref = (Aggref *) node;
		WindowFunc *result = copyObject(window);

		result->winfnoid = aggref->aggfnoid;
		result->wintype = aggref->aggtype;
		result->args = NIL;
		foreach(lc, aggref->args)
			result->args = lappend(result->args, lfirst_node(TargetEntry, lc)->expr);
		return (Node *) result;
	}
	return expression_tree_mutator(node, window_mutator, (void *) window);
}

/*
 * The value of an aggregate over a window as a function of its values as a multiset: see
 * orderless_aggregate().  Its arguments are guarded already.  Others are returned as they are.
 */
Node *
orderless_window(RewriteContext *context, WindowFunc *window)
{
	bool		adds;

	if (!window->winagg)
		return (Node *) window;
	if (!aggregate_is_allowed(window->winfnoid, &adds))
		refuse(REFUSE_AGGREGATE, context->source, window->location);
	return window_mutator(orderless_aggregate(context, window_aggregate(window), adds), window);
}
