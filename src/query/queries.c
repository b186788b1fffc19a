/*
 * queries.c
 *		Queries that the rewriter makes: their columns, and what they read.
 */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"

#include "core/compat.h"
#include "query/queries.h"

/* Appends a column; junk: it is not handed out. */
TargetEntry *
append_target(Query *query, Node *expr, const char *name, bool junk)
{
	TargetEntry *tle = makeTargetEntry((Expr *) expr, list_length(query->targetList) + 1,
									   pstrdup(name), junk);

	query->targetList = lappend(query->targetList, tle);
	return tle;
}

/* Adds a column that is handed out, before those that are not. */
TargetEntry *
insert_target(Query *query, Node *expr, const char *name)
{
	List	   *result = NIL;
	List	   *junk = NIL;
	TargetEntry *added;
	ListCell   *lc;

	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst(lc);

		if (tle->resjunk)
			junk = lappend(junk, tle);
		else
			result = lappend(result, tle);
	}
	added = makeTargetEntry((Expr *) expr, list_length(result) + 1, pstrdup(name), false);
	result = lappend(result, added);
	foreach(lc, junk)
	{
		TargetEntry *tle = lfirst(lc);

		tle->resno = list_length(result) + 1;
		result = lappend(result, tle);
	}
	query->targetList = result;
	return added;
}

/* Appends expressions as columns and groups by them, each by its clause. */
void
append_grouped(Query *query, List *exprs, List *clauses, const char *name)
{
	ListCell   *le;
	ListCell   *lc;

	forboth(le, exprs, lc, clauses)
	{
		TargetEntry *tle = append_target(query, lfirst(le), name, false);
		SortGroupClause *clause = copyObject(lfirst(lc));

		tle->ressortgroupref = tle->resno;
		clause->tleSortGroupRef = tle->resno;
		query->groupClause = lappend(query->groupClause, clause);
	}
}

/* A query without columns yet, over one item of FROM (range table index 1). */
Query *
select_of(RangeTblEntry *rte)
{
	Query	   *query = makeNode(Query);
	RangeTblRef *ref = makeNode(RangeTblRef);

	ref->rtindex = 1;
	query->commandType = CMD_SELECT;
	query->canSetTag = true;
	query->rtable = list_make1(rte);
	query->jointree = makeFromExpr(list_make1(ref), NULL);
	return query;
}

/* Puts arguments of an aggregate in the place of n others, from number first (from 0) on. */
void
replace_arguments(Aggref *aggref, int first, int n, List *exprs)
{
	List	   *args = list_copy_head(aggref->args, first);
	List	   *types = list_copy_head(aggref->aggargtypes, first);
	ListCell   *lc;

	foreach(lc, exprs)
	{
		args = lappend(args, makeTargetEntry(copyObject(lfirst(lc)), 0, NULL, false));
		types = lappend_oid(types, exprType(lfirst(lc)));
	}
	aggref->args = list_concat(args, list_copy_tail(aggref->args, first + n));
	aggref->aggargtypes = list_concat(types, list_copy_tail(aggref->aggargtypes, first + n));
	foreach(lc, aggref->args)
		lfirst_node(TargetEntry, lc)->resno = foreach_current_index(lc) + 1;
}

/* A query without columns yet, over one sub-select. */
Query *
select_from(Query *below, const char *name)
{
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	ListCell   *lc;

	rte->rtekind = RTE_SUBQUERY;
	rte->subquery = below;
	rte->eref = makeAlias(name, NIL);
	foreach(lc, below->targetList)
	{
		TargetEntry *tle = lfirst(lc);

		if (!tle->resjunk)
			rte->eref->colnames = lappend(rte->eref->colnames, makeString(pstrdup(tle->resname)));
	}
	rte->inFromCl = true;
	return select_of(rte);
}

/* The n columns of a sub-select from number first (from 1) on, seen from the query above it. */
List *
columns_of(Query *below, int first, int n)
{
	List	   *result = NIL;

	for (int i = first; i < first + n; i++)
		result = lappend(result, makeVarFromTargetEntry(1, list_nth(below->targetList, i - 1)));
	return result;
}

/* A query without columns yet, over the FROM and WHERE of the level's query, which are shared. */
Query *
from_level(Query *level)
{
	Query	   *query = makeNode(Query);

	query->commandType = CMD_SELECT;
	query->canSetTag = true;
	query->rtable = level->rtable;
	DP_MOVE_PERMISSIONS(query, level);
	query->jointree = level->jointree;
	query->hasSubLinks = level->hasSubLinks;
	query->hasRowSecurity = level->hasRowSecurity;
	return query;
}

/*
 * Adds a range table entry for a join, which PostgreSQL expects there to be.  Returns its index.
 */
int
add_join(Query *query, JoinType type)
{
	RangeTblEntry *rte = makeNode(RangeTblEntry);

	rte->rtekind = RTE_JOIN;
	rte->jointype = type;
	rte->eref = makeAlias("unnamed_join", NIL);
	rte->inFromCl = true;
	query->rtable = lappend(query->rtable, rte);
	return list_length(query->rtable);
}
