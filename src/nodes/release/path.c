/*
 * path.c
 *		Caps the query of each release with the sealed release node.
 *
 * The rewriter made the query and remembers its description for the time of
 * this planning; here it is recognised by that description's random identity,
 * which nobody else can know.  The node becomes the only path, with constant
 * rows, width and cost, so that no estimate above it depends on data.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "nodes/extensible.h"
#include "nodes/makefuncs.h"
#include "optimizer/cost.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/plancat.h"
#include "optimizer/planner.h"
#include "optimizer/tlist.h"

#include "nodes/custom.h"
#include "nodes/identity.h"
#include "nodes/release/node.h"
#include "nodes/release/path.h"

#define RELEASE_ROWS 100
#define RELEASE_COST 1000.0

static Plan *plan_release(PlannerInfo *root, RelOptInfo *rel, CustomPath *best_path,
						  List *tlist, List *clauses, List *custom_plans);

static const CustomMethods release_methods =
	CUSTOM_METHODS(node_release, plan_release, release_create_state);

/*
 * Caps a release's query; its paths are those of output_rel.  needs: what it rests on, see
 * ReleaseNeed.
 */
void
add_release_path(RelOptInfo *output_rel, Aggref *collector, List *needs)
{
	Const	   *spec = (Const *) linitial_node(TargetEntry, collector->args)->expr;
	Node	   *params = (Node *) lsecond_node(TargetEntry, collector->args)->expr;
	Path	   *child = NULL;
	CustomPath *path;
	ListCell   *lc;

	foreach(lc, output_rel->pathlist)
	{
		Path	   *candidate = lfirst(lc);

		if (child == NULL || candidate->total_cost < child->total_cost)
			child = candidate;
	}
	path = makeNode(CustomPath);
	path->path.pathtype = T_CustomScan;
	path->path.parent = output_rel;
	path->path.pathtarget = copy_pathtarget(child->pathtarget);
	path->path.pathtarget->width = 64;
	path->path.rows = RELEASE_ROWS;
	path->path.startup_cost = path->path.total_cost = RELEASE_COST;
	path->custom_paths = list_make1(child);
	path->custom_private = list_make3(copyObject(spec), copyObject(params), needs);
	path->methods = &release_methods.path;

	output_rel->pathlist = list_make1(path);
	output_rel->partial_pathlist = NIL;
	output_rel->consider_parallel = false;
}

static Plan *
plan_release(PlannerInfo *root, RelOptInfo *rel, CustomPath *best_path,
			 List *tlist, List *clauses, List *custom_plans)
{
	CustomScan *scan = custom_plan_over(custom_plans, tlist, &release_methods);

	scan->custom_exprs = list_make1(lsecond(best_path->custom_private));
	scan->custom_private = list_make2(linitial(best_path->custom_private),
									  lthird(best_path->custom_private));
	return &scan->scan.plan;
}

/* Makes the node known, to workers too; called once from _PG_init. */
void
release_node_init(void)
{
	RegisterCustomScanMethods(&release_methods.scan);
}
