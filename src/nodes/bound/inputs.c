/*
 * inputs.c
 *		What the nodes of this folder read of each row, while they are planned.
 *
 * The expressions are arguments of the release's aggregates.  Those that the path below has among
 * its columns are read from there; if one is not, a projection computes all.
 */
#include "postgres.h"

#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/plancat.h"
#include "optimizer/tlist.h"

#include "nodes/bound/inputs.h"
#include "nodes/bound/layout.h"

/* Argument i of an aggregate, from 0. */
Node *
aggref_argument(Aggref *aggref, int i)
{
	return (Node *) list_nth_node(TargetEntry, aggref->args, i)->expr;
}

/*
 * Lists what the node reads of each row: the keys of the query, what the collector has after
 * its first two arguments (units, then narguments arguments), and the value of each sketch.
 */
void
inputs_list(PlannedInputs *inputs, PlannerInfo *root, Aggref *collector, int narguments,
			List *sketches)
{
	int			nargs = list_length(collector->args);
	ListCell   *lc;

	inputs->exprs = get_sortgrouplist_exprs(root->parse->groupClause, root->processed_tlist);
	inputs->nkeys = list_length(inputs->exprs);
	inputs->nunits = nargs - 2 - narguments;
	for (int i = 2; i < nargs; i++)
		inputs->exprs = lappend(inputs->exprs, aggref_argument(collector, i));
	foreach(lc, sketches)
		inputs->exprs = lappend(inputs->exprs, aggref_argument(lfirst(lc), 3));
}

/* The path's columns with the inputs; NIL if one of them must be computed first. */
static List *
find_inputs(const PlannedInputs *inputs, Path *path)
{
	List	   *columns = NIL;
	ListCell   *li;

	foreach(li, inputs->exprs)
	{
		int			i = 0;
		ListCell   *lc;

		foreach(lc, path->pathtarget->exprs)
		{
			i++;
			if (equal(lfirst(lc), lfirst(li)))
				break;
		}
		if (lc == NULL)
			return NIL;
		columns = lappend_int(columns, i);
	}
	return columns;
}

/* The path with the inputs as its columns. */
static Path *
project_inputs(const PlannedInputs *inputs, PlannerInfo *root, RelOptInfo *rel, Path *path)
{
	PathTarget *target = create_empty_pathtarget();
	ListCell   *lc;

	foreach(lc, inputs->exprs)
		add_column_to_pathtarget(target, lfirst(lc), 0);
	target = set_pathtarget_cost_width(root, target);
	return (Path *) create_projection_path(root, rel, path, target);
}

/*
 * The columns of a path with the inputs; the path is replaced by a projection if one of them
 * must be computed first.
 */
List *
inputs_of_path(const PlannedInputs *inputs, PlannerInfo *root, RelOptInfo *rel, Path **path)
{
	List	   *columns = find_inputs(inputs, *path);

	if (columns == NIL)
	{
		*path = project_inputs(inputs, root, rel, *path);
		for (int i = 1; i <= list_length(inputs->exprs); i++)
			columns = lappend_int(columns, i);
	}
	return columns;
}

/* Is it a test that a column with a unit is not NULL?  The list is a node's. */
static bool
is_test_of_unit(Expr *condition, Index varno, const List *numbers)
{
	NullTest   *test = (NullTest *) condition;
	int			first = BOUND_FIRST_COLUMN + list_nth_int(numbers, BOUND_KEYS);
	Var		   *var = IsA(test, NullTest) ? (Var *) test->arg : NULL;

	if (var == NULL || test->nulltesttype != IS_NOT_NULL || test->argisrow || !IsA(var, Var) ||
		var->varno != (int) varno)
		return false;
	for (int i = 0; i < list_nth_int(numbers, BOUND_UNITS); i++)
	{
		if (list_nth_int(numbers, first + i) == var->varattno)
			return true;
	}
	return false;
}

/*
 * Drops the conditions of a scan that hands out whole rows, if all of them say that units are not
 * NULL: the node leaves out rows without an individual itself.
 */
static void
drop_null_tests(SeqScan *scan, const List *numbers)
{
	ListCell   *lc;

	foreach(lc, scan->scan.plan.qual)
	{
		if (!is_test_of_unit(lfirst(lc), scan->scan.scanrelid, numbers))
			return;
	}
	scan->scan.plan.qual = NIL;
}

/*
 * Lets a sequential scan hand out whole rows, as the planner does below an Agg
 * (use_physical_tlist() in createplan.c): that takes no projection.  Returns the node's list of
 * integers with the columns where the inputs are then.
 */
List *
inputs_of_whole_rows(PlannerInfo *root, Plan *child, List *numbers)
{
	List	   *result = list_copy_head(numbers, BOUND_FIRST_COLUMN);
	SeqScan    *scan = (SeqScan *) child;
	List	   *whole;
	ListCell   *lc;

	if (!IsA(child, SeqScan))
		return numbers;
	whole = build_physical_tlist(root, find_base_rel(root, scan->scan.scanrelid));
	if (whole == NIL)
		return numbers;
	for_each_from(lc, numbers, BOUND_FIRST_COLUMN)
	{
		Var		   *var = (Var *) list_nth_node(TargetEntry, child->targetlist,
												lfirst_int(lc) - 1)->expr;

		if (!IsA(var, Var) || var->varno != (int) scan->scan.scanrelid || var->varattno <= 0)
			return numbers;
		result = lappend_int(result, var->varattno);
	}
	child->targetlist = whole;
	drop_null_tests(scan, result);
	return result;
}
