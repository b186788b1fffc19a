/*
 * refuse.c
 *		Refusals at a place in the query.
 */
#include "postgres.h"

#include "nodes/nodeFuncs.h"

#include "core/refusals.h"
#include "query/level.h"
#include "query/refuse.h"

/* Refuses a query at the place of a query's first column. */
void
refuse_query(Refusal refusal, RewriteContext *context, Query *query)
{
	refuse(refusal, context->source, exprLocation((Node *) query->targetList));
}

/* Where LIMIT or OFFSET stands. */
int
limit_location(Query *query)
{
	int			location = exprLocation(query->limitCount);

	return location >= 0 ? location : exprLocation(query->limitOffset);
}
