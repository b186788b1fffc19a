/*
 * ctes.c
 *		Common table expressions: made, named, and put in the place of their names.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "rewrite/rewriteManip.h"

#include "core/refusals.h"
#include "query/ctes.h"
#include "query/level.h"
#include "query/planning.h"

/* So many levels may a statement have, CTEs taken as often as they are named. */
#define MOST_LEVELS 2000

/* Refuses statements that grow: CTEs of CTEs that name one twice double each time. */
void
count_level(RewriteContext *context)
{
	CHECK_FOR_INTERRUPTS();
	if (++context->levels > MOST_LEVELS)
		refuse(REFUSE_TOO_LARGE, context->source, -1);
}

/* A CTE that the planner leaves one. */
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

		cte->ctecolnames = lappend(cte->ctecolnames, makeString(pstrdup(tle->resname)));
		cte->ctecoltypes = lappend_oid(cte->ctecoltypes, exprType((Node *) tle->expr));
		cte->ctecoltypmods = lappend_int(cte->ctecoltypmods, exprTypmod((Node *) tle->expr));
		cte->ctecolcollations = lappend_oid(cte->ctecolcollations,
											exprCollation((Node *) tle->expr));
	}
	return cte;
}

/* An entry of FROM that names it, so many levels below; the caller adds the names. */
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

typedef struct InlineContext
{
	CommonTableExpr *cte;
	Index		levelsup;
} InlineContext;

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

static bool
inline_walker(Node *node, InlineContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		context->levelsup++;
		(void) query_tree_walker((Query *) node, inline_walker, context,
								 QTW_EXAMINE_RTES_AFTER);
		context->levelsup--;
		return false;
	}
	if (IsA(node, RangeTblEntry))
	{
		RangeTblEntry *rte = (RangeTblEntry *) node;

		if (rte->rtekind == RTE_CTE && rte->ctelevelsup == context->levelsup &&
			strcmp(rte->ctename, context->cte->ctename) == 0)
		{
			inline_reference(rte, context->cte);
		}
		return false;
	}
	return expression_tree_walker(node, inline_walker, context);
}

/* Puts a CTE's query in the place of each reference to it. */
void
inline_cte(Query *query, CommonTableExpr *cte)
{
	InlineContext context = {.cte = cte,.levelsup = 0};

	(void) query_tree_walker(query, inline_walker, &context, QTW_EXAMINE_RTES_AFTER);
}
