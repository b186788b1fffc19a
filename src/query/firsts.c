/*
 * firsts.c
 *		The first row of each individual, as DISTINCT ON says it.
 *
 *		SELECT DISTINCT ON (patient) patient, kind FROM visits ORDER BY patient, day
 *
 * is written as
 *
 *		SELECT patient, kind FROM (SELECT patient, kind, row_number() OVER (PARTITION BY patient
 *			ORDER BY patient, day) AS nr FROM visits) s WHERE nr = 1
 *
 * and judged as that: windows.c asks that the unit is in the list, and completes the order, for
 * which of equal rows comes first may not hang on where they are stored.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "rewrite/rewriteManip.h"
#include "utils/fmgroids.h"

#include "query/checks.h"
#include "query/firsts.h"
#include "query/queries.h"

/* What such a window is called.  No name in a statement has a blank at its end: it would be quoted. */
#define FIRSTS_WINDOW "DISTINCT ON "

/*
 * Can the query be written with row numbers?  So is DISTINCT ON over rows: not over groups, window
 * functions or sets, and without LIMIT, which is refused or is about released rows.
 */
bool
is_first_rows(Query *query)
{
	return query->commandType == CMD_SELECT && query->hasDistinctOn && !query->hasAggs &&
		query->groupClause == NIL && query->groupingSets == NIL && query->havingQual == NULL &&
		!query->hasWindowFuncs && !query->hasTargetSRFs && query->setOperations == NULL &&
		query->limitCount == NULL && query->limitOffset == NULL && query->rowMarks == NIL;
}

/* Was the window made by number_first_rows()? */
bool
window_is_of_firsts(const WindowClause *window)
{
	return window->name != NULL && strcmp(window->name, FIRSTS_WINDOW) == 0;
}

/* Adds the number of each row among those with the same keys as the last column. */
static TargetEntry *
append_number(Query *query)
{
	WindowClause *window = makeNode(WindowClause);
	WindowFunc *number = makeNode(WindowFunc);

	window->name = pstrdup(FIRSTS_WINDOW);
	window->partitionClause = query->distinctClause;
	window->orderClause = query->sortClause;
	window->frameOptions = FRAMEOPTION_DEFAULTS;
	window->winref = 1;
	query->windowClause = list_make1(window);
	query->hasWindowFuncs = true;

	number->winfnoid = F_ROW_NUMBER;
	number->wintype = INT8OID;
	number->winref = 1;
	number->location = exprLocation((Node *) query->targetList);
	return append_target(query, (Node *) number, "nr", false);
}

/* Writes a query that is_first_rows() with row numbers, in place. */
void
number_first_rows(Query *query)
{
	Query	   *below = makeNode(Query);
	Query	   *above;
	List	   *written = query->targetList;
	TargetEntry *number;
	ListCell   *lc;

	*below = *query;
	IncrementVarSublevelsUp((Node *) below, 1, 1);
	below->targetList = NIL;
	foreach(lc, written)
	{
		TargetEntry *tle = copyObject(lfirst_node(TargetEntry, lc));

		tle->resjunk = false;	/* a column that only sorts is one that nobody asks for */
		if (tle->resname == NULL)
			tle->resname = pstrdup("sorted");
		below->targetList = lappend(below->targetList, tle);
	}
	number = append_number(below);
	below->distinctClause = below->sortClause = NIL;
	below->hasDistinctOn = false;

	above = select_from(below, "firsts");
	foreach(lc, written)
	{
		TargetEntry *tle = lfirst(lc);

		if (!tle->resjunk)
			(void) append_target(above, (Node *) makeVarFromTargetEntry(1, list_nth(below->targetList, tle->resno - 1)),
								 tle->resname, false);
	}
	above->jointree->quals =
		(Node *) make_opclause(default_clause(INT8OID)->eqop, BOOLOID, false,
							   (Expr *) makeVarFromTargetEntry(1, number),
							   (Expr *) makeConst(INT8OID, -1, InvalidOid, sizeof(int64),
												  Int64GetDatum(1), false, FLOAT8PASSBYVAL),
							   InvalidOid, InvalidOid);
	above->queryId = query->queryId;
	above->stmt_location = query->stmt_location;
	above->stmt_len = query->stmt_len;
	above->hasRowSecurity = query->hasRowSecurity;
	*query = *above;
}
