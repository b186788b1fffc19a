/*
 * ctes.c
 *		Common table expressions: made, named, and put in the place of their names.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"

#include "core/refusals.h"
#include "query/ctes.h"
#include "query/level.h"
#include "query/planning.h"
#include "query/walk.h"

/* The most levels that a statement may have; a CTE counts as often as it is named. */
#define MOST_LEVELS 2000

/*
 * Counts one more level of the statement.  Refuses a statement of more than MOST_LEVELS
 * (ERRCODE_DP_QUERY_REFUSED): each CTE that names the one before it twice doubles them.
 */
void
count_level(RewriteContext *context)
{
	CHECK_FOR_INTERRUPTS();
	if (++context->levels > MOST_LEVELS)
		refuse(REFUSE_TOO_LARGE, context->source, -1);
}

/* A name for a CTE that begins with "what"; no CTE that the client wrote has it. */
char *
unguessable_name(const char *what)
{
	unsigned char random[16];
	char		text[2 * sizeof(random) + 1] = "";

	if (!pg_strong_random(random, sizeof(random)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random values")));
	(void) hex_encode((const char *) random, sizeof(random), text);
	return psprintf("%s %s", what, text);
}

/* Makes a CTE of a query.  It is materialized, so the planner keeps it one. */
CommonTableExpr *
make_cte(char *name, Query *query)
{
	CommonTableExpr *cte = makeNode(CommonTableExpr);
	ListCell   *lc;

	cte->ctename = name;
	cte->ctematerialized = CTEMaterializeAlways;
	cte->ctequery = (Node *) query;
	cte->location = -1;
	cte->cterefcount = 1;
	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst(lc);

		if (tle->resjunk)
			continue;
		cte->ctecolnames = lappend(cte->ctecolnames, makeString(pstrdup(tle->resname)));
		cte->ctecoltypes = lappend_oid(cte->ctecoltypes, exprType((Node *) tle->expr));
		cte->ctecoltypmods = lappend_int(cte->ctecoltypmods, exprTypmod((Node *) tle->expr));
		cte->ctecolcollations = lappend_oid(cte->ctecolcollations,
											exprCollation((Node *) tle->expr));
	}
	return cte;
}

/*
 * Makes an item of FROM that names a CTE of the query levelsup levels above.  The caller adds the
 * names of the item and of its columns.
 */
RangeTblEntry *
make_cte_reference(CommonTableExpr *cte, Index levelsup)
{
	RangeTblEntry *rte = makeNode(RangeTblEntry);

	rte->rtekind = RTE_CTE;
	rte->ctename = cte->ctename;
	rte->ctelevelsup = levelsup;
	rte->coltypes = copyObject(cte->ctecoltypes);
	rte->coltypmods = copyObject(cte->ctecoltypmods);
	rte->colcollations = copyObject(cte->ctecolcollations);
	rte->inFromCl = true;
	return rte;
}

/* Is this the query R of a release that was made in this planning? */
bool
query_is_release(Query *query)
{
	ListCell   *lc;

	if (!query->hasAggs)
		return false;
	foreach(lc, query->targetList)
	{
		Aggref	   *aggref = (Aggref *) lfirst_node(TargetEntry, lc)->expr;

		if (IsA(aggref, Aggref) && planning_known_spec(aggref) != NULL)
			return true;
	}
	return false;
}

/* Puts a copy of the CTE's query in the place of its name. */
void
inline_reference(RangeTblEntry *rte, CommonTableExpr *cte)
{
	rte->rtekind = RTE_SUBQUERY;
	rte->subquery = copyObject((Query *) cte->ctequery);
	IncrementVarSublevelsUp((Node *) rte->subquery, rte->ctelevelsup, 1);
	rte->ctename = NULL;
	rte->ctelevelsup = 0;
	rte->coltypes = rte->coltypmods = rte->colcollations = NIL;
}

/* Inlines one name, if it is that of the CTE (argument). */
static void
inline_name(RangeTblEntry *entry, Index depth, void *argument)
{
	CommonTableExpr *cte = argument;

	if (entry->ctelevelsup == depth && strcmp(entry->ctename, cte->ctename) == 0)
		inline_reference(entry, cte);
}

/* Puts a CTE's query in the place of each reference to it. */
void
inline_cte(Query *query, CommonTableExpr *cte)
{
	walk_cte_names(query, inline_name, cte);
}
