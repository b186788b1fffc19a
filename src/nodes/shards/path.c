/*
 * path.c
 *		Plans the nodes of releases over tables of Citus.
 *
 * On the coordinator, states come from a node that has the pieces' query run:
 *
 *		DP Release -> Agg (combine) -> DP Shards
 *
 * Wherever a piece is computed, a node stands on top of its plan, as DP Release does elsewhere:
 *
 *		DP Piece -> Agg (combine) -> [Gather ->] DP Bound -> rows of FROM
 */
#include "postgres.h"

#include "nodes/extensible.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/pathnode.h"
#include "optimizer/restrictinfo.h"
#include "optimizer/tlist.h"

#include "nodes/bound/path.h"
#include "nodes/custom.h"
#include "nodes/identity.h"
#include "nodes/shards/node.h"
#include "nodes/shards/path.h"
#include "policy/extension.h"

/* What the node is thought to cost: nothing competes with it. */
#define SHARDS_COST 1000.0

static Plan *plan_shards(PlannerInfo *root, RelOptInfo *rel, CustomPath *best_path, List *tlist,
						 List *clauses, List *custom_plans);
static Plan *plan_piece(PlannerInfo *root, RelOptInfo *rel, CustomPath *best_path, List *tlist,
						List *clauses, List *custom_plans);

static const CustomMethods shards_methods =
	CUSTOM_METHODS(node_shards, plan_shards, shards_create_state);

static const CustomMethods piece_methods =
	CUSTOM_METHODS(node_piece, plan_piece, piece_create_state);

/* The values that the query hands over, arguments of the call that stands for the pieces (query/shards_released.c). */
static List *
values_of_call(PlannerInfo *root)
{
	RangeTblEntry *rte = linitial(root->parse->rtable);
	FuncExpr   *call = castNode(FuncExpr, linitial_node(RangeTblFunction, rte->functions)->funcexpr);

	return list_copy_tail(call->args, 1);
}

/* The path of the states that come; argument: the node's private list. */
static Path *
shards_path(PlannerInfo *root, RelOptInfo *grouped_rel, PathTarget *target, const void *argument)
{
	CustomPath *path = makeNode(CustomPath);

	path->path.pathtype = T_CustomScan;
	path->path.parent = grouped_rel;
	path->path.pathtarget = target;
	path->path.rows = root->parse->groupClause == NIL ? 1 : 1000;
	path->path.startup_cost = path->path.total_cost = SHARDS_COST;
	path->custom_private = lappend(list_copy((List *) argument), values_of_call(root));
	path->methods = &shards_methods.path;
	return &path->path;
}

/*
 * Plans a release whose states are computed in pieces: by this query, with so many columns that tell the
 * individual, on one machine or several.
 */
void
shards_group_paths(PlannerInfo *root, RelOptInfo *input_rel, RelOptInfo *grouped_rel,
				   Aggref *collector, const ReleaseSpec *spec, Query *piece, int nunits, bool alone)
{
	List	   *private = list_make3(copyObject(linitial_node(TargetEntry, collector->args)->expr),
									 copyObject(piece),
									 list_make2_int(nunits, alone));

	partial_group_paths(root, input_rel, grouped_rel, collector, spec, shards_path, private);
}

/* Plans an entry of FROM that stands for rows of a public table: by this query, which has the same columns. */
void
shards_scan_paths(PlannerInfo *root, RelOptInfo *rel, Query *rows)
{
	CustomPath *path = makeNode(CustomPath);

	path->path.pathtype = T_CustomScan;
	path->path.parent = rel;
	path->path.pathtarget = rel->reltarget;
	path->path.param_info = get_baserel_parampathinfo(root, rel, rel->lateral_relids);
	path->path.rows = rel->rows;
	path->path.startup_cost = path->path.total_cost = SHARDS_COST;
	path->flags = CUSTOMPATH_SUPPORT_PROJECTION;
	path->custom_private = list_make1(copyObject(rows));
	path->methods = &shards_methods.path;
	rel->pathlist = NIL;
	rel->partial_pathlist = NIL;
	add_path(rel, &path->path);
}

/* The columns of the rows that a query hands out, as those of an entry of FROM. */
static List *
columns_of_rows(Query *rows, Index varno)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, rows->targetList)
	{
		TargetEntry *tle = lfirst(lc);
		Node	   *expr = (Node *) tle->expr;

		result = lappend(result, makeTargetEntry((Expr *) makeVar(varno, tle->resno, exprType(expr),
																  exprTypmod(expr),
																  exprCollation(expr), 0),
												 tle->resno, NULL, false));
	}
	return result;
}

/* Conditions that the grain calls of a piece stand in are none of this plan, but are told of (nodes/release/grains.c). */
static bool
grains_walker(Node *node, List **calls)
{
	DpFunction	function;

	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, grains_walker, calls, 0);
	function = IsA(node, FuncExpr) ? extension_function(((FuncExpr *) node)->funcid) : DP_FUNC_NONE;
	if (function == DP_FUNC_GRAIN_END || function == DP_FUNC_GRAIN_END_ZONED)
		*calls = lappend(*calls, copyObject(node));
	return expression_tree_walker(node, grains_walker, calls);
}

static Plan *
plan_shards(PlannerInfo *root, RelOptInfo *rel, CustomPath *best_path, List *tlist,
			List *clauses, List *custom_plans)
{
	CustomScan *scan = custom_plan_over(NIL, tlist, &shards_methods);

	scan->custom_private = best_path->custom_private;
	if (list_length(scan->custom_private) > 1)
	{
		List	   *values = lfourth(best_path->custom_private);

		scan->custom_private = list_copy_head(best_path->custom_private, 3);
		lthird(scan->custom_private) = lappend_int(list_copy(lthird(best_path->custom_private)),
												   list_length(values));
		scan->custom_exprs = list_copy(values);
		(void) grains_walker(lsecond(scan->custom_private), &scan->custom_exprs);
	}
	else
	{
		scan->scan.plan.qual = extract_actual_clauses(clauses, false);
		scan->custom_scan_tlist = columns_of_rows(linitial(scan->custom_private), rel->relid);
		scan->flags = best_path->flags;
	}
	return &scan->scan.plan;
}

/* Caps the query of a piece, whose paths are those of output_rel.  head: as it was sent. */
void
add_piece_path(RelOptInfo *output_rel, Const *head)
{
	Path	   *child = NULL;
	CustomPath *path = makeNode(CustomPath);
	ListCell   *lc;

	foreach(lc, output_rel->pathlist)
	{
		Path	   *candidate = lfirst(lc);

		if (child == NULL || candidate->total_cost < child->total_cost)
			child = candidate;
	}
	path->path.pathtype = T_CustomScan;
	path->path.parent = output_rel;
	path->path.pathtarget = copy_pathtarget(child->pathtarget);
	path->path.rows = child->rows;
	path->path.startup_cost = path->path.total_cost = child->total_cost;
	path->custom_paths = list_make1(child);
	path->custom_private = list_make1(copyObject(head));
	path->methods = &piece_methods.path;
	output_rel->pathlist = list_make1(path);
	output_rel->partial_pathlist = NIL;
	output_rel->consider_parallel = false;
}

static Plan *
plan_piece(PlannerInfo *root, RelOptInfo *rel, CustomPath *best_path, List *tlist,
		   List *clauses, List *custom_plans)
{
	CustomScan *scan = custom_plan_over(custom_plans, tlist, &piece_methods);

	scan->custom_private = best_path->custom_private;
	return &scan->scan.plan;
}

/* Makes the nodes known; called once from _PG_init. */
void
shards_nodes_init(void)
{
	RegisterCustomScanMethods(&shards_methods.scan);
	RegisterCustomScanMethods(&piece_methods.scan);
}
