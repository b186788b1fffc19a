/*
 * statement.c
 *		Whole statements that touch protected relations.
 */
#include "postgres.h"

#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"

#include "core/compat.h"
#include "query/ctes.h"
#include "query/grains.h"
#include "query/level.h"
#include "query/levels.h"
#include "query/links.h"
#include "query/misplaced.h"
#include "query/nulling.h"
#include "query/preview.h"
#include "query/questions.h"
#include "query/refuse.h"
#include "query/statement.h"
#include "query/vacant.h"
#include "query/virtual.h"

/* Processes a query that hands its rows to the client, or to one that does. */
static void
process_marked(RewriteContext *context, Query *query)
{
	Individuals *individuals;

	unmark_query(query);
	round_to_grains(context, query);
	expand_virtual_columns(query);
	note_links(context, query);
	individuals = process_query(context, query, NULL);
	if (individuals != NULL)
		refuse_rows(context, query, individuals);
	refuse_virtual_columns(context, query);
	mark_query(query);
}

/*
 * A role that may read the tables: only levels that use dp_ aggregates are
 * releases, all else is as it was.
 */
static bool
trusted_walker(Node *node, RewriteContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		Query	   *query = (Query *) node;
		ListCell   *lc;

		/* a dp_ level may name a CTE of raw rows: give it a copy to work on */
		context->strict++;
		foreach(lc, query->cteList)
		{
			CommonTableExpr *cte = lfirst(lc);

			if (!cte->cterecursive && castNode(Query, cte->ctequery)->commandType == CMD_SELECT &&
				!statement_uses_dp((Query *) cte->ctequery) &&
				mentions_private(context, (Query *) cte->ctequery))
			{
				inline_cte(query, cte);
				query->cteList = foreach_delete_current(query->cteList, lc);
			}
		}
		if (level_uses_dp(query))
		{
			process_marked(context, query);
			context->strict--;
			return false;
		}
		context->strict--;
		return query_tree_walker(query, trusted_walker, context, 0);
	}
	return expression_tree_walker(node, trusted_walker, context);
}

/*
 * Does the statement return no row, whatever the data?  Tools ask like this for
 * the columns of a relation: LIMIT 0, or WHERE with a false constant.
 */
static bool
returns_nothing(RewriteContext *context, Query *query)
{
	Node	   *limit = eval_const_expressions(context->root, query->limitCount);
	Node	   *quals;

	if (query->commandType != CMD_SELECT || query->hasModifyingCTE)
		return false;
	if (limit != NULL && IsA(limit, Const) && !((Const *) limit)->constisnull &&
		DatumGetInt64(((Const *) limit)->constvalue) == 0)
		return true;
	if (query->setOperations != NULL || query->havingQual != NULL || query->groupingSets != NIL ||
		(query->hasAggs && query->groupClause == NIL))
		return false;
	quals = eval_const_expressions(context->root, copyObject(query->jointree->quals));
	return quals != NULL && IsA(quals, Const) &&
		(((Const *) quals)->constisnull || !DatumGetBool(((Const *) quals)->constvalue));
}

/* Processes a whole statement that touches protected relations, in place. */
void
process_statement(RewriteContext *context, Query *query)
{
	if (context->analyst)
	{
		if (returns_nothing(context, query))
		{
			empty_query(query);
			return;
		}
		if (preview_statement(context, query))
			return;
		if (statement_uses_dp(query))
			context->strict++;
		process_marked(context, query);
	}
	else
		(void) trusted_walker((Node *) query, context);
	refuse_misplaced(context, query);
}
