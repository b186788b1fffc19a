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
#include "optimizer/pathnode.h"
#include "optimizer/tlist.h"

#include "nodes/bound/path.h"
#include "nodes/custom.h"
#include "nodes/identity.h"
#include "nodes/shards/node.h"
#include "nodes/shards/path.h"

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
	path->custom_private = (List *) argument;
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
									 list_make3_int(spec->nkeys, nunits, alone));

	partial_group_paths(root, input_rel, grouped_rel, collector, spec, shards_path, private);
}

static Plan *
plan_shards(PlannerInfo *root, RelOptInfo *rel, CustomPath *best_path, List *tlist,
			List *clauses, List *custom_plans)
{
	CustomScan *scan = custom_plan_over(NIL, tlist, &shards_methods);

	scan->custom_private = best_path->custom_private;
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
