/*
 * columns.c
 *		Columns below a release: which may be read.
 */
#include "postgres.h"

#include "parser/parsetree.h"

#include "core/refusals.h"
#include "policy/cache.h"
#include "query/checks.h"
#include "query/columns.h"
#include "query/identifiers.h"
#include "query/level.h"
#include "query/questions.h"

/*
 * A copy of a column that an expression of the level names, checked against the level it
 * belongs to.  any_type: it is passed on, or asked whether it is NULL, but not looked at, so
 * its type does not matter yet.  as_unit: it is a column of the unit, or of what names a row, where
 * that may stand whatever it is classified as and whether or not it is listed (identifiers.c).  Raises ERRCODE_DP_QUERY_REFUSED for a column
 * that may not be read, and for one of a query that does not stand below the release.
 */
Node *
guard_column(RewriteContext *context, Level *level, Var *var, bool any_type, bool as_unit)
{
	Level	   *named_in = level;
	RangeTblEntry *rte;

	for (Index up = 0; up < var->varlevelsup && level != NULL; up++)
		level = level->parent;
	if (level == NULL || !level->below)
		refuse(REFUSE_CORRELATED, context->source, var->location);
	rte = rt_fetch(var->varno, level->query->rtable);
	if (rte->rtekind == RTE_JOIN)
		refuse(REFUSE_EXPRESSION, context->source, var->location);
	if (var->varattno <= 0)
		refuse(REFUSE_SYSTEM_COLUMN, context->source, var->location);
	if (!as_unit)
		check_identifier(context, named_in, var);
	if (!as_unit && is_private_relation(context, rte) &&
		!policy_column_open(policy_lookup(rte->relid), var->varattno))
		refuse(REFUSE_COLUMN, context->source, var->location);
	if (!any_type)
		check_type(context, (Node *) var);
	if (var->varlevelsup > 0)
		check_compared(context, (Node *) var);	/* results are cached by it */
	return copyObject((Node *) var);
}
