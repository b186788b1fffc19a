/*
 * orderless.c
 *		Aggregates below a release, made such that their values do not depend on the
 *		order of rows.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "core/refusals.h"
#include "policy/extension.h"
#include "query/calls.h"
#include "query/checks.h"
#include "query/keys.h"
#include "query/level.h"
#include "query/orderless.h"

/* Makes sum() or avg() of floats one of numerics: a sum of floats depends on their order. */
static Node *
exact_sum(Aggref *aggref, TargetEntry *argument, Oid type)
{
	bool		average = strcmp(get_func_name(aggref->aggfnoid), "avg") == 0;
	DpFunction	nearest = aggref->aggtype == FLOAT4OID ? DP_FUNC_NEAREST_FLOAT4 :
		DP_FUNC_NEAREST_FLOAT8;
	Oid			result = aggref->aggtype;
	ListCell   *lc;

	argument->expr = (Expr *) call_of_rewriter(DP_FUNC_EXACT, type, NUMERICOID, (Node *) argument->expr);
	aggref->aggfnoid = average ? F_AVG_NUMERIC : F_SUM_NUMERIC;
	aggref->aggtype = NUMERICOID;
	aggref->aggargtypes = list_make1_oid(NUMERICOID);
	foreach(lc, aggref->aggdistinct)
	{
		Index		ref = lfirst_node(SortGroupClause, lc)->tleSortGroupRef;
		SortGroupClause *clause = default_clause(NUMERICOID);

		clause->tleSortGroupRef = ref;
		lfirst(lc) = clause;
	}
	return call_of_rewriter(nearest, InvalidOid, result, (Node *) aggref);
}

/* Keeps sum() and avg() of numerics from overflowing. */
static Node *
tame_sum(Aggref *aggref, TargetEntry *argument)
{
	argument->expr = (Expr *) call_of_rewriter(DP_FUNC_TAME, InvalidOid, NUMERICOID, (Node *) argument->expr);
	return (Node *) aggref;
}

/*
 * Makes the value of an aggregate a function of its values as a multiset: neither their order
 * nor their form nor the plan shows.  Its ORDER BY is dropped, since it changes nothing any more.
 * The arguments are guarded already; adds: as aggregate_is_allowed() says.  Raises
 * ERRCODE_DP_QUERY_REFUSED for sums of types that have no order-free sum.
 */
Node *
orderless_aggregate(RewriteContext *context, Aggref *aggref, bool adds)
{
	List	   *args = NIL;
	TargetEntry *first;
	Oid			type;
	ListCell   *lc;

	foreach(lc, aggref->args)
	{
		if (!lfirst_node(TargetEntry, lc)->resjunk)
			args = lappend(args, lfirst(lc));
	}
	aggref->args = args;
	aggref->aggorder = NIL;
	if (args == NIL || aggref->aggtype == BOOLOID)
		return (Node *) aggref;
	first = linitial(args);
	type = exprType((Node *) first->expr);
	if (!adds)
	{
		/* count() hands out no value, so it does not matter which of equal ones it meets */
		if (strcmp(get_func_name(aggref->aggfnoid), "count") != 0)
			first->expr = (Expr *) canonical_expression(context, (Node *) first->expr);
		return (Node *) aggref;
	}
	switch (type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
			return (Node *) aggref;
		case FLOAT4OID:
		case FLOAT8OID:
			return exact_sum(aggref, first, type);
		case NUMERICOID:
			if (aggref->aggdistinct != NIL)
				first->expr = (Expr *) canonical_expression(context, (Node *) first->expr);
			return tame_sum(aggref, first);
		default:
			refuse(REFUSE_AGGREGATE, context->source, aggref->location);
	}
	return NULL;
}
