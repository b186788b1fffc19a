/*
 * first_rows.c
 *		DISTINCT ON the unit: the first row of each individual.
 *
 *		SELECT DISTINCT ON (patient) patient, kind FROM visits ORDER BY patient, day
 *
 * in a sub-select below a release is
 *
 *		SELECT patient, kind
 *		FROM (SELECT patient, kind, row_number() OVER (PARTITION BY patient ORDER BY day) AS n
 *			  FROM visits) s
 *		WHERE n = 1
 *
 * and so a function of the individual's rows alone: windows.c completes the order.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteManip.h"
#include "utils/fmgroids.h"

#include "query/checks.h"
#include "query/first_rows.h"
#include "query/queries.h"

/* A DISTINCT ON over rows, not over groups or what windows make of them. */
bool
chooses_first_rows(Query *query)
{
	return query->hasDistinctOn && !query->hasAggs && query->groupClause == NIL &&
		query->groupingSets == NIL && query->havingQual == NULL && !query->hasWindowFuncs &&
		!query->hasTargetSRFs && query->limitCount == NULL && query->limitOffset == NULL;
}

/* The window of the rows that DISTINCT ON chooses one of, in the order of ORDER BY. */
static WindowClause *
window_of_choice(Query *query)
{
	WindowClause *window = makeNode(WindowClause);
	ListCell   *lc;

	window->frameOptions = FRAMEOPTION_DEFAULTS;
	window->partitionClause = query->distinctClause;
	window->winref = 1;
	foreach(lc, query->sortClause)
	{
		SortGroupClause *clause = lfirst(lc);

		if (get_sortgroupref_clause_noerr(clause->tleSortGroupRef, query->distinctClause) == NULL)
			window->orderClause = lappend(window->orderClause, clause);
	}
	return window;
}

/*
 * Makes of a query with DISTINCT ON, in place, one that keeps rows of number 1 of a sub-select that
 * numbers them.  Returns the sub-select, which is in the query's range table as number 1.
 */
Query *
number_rows(Query *query)
{
	Query	   *below = makeNode(Query);
	Query	   *outer;
	WindowFunc *number = makeNode(WindowFunc);
	TargetEntry *column;
	ListCell   *lc;

	memcpy(below, query, sizeof(Query));
	IncrementVarSublevelsUp((Node *) below, 1, 1);
	below->windowClause = list_make1(window_of_choice(query));
	below->distinctClause = below->sortClause = NIL;
	below->hasDistinctOn = false;
	below->hasWindowFuncs = true;
	number->winfnoid = F_ROW_NUMBER;
	number->wintype = INT8OID;
	number->winref = 1;
	number->location = -1;
	column = insert_target(below, (Node *) number, "dp_number");

	outer = select_from(below, "first_rows");
	foreach(lc, below->targetList)
	{
		TargetEntry *tle = lfirst(lc);

		if (!tle->resjunk && tle != column)
			(void) append_target(outer, (Node *) makeVarFromTargetEntry(1, tle), tle->resname, false);
	}
	outer->jointree->quals = (Node *)
		make_opclause(default_clause(INT8OID)->eqop, BOOLOID, false,
					  (Expr *) makeVarFromTargetEntry(1, column),
					  (Expr *) makeConst(INT8OID, -1, InvalidOid, sizeof(int64), Int64GetDatum(1),
										 false, FLOAT8PASSBYVAL), InvalidOid, InvalidOid);
	memcpy(query, outer, sizeof(Query));
	return below;
}
