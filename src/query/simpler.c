/*
 * simpler.c
 *		Aggregates that are written as something simpler, before they become outputs.
 *
 * The largest value of a group key is the key: tools ask for MAX(name) ... GROUP BY name, and
 * nothing has to be paid for it.  string_agg() is array_agg() and, above the release,
 * array_to_string(), so that its separator is no part of the release.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

#include "core/refusals.h"
#include "query/aggregates.h"
#include "query/builder.h"
#include "query/params.h"
#include "query/simpler.h"
#include "query/walk.h"

/* The group keys of a level, as seen from so many queries below it. */
typedef struct KeysContext
{
	List	   *keys;
} KeysContext;

/* Is there anything in the expression that is no function of group keys? */
static bool
beside_keys_walker(Node *node, void *context)
{
	List	   *keys = ((KeysContext *) context)->keys;

	if (node == NULL || list_member(keys, node))
		return false;
	switch (nodeTag(node))
	{
		case T_Var:
		case T_Param:
		case T_SubLink:
		case T_Query:
		case T_Aggref:
		case T_GroupingFunc:
		case T_WindowFunc:
			return true;
		default:
			return expression_tree_walker(node, beside_keys_walker, context);
	}
}

/*
 * The argument of an aggregate that is one value for a whole group, and that the aggregate hands on;
 * else NULL.
 */
static Node *
value_of_group(ReleaseBuilder *builder, Aggref *aggref, Index levelsup)
{
	KeysContext context;
	Node	   *expr;

	if (builder->keys == NIL || builder->level->query->groupingSets != NIL ||
		aggref->aggfilter != NULL || list_length(aggref->args) != 1 ||
		!ignores_repeats(aggregate_function(aggref)))
		return NULL;
	expr = aggregate_argument(aggref, 0);
	context.keys = (List *) seen_from_below((Node *) builder->keys, levelsup);
	if (beside_keys_walker(expr, &context) || contain_volatile_functions(expr) ||
		expression_returns_set(expr))
		return NULL;
	return expr;
}

/* string_agg(DISTINCT x, separator) as an array of the different values that is joined; else NULL. */
static Node *
joined_array(ReleaseBuilder *builder, Aggref *aggref)
{
	TargetEntry *argument;
	Node	   *separator;
	CoalesceExpr *known = makeNode(CoalesceExpr);

	if (aggref->aggfnoid != F_STRING_AGG_TEXT_TEXT || aggref->aggtype != TEXTOID ||
		aggref->aggdistinct == NIL)
		return NULL;
	separator = release_parameter(builder->context, aggregate_argument(aggref, 1));
	if (separator == NULL)
		refuse(REFUSE_PARAMETER, builder->context->source,
			   exprLocation(aggregate_argument(aggref, 1)));
	known->coalescetype = TEXTOID;
	known->coalescecollid = exprCollation(separator);
	known->args = list_make2(separator,
							 makeConst(TEXTOID, -1, known->coalescecollid, -1,
									   CStringGetTextDatum(""), false, false));
	known->location = -1;
	aggref = copyObject(aggref);
	argument = linitial_node(TargetEntry, aggref->args);
	aggref->args = list_make1(argument);
	aggref->aggargtypes = list_make1_oid(TEXTOID);
	aggref->aggdistinct = list_make1(get_sortgroupref_clause(argument->ressortgroupref,
															 aggref->aggdistinct));
	aggref->aggorder = NIL;
	aggref->aggtype = TEXTARRAYOID;
	return (Node *) makeFuncExpr(F_ARRAY_TO_STRING_ANYARRAY_TEXT, TEXTOID,
								 list_make2(aggref, known), aggref->aggcollid,
								 aggref->inputcollid, COERCE_EXPLICIT_CALL);
}

/*
 * What an aggregate of the level can be written as instead, seen from so many queries below it; NULL
 * if it is an output.  Raises ERRCODE_DP_QUERY_REFUSED for a separator that is not public.
 */
Node *
simpler_aggregate(ReleaseBuilder *builder, Aggref *aggref, Index levelsup)
{
	Node	   *result = value_of_group(builder, aggref, levelsup);

	return result != NULL ? result : joined_array(builder, aggref);
}
