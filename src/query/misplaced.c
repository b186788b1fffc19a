/*
 * misplaced.c
 *		What only stands around or beside a release, and stands elsewhere.
 *
 * dp_with(), dp_low(), dp_high(), dp_clipped() and dp_ aggregates are taken out of a query where releases are made of
 * it.  One that is left would raise its error (aggregate/declare.c) when it is computed, which is
 * after the other releases of the statement have been paid for.  So it is told before.
 */
#include "postgres.h"

#include "nodes/nodeFuncs.h"

#include "core/refusals.h"
#include "policy/extension.h"
#include "query/misplaced.h"
#include "query/questions.h"

static bool
misplaced_walker(Node *node, RewriteContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, misplaced_walker, context, QTW_IGNORE_JOINALIASES);
	if (IsA(node, Aggref) && is_dp_aggregate((Aggref *) node))
		refuse(REFUSE_DP_AGGREGATE, context->source, exprLocation(node));
	if (IsA(node, FuncExpr))
	{
		switch (extension_function(((FuncExpr *) node)->funcid))
		{
			case DP_FUNC_WITH:
				refuse(REFUSE_WITH_PLACE, context->source, ((FuncExpr *) node)->location);
			case DP_FUNC_LOW:
			case DP_FUNC_HIGH:
				refuse(REFUSE_INTERVAL_PLACE, context->source, ((FuncExpr *) node)->location);
			case DP_FUNC_CLIPPED:
				refuse(REFUSE_CLIPPED_PLACE, context->source, ((FuncExpr *) node)->location);
			default:
				break;
		}
	}
	return expression_tree_walker(node, misplaced_walker, context);
}

/* Raises ERRCODE_DP_QUERY_REFUSED for what is left of these in a statement whose releases have been made. */
void
refuse_misplaced(RewriteContext *context, Query *query)
{
	(void) misplaced_walker((Node *) query, context);
}
