/*
 * refuse.c
 *		Refusals at a place in the query.
 */
#include "postgres.h"

#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "core/refusals.h"
#include "query/level.h"
#include "query/refuse.h"

/* Raises the refusal, with the place of the query's first column. */
void
refuse_query(Refusal refusal, RewriteContext *context, Query *query)
{
	refuse(refusal, context->source, exprLocation((Node *) query->targetList));
}

/* Raises the refusal of a release that needs more than "limit" of what is named. */
void
refuse_limit(int limit, const char *things, RewriteContext *context, Query *query)
{
	refuse_many(limit, things, context->source, exprLocation((Node *) query->targetList));
}

/* Raises the refusal of a call or cast, by its name. */
void
refuse_function(RewriteContext *context, Node *node)
{
	FuncExpr   *func = (FuncExpr *) node;
	char	   *name;

	if (IsA(node, FuncExpr) && func->funcformat != COERCE_EXPLICIT_CAST &&
		func->funcformat != COERCE_IMPLICIT_CAST)
		name = psprintf("%s()", get_func_name(func->funcid));
	else
		name = psprintf("cast to %s", format_type_be(exprType(node)));
	refuse_named(REFUSE_FUNCTION, name, context->source, exprLocation(node));
}

/* Raises the refusal of an operator. */
void
refuse_operator(RewriteContext *context, Oid opno, int location)
{
	refuse_named(REFUSE_FUNCTION, get_opname(opno), context->source, location);
}

/* Raises the refusal of a type. */
void
refuse_type(RewriteContext *context, Oid type, int location)
{
	refuse_named(REFUSE_TYPE, format_type_be(type), context->source, location);
}

/* Where LIMIT or OFFSET stands. */
int
limit_location(Query *query)
{
	int			location = exprLocation(query->limitCount);

	return location >= 0 ? location : exprLocation(query->limitOffset);
}

/*
 * Refuses a query that would hand out rows of individuals: as a query whose groups are single
 * individuals if it aggregates, else with PostgreSQL's own "permission denied".
 */
void
refuse_rows(RewriteContext *context, Query *query, Individuals *individuals)
{
	if (query->hasDistinctOn)
		refuse_query(REFUSE_DISTINCT_ON, context, query);
	if (query->hasAggs || query->groupClause != NIL || query->distinctClause != NIL)
		refuse_query(REFUSE_PER_INDIVIDUAL, context, query);
	refuse_raw(individuals->relation->relid, individuals->relation->preview);
}
