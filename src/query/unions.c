/*
 * unions.c
 *		UNION ALL of private rows is one private input.
 */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "parser/parsetree.h"

#include "core/limits.h"
#include "core/refusals.h"
#include "mechanism/noise.h"
#include "query/level.h"
#include "query/refuse.h"
#include "query/unions.h"
#include "query/units.h"

/* Adds one column to every node of a UNION ALL tree; refuses other trees. */
static void
widen_set_operation(RewriteContext *context, Node *node, Var *column)
{
	SetOperationStmt *op;

	if (IsA(node, RangeTblRef))
		return;
	op = castNode(SetOperationStmt, node);
	if (op->op != SETOP_UNION || !op->all)
		refuse(REFUSE_SETOP_BELOW, context->source, -1);
	op->colTypes = lappend_oid(op->colTypes, column->vartype);
	op->colTypmods = lappend_int(op->colTypmods, column->vartypmod);
	op->colCollations = lappend_oid(op->colCollations, column->varcollid);
	widen_set_operation(context, op->larg, column);
	widen_set_operation(context, op->rarg, column);
}

/* The number of the first branch of a set operation, which its result columns name. */
static int
first_branch(Query *query)
{
	Node	   *node = query->setOperations;

	while (IsA(node, SetOperationStmt))
		node = ((SetOperationStmt *) node)->larg;
	return castNode(RangeTblRef, node)->rtindex;
}

/*
 * The columns of a UNION ALL, as the client wrote them, that are the unit in every branch: one
 * for each column of the unit, or NIL.
 */
static List *
common_unit_columns(Query *query, List *below, Individuals *first)
{
	List	   *result = NIL;

	for (int i = 0; i < list_length((List *) linitial(first->units)); i++)
	{
		Var		   *column = NULL;
		ListCell   *lt;

		foreach(lt, query->targetList)
		{
			TargetEntry *tle = lfirst(lt);
			bool		everywhere = !tle->resjunk && IsA(tle->expr, Var);
			ListCell   *lc;
			ListCell   *lb;

			forboth(lc, query->rtable, lb, below)
			{
				RangeTblEntry *rte = lfirst(lc);
				Node	   *unit;
				TargetEntry *branch;

				if (rte->rtekind != RTE_SUBQUERY)
					continue;	/* an entry of a view's own */
				unit = list_nth(linitial(((Individuals *) lfirst(lb))->units), i);
				branch = get_tle_by_resno(rte->subquery->targetList, tle->resno);
				everywhere = everywhere && branch != NULL && equal(branch->expr, unit);
			}
			if (everywhere && column == NULL)
				column = copyObject((Var *) tle->expr);
		}
		if (column == NULL)
			return NIL;
		result = lappend(result, column);
	}
	return result;
}

/*
 * Adds the unit to the columns of each branch of a UNION ALL, and to *result what else is known
 * of its individuals.  Returns the unit, as columns of the whole.
 */
static List *
unite_units(RewriteContext *context, Query *query, List *below, Individuals *result)
{
	List	   *unit = NIL;
	ListCell   *lc;
	ListCell   *lb;

	forboth(lc, query->rtable, lb, below)
	{
		RangeTblEntry *rte = lfirst(lc);
		Individuals *input = lfirst(lb);
		List	   *columns = NIL;
		ListCell   *lu;

		if (rte->rtekind != RTE_SUBQUERY)
			continue;			/* an entry of a view's own */
		if (input == NULL)
			refuse_query(REFUSE_SETOP_BELOW, context, query);
		if (strcmp(NameStr(input->relation->population),
				   NameStr(result->relation->population)) != 0)
			refuse_query(REFUSE_POPULATIONS, context, query);
		result->relids = list_concat_unique_oid(result->relids, input->relids);
		result->may_be_null = result->may_be_null || input->may_be_null;
		result->max_groups = Min(result->max_groups + input->max_groups, DP_MAX_GROUPS);
		result->max_rows = Min(result->max_rows + input->max_rows, DP_MAX_ROWS);

		foreach(lu, (List *) linitial(input->units))
			columns = lappend(columns,
							  makeVarFromTargetEntry(first_branch(query),
													 add_unit_column(rte->subquery, lfirst(lu))));
		name_added_columns(rte);
		if (unit == NIL)
			unit = columns;
		else if (!equal(unit, columns))
			refuse_query(REFUSE_SETOP_BELOW, context, query);
	}
	return unit;
}

/*
 * Makes one private input of a UNION ALL.  below: whose rows each branch holds, NULL where
 * they are public; first is one that is not NULL.  Raises ERRCODE_DP_QUERY_REFUSED unless
 * all are private, of one population, and the unit can stand beside their columns.
 */
Individuals *
unite_branches(RewriteContext *context, Query *query, List *below, Individuals *first)
{
	Individuals *result = palloc(sizeof(Individuals));
	List	   *unit;
	List	   *written;
	ListCell   *lc;

	*result = *first;
	result->unique = false;
	result->units = NIL;
	result->max_groups = result->max_rows = 0;	/* those of the branches add up */
	if (query->limitCount != NULL || query->limitOffset != NULL)
		refuse(REFUSE_LIMIT_BELOW, context->source, limit_location(query));
	unit = unite_units(context, query, below, result);
	query->sortClause = NIL;
	written = common_unit_columns(query, below, first);
	foreach(lc, unit)
	{
		Var		   *column = lfirst(lc);
		TargetEntry *tle;

		widen_set_operation(context, query->setOperations, column);
		tle = add_unit_column(query, (Node *) column);
		if (tle->resno != column->varattno)
			refuse_query(REFUSE_SETOP_BELOW, context, query);
	}
	result->units = list_make1(unit);
	if (written != NIL)
		result->units = lappend(result->units, written);
	return result;
}
