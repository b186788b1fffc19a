/*
 * path.c
 *		Plans how a public relation below a release is read.
 *
 * Its only paths are those of DP Public (node.c), over the path that the planner likes best:
 *
 *		DP Public -> scan of the relation
 *
 * one that hands all rows to each process, and one that divides them among the processes of a
 * parallel query.  Statistics, and so orders of joins, are the relation's own: it is public.
 *
 * Conditions that ask for nothing but the relation's row stay with the scan.  Those that ask for
 * more, the value of a sub-select or a column of a query around it, are asked by the node: there a
 * protected row may have its say.  No path is parameterised by other relations, so an index is used
 * for what constants and the client's parameters ask for, never for values of other rows.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include <math.h>

#include "miscadmin.h"
#include "nodes/extensible.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/planmain.h"
#include "optimizer/restrictinfo.h"
#include "optimizer/tlist.h"
#include "parser/parsetree.h"

#include "nodes/custom.h"
#include "nodes/depends.h"
#include "nodes/identity.h"
#include "nodes/public/node.h"
#include "nodes/public/path.h"
#include "spec/shapes.h"

/* What keeping a row, and reading it again, costs in units of cpu_operator_cost. */
#define OPERATORS_PER_KEPT_ROW 2
#define OPERATORS_PER_ROW 1

static Plan *plan_public(PlannerInfo *root, RelOptInfo *rel, CustomPath *best_path, List *tlist,
						 List *clauses, List *custom_plans);

static const CustomMethods public_methods =
	CUSTOM_METHODS(node_public, plan_public, public_create_state);

/* ----------
 * Conditions
 * ----------
 */

static int
by_security_level(const ListCell *a, const ListCell *b)
{
	Index		left = lfirst_node(RestrictInfo, a)->security_level;
	Index		right = lfirst_node(RestrictInfo, b)->security_level;

	return left < right ? -1 : left > right;
}

/*
 * Takes from a relation's conditions those that the node has to ask, and returns them, in an order in
 * which they may be asked.  What may not be asked before one of them goes with it (row security, views
 * that are security barriers).
 */
static List *
take_later_conditions(RelOptInfo *rel)
{
	Index		first = PG_UINT32_MAX;
	List	   *ahead = NIL;
	List	   *later = NIL;
	ListCell   *lc;

	foreach(lc, rel->baserestrictinfo)
	{
		RestrictInfo *condition = lfirst(lc);

		if (depends_on_others((Node *) condition->clause, rel->relid))
			first = Min(first, condition->security_level);
	}
	foreach(lc, rel->baserestrictinfo)
	{
		RestrictInfo *condition = lfirst(lc);

		if (depends_on_others((Node *) condition->clause, rel->relid) ||
			(condition->security_level > first && !condition->leakproof))
			later = lappend(later, condition);
		else
			ahead = lappend(ahead, condition);
	}
	rel->baserestrictinfo = ahead;
	list_sort(later, by_security_level);
	return later;
}

/* ----------
 * Paths
 * ----------
 */

/* The columns of the relation that the node hands on, or its conditions ask for. */
static PathTarget *
columns_read(PlannerInfo *root, RelOptInfo *rel, List *later)
{
	PathTarget *result = create_empty_pathtarget();
	List	   *columns = pull_var_clause((Node *) rel->reltarget->exprs, PVC_RECURSE_PLACEHOLDERS);
	ListCell   *lc;

	columns = list_concat(columns, pull_var_clause((Node *) get_actual_clauses(later),
												   PVC_RECURSE_PLACEHOLDERS));
	foreach(lc, columns)
	{
		Var		   *column = lfirst_node(Var, lc);

		if (column->varno == (int) rel->relid)
			add_new_column_to_pathtarget(result, (Expr *) column);
	}
	return set_pathtarget_cost_width(root, result);
}

/*
 * The path that reads the relation.  Where the node has conditions of its own that is a scan of the whole
 * table: paths that are there already may use indexes for these conditions.
 */
static Path *
reading_path(PlannerInfo *root, RelOptInfo *rel, bool whole)
{
	Path	   *result = NULL;
	ListCell   *lc;

	if (whole)
	{
		/* query/publics.c has left no such tables with children */
		if (planner_rt_fetch(rel->relid, root)->inh)
			refuse_changed();
		result = create_seqscan_path(root, rel, rel->lateral_relids, 0);
		result->param_info = NULL;
		return result;
	}
	foreach(lc, rel->pathlist)
	{
		Path	   *path = lfirst(lc);

		if (path->param_info == NULL &&
			(result == NULL || path->total_cost < result->total_cost))
			result = path;
	}
	return result;
}

/* The node's path; workers: among how many, and the leader, the rows are divided, or 0. */
static Path *
public_path(PlannerInfo *root, RelOptInfo *rel, Path *reading, List *later, int workers)
{
	CustomPath *path = makeNode(CustomPath);
	double		kept = reading->rows;
	double		handed = workers > 0 ? create_seqscan_path(root, rel, NULL, workers)->rows : kept;
	double		bytes = kept * (MAXALIGN(reading->pathtarget->width) +
								MAXALIGN(SizeofMinimalTupleHeader));
	QualCost	cost;

	cost_qual_eval(&cost, later, root);
	path->path.pathtype = T_CustomScan;
	path->path.parent = rel;
	path->path.pathtarget = rel->reltarget;
	path->path.param_info = get_baserel_parampathinfo(root, rel, rel->lateral_relids);
	path->path.parallel_aware = workers > 0;	/* the others: planner/steady.c */
	path->path.parallel_safe = rel->consider_parallel;
	path->path.parallel_workers = workers;
	path->path.rows = workers > 0 ? handed : rel->rows;
	path->path.startup_cost = reading->total_cost + cost.startup + rel->reltarget->cost.startup +
		kept * OPERATORS_PER_KEPT_ROW * cpu_operator_cost;
	if (bytes > get_hash_memory_limit())
		path->path.startup_cost += ceil(bytes / BLCKSZ) * seq_page_cost;
	path->path.total_cost = path->path.startup_cost +
		handed * (OPERATORS_PER_ROW * cpu_operator_cost + cost.per_tuple) +
		path->path.rows * rel->reltarget->cost.per_tuple;
	path->flags = CUSTOMPATH_SUPPORT_PROJECTION;
	path->custom_paths = list_make1(reading);
	path->custom_private = list_make2(makeInteger(workers > 0), later);
	path->methods = &public_methods.path;
	return &path->path;
}

/* Among how many workers the planner would divide the relation. */
static int
workers_of(RelOptInfo *rel)
{
	if (rel->partial_pathlist != NIL)
		return ((Path *) linitial(rel->partial_pathlist))->parallel_workers;
	return rel->pages == 0 ? 0 :
		compute_parallel_worker(rel, rel->pages, -1, max_parallel_workers_per_gather);
}

/*
 * Replaces the paths of a public relation below a release; it is one of FROM, or a member of UNION
 * ALL, not a child of another relation.
 */
void
public_paths(PlannerInfo *root, RelOptInfo *rel)
{
	List	   *later = take_later_conditions(rel);
	bool		lateral = !bms_is_empty(rel->lateral_relids);
	Path	   *reading = reading_path(root, rel, later != NIL || lateral);
	int			workers = workers_of(rel);

	reading = (Path *) create_projection_path(root, rel, reading, columns_read(root, rel, later));

	/* a temporary table is read by the leader alone, and its rows by all */
	if (rel->reloptkind == RELOPT_BASEREL && root->glob->parallelModeOK &&
		is_parallel_safe(root, (Node *) rel->reltarget->exprs) &&
		is_parallel_safe(root, (Node *) get_actual_clauses(later)))
		rel->consider_parallel = true;
	rel->pathlist = NIL;
	rel->partial_pathlist = NIL;
	add_path(rel, public_path(root, rel, reading, later, 0));
	if (rel->consider_parallel && !lateral && workers > 0)
		add_partial_path(rel, public_path(root, rel, reading, later, workers));
}

/* ----------
 * The plan
 * ----------
 */

static Plan *
plan_public(PlannerInfo *root, RelOptInfo *rel, CustomPath *best_path, List *tlist,
			List *clauses, List *custom_plans)
{
	CustomScan *scan = makeNode(CustomScan);
	Plan	   *reading = linitial(custom_plans);
	List	   *later = list_copy(lsecond(best_path->custom_private));

	if (best_path->path.param_info != NULL)
		later = list_concat(later, best_path->path.param_info->ppi_clauses);
	scan->scan.plan.targetlist = tlist;
	scan->scan.plan.qual = list_concat(extract_actual_clauses(later, true),
									   extract_actual_clauses(later, false));
	scan->flags = best_path->flags;
	scan->custom_plans = custom_plans;
	scan->custom_scan_tlist = copyObject(reading->targetlist);
	scan->custom_private = list_make1_int(intVal(linitial(best_path->custom_private)));
	scan->methods = &public_methods.scan;
	return &scan->scan.plan;
}

/* Makes the node known to workers, too; called once from _PG_init. */
void
public_node_init(void)
{
	RegisterCustomScanMethods(&public_methods.scan);
}
