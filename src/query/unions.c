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
#include "query/totals.h"
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

/* How a column of a branch stands to column i of the unit. */
typedef enum Likeness
{
	LIKE_NOTHING,
	LIKE_NULL,					/* NULL in all rows */
	LIKE_PARTIAL,				/* the unit's or NULL */
	LIKE_UNIT					/* the unit's in each row that counts */
} Likeness;

/* Is the expression column i of one of the alternatives? */
static bool
among_units(List *units, int i, Node *expr)
{
	ListCell   *lc;

	foreach(lc, units)
	{
		if (equal(list_nth(lfirst(lc), i), expr))
			return true;
	}
	return false;
}

/* How column resno of a branch, with rows of the individuals, stands to column i of the unit. */
static Likeness
likeness(Query *branch, const Individuals *individuals, int resno, int i)
{
	TargetEntry *tle = get_tle_by_resno(branch->targetList, resno);

	if (tle == NULL)
		return LIKE_NOTHING;
	if (among_units(individuals->units, i, (Node *) tle->expr))
		return LIKE_UNIT;
	if (among_units(individuals->partial, i, (Node *) tle->expr))
		return LIKE_PARTIAL;
	return IsA(tle->expr, Const) && ((Const *) tle->expr)->constisnull ? LIKE_NULL : LIKE_NOTHING;
}

/* The same for a column of the whole: it is what it is in all branches, and NULL in none. */
static Likeness
common_likeness(Query *query, List *below, int resno, int i)
{
	Likeness	least = LIKE_UNIT;
	bool		only_null = true;
	ListCell   *lc;
	ListCell   *lb;

	forboth(lc, query->rtable, lb, below)
	{
		RangeTblEntry *rte = lfirst(lc);
		Likeness	here;

		if (rte->rtekind != RTE_SUBQUERY)
			continue;			/* an entry of a view's own */
		here = likeness(rte->subquery, lfirst(lb), resno, i);
		only_null = only_null && here == LIKE_NULL;
		least = Min(least, here);
	}
	if (only_null)
		return LIKE_NOTHING;
	return least == LIKE_NULL ? LIKE_PARTIAL : least;
}

/*
 * The columns of a UNION ALL, as the client wrote them, that are the unit in every branch, or as
 * like it as wanted: one for each column of the unit, or NIL.
 */
static List *
common_unit_columns(Query *query, List *below, Individuals *first, Likeness wanted)
{
	List	   *result = NIL;

	for (int i = 0; i < list_length((List *) linitial(first->units)); i++)
	{
		Var		   *column = NULL;
		ListCell   *lt;

		foreach(lt, query->targetList)
		{
			TargetEntry *tle = lfirst(lt);

			if (column == NULL && !tle->resjunk && IsA(tle->expr, Var) &&
				common_likeness(query, below, tle->resno, i) == wanted)
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
		if (result->max_total > 0 || input->max_total > 0)
			result->max_total = Min(combined_total(result) + combined_total(input), DP_MAX_TOTAL);
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
	List	   *partial;
	ListCell   *lc;

	*result = *first;
	result->unique = false;
	result->level = NULL;
	result->partial = NIL;
	result->links = result->partial_links = NIL;
	result->max_groups = result->max_rows = 0;	/* those of the branches add up */
	result->max_total = result->max_norm = 0;
	if (query->limitCount != NULL || query->limitOffset != NULL)
		refuse(REFUSE_LIMIT_BELOW, context->source, limit_location(query));
	unit = unite_units(context, query, below, result);
	query->sortClause = NIL;
	written = common_unit_columns(query, below, first, LIKE_UNIT);
	partial = common_unit_columns(query, below, first, LIKE_PARTIAL);
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
	if (partial != NIL)
		result->partial = list_make1(partial);
	return result;
}
