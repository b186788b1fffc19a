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

#include "nodes/bound/bound.h"
#include "policy/extension.h"
#include "query/query.h"
#include "nodes/release/release.h"

#define RELEASE_ROWS 100
#define RELEASE_COST 1000.0

static create_upper_paths_hook_type prev_upper_paths_hook = NULL;
static get_relation_info_hook_type prev_relation_info_hook = NULL;
static set_rel_pathlist_hook_type prev_rel_pathlist_hook = NULL;
static set_join_pathlist_hook_type prev_join_pathlist_hook = NULL;

static Plan *plan_release(PlannerInfo *root, RelOptInfo *rel, CustomPath *best_path,
						  List *tlist, List *clauses, List *custom_plans);

static const CustomPathMethods release_path_methods = {
	.CustomName = "DP Release",
	.PlanCustomPath = plan_release,
};

static const CustomScanMethods release_scan_methods = {
	.CustomName = "DP Release",
	.CreateCustomScanState = release_create_state,
};

/* The collector of a query that may be a release's, or NULL. */
static Aggref *
find_collector(PlannerInfo *root)
{
	ListCell   *lc;

	foreach(lc, root->parse->targetList)
	{
		Aggref	   *aggref = (Aggref *) lfirst_node(TargetEntry, lc)->expr;
		DpFunction	function;

		if (!IsA(aggref, Aggref))
			continue;
		function = extension_function(aggref->aggfnoid);
		if (function == DP_FUNC_COLLECT || function == DP_FUNC_COLLECT_BOUNDED ||
			function == DP_FUNC_BOUND)
			return aggref;
	}
	return NULL;
}

/* The collector of a release of this planning, or NULL for any other query. */
static Aggref *
known_collector(PlannerInfo *root)
{
	Aggref	   *collector = planning_releases() ? find_collector(root) : NULL;

	return collector != NULL && planning_known_spec(collector) != NULL ? collector : NULL;
}

/* Caps a release's query; its paths are those of output_rel. */
static void
add_release_path(RelOptInfo *output_rel, Aggref *collector)
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
	path->custom_private = list_make3(copyObject(spec), copyObject(params),
									  planning_needs((ReleaseSpec *) DatumGetPointer(spec->constvalue)));
	path->methods = &release_path_methods;

	output_rel->pathlist = list_make1(path);
	output_rel->partial_pathlist = NIL;
	output_rel->consider_parallel = false;
}

static void
release_upper_paths(PlannerInfo *root, UpperRelationKind stage, RelOptInfo *input_rel,
					RelOptInfo *output_rel, void *extra)
{
	Aggref	   *collector;
	DpFunction	function;

	if (prev_upper_paths_hook)
		prev_upper_paths_hook(root, stage, input_rel, output_rel, extra);
	if (stage == UPPERREL_FINAL && planning_releases())
		remember_partitions(root);
	if (stage != UPPERREL_GROUP_AGG && stage != UPPERREL_FINAL)
		return;
	collector = known_collector(root);
	if (collector == NULL)
		return;
	function = extension_function(collector->aggfnoid);
	if (stage == UPPERREL_FINAL)
		add_release_path(output_rel, collector);
	else if (IS_OTHER_REL(output_rel))
		return;					/* one of the tables of a partitionwise aggregation */
	else if (function == DP_FUNC_BOUND)
		bound_group_paths(root, input_rel, output_rel, collector);
	else if (function == DP_FUNC_COLLECT)
		stream_group_paths(root, input_rel, output_rel, collector);
}

/* The description of a release's plan; NULL if the plan is of something else. */
const ReleaseSpec *
release_plan_spec(const Plan *plan)
{
	const CustomScan *scan = (const CustomScan *) plan;

	if (!IsA(plan, CustomScan) || scan->methods != &release_scan_methods)
		return NULL;
	return (const ReleaseSpec *) DatumGetPointer(linitial_node(Const, scan->custom_private)->constvalue);
}

static Plan *
plan_release(PlannerInfo *root, RelOptInfo *rel, CustomPath *best_path,
			 List *tlist, List *clauses, List *custom_plans)
{
	CustomScan *scan = makeNode(CustomScan);

	scan->scan.plan.targetlist = tlist;
	scan->scan.scanrelid = 0;
	scan->custom_plans = custom_plans;
	scan->custom_scan_tlist = copyObject(tlist);
	scan->custom_exprs = list_make1(lsecond(best_path->custom_private));
	scan->custom_private = list_make2(linitial(best_path->custom_private),
									  lthird(best_path->custom_private));
	scan->methods = &release_scan_methods;
	return &scan->scan.plan;
}

/*
 * Code of the client's that ran at plan time may have said RESET ALL: the planner is
 * about to look at the ends of indexes, which would be counted.
 *
 * Withholds what tells about the rows of protected relations (statistics.c).  Hides partial
 * indexes of relations that are not protected from a statement with releases: their
 * predicates, which may call anything, would be evaluated with rows below a release when a
 * bitmap scan rechecks them.
 */
static void
release_relation_info(PlannerInfo *root, Oid relid, bool inhparent, RelOptInfo *rel)
{
	List	   *kept = NIL;
	ListCell   *lc;

	if (prev_relation_info_hook)
		prev_relation_info_hook(root, relid, inhparent, rel);
	if (planning_quietly())
		quiet_again();
	if (!planning_releases())
		return;
	if (policy_lookup(relid) != NULL)
	{
		withhold_statistics(relid, rel);
		return;
	}
	foreach(lc, rel->indexlist)
	{
		if (lfirst_node(IndexOptInfo, lc)->indpred == NIL)
			kept = lappend(kept, lfirst(lc));
	}
	rel->indexlist = kept;
}

/* Does the path read the rows that a condition asks for, and no others? */
static bool
looks_up(Path *path)
{
	switch (nodeTag(path))
	{
		case T_IndexPath:
			return ((IndexPath *) path)->indexclauses != NIL;
		case T_BitmapHeapPath:
		case T_TidPath:
		case T_TidRangePath:
			return true;
		default:
			return false;
	}
}

/* The paths that look rows up by a condition, or those that read the whole table. */
List *
paths_by_look_up(List *paths, bool look_up)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, paths)
	{
		if (looks_up(lfirst(lc)) == look_up)
			result = lappend(result, lfirst(lc));
	}
	return result;
}

/* The sequential scans, which cheaper paths may have driven out (allpaths.c). */
static void
add_whole_scans(PlannerInfo *root, RelOptInfo *rel)
{
	add_path(rel, create_seqscan_path(root, rel, rel->lateral_relids, 0));
	if (rel->consider_parallel && bms_is_empty(rel->lateral_relids))
	{
		int			workers = compute_parallel_worker(rel, rel->pages, -1,
													  max_parallel_workers_per_gather);

		if (workers > 0)
			add_partial_path(rel, create_seqscan_path(root, rel, NULL, workers));
	}
}

/* The release whose query R is being planned, or one of its sub-selects; NULL if none is. */
static const ReleaseSpec *
enclosing_release(PlannerInfo *root)
{
	Aggref	   *collector = NULL;

	for (; root != NULL && collector == NULL; root = root->parent_root)
		collector = known_collector(root);
	return collector != NULL ? planning_known_spec(collector) : NULL;
}

/*
 * Leaves protected relations their whole scans: one by an index reads pages only where
 * there are rows.  That takes less time, may write (a page is cleaned up by the first who
 * reads it after a change), and counts in what everybody sees of the whole server.
 */
static void
release_rel_pathlist(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	const ReleaseSpec *spec;

	if (prev_rel_pathlist_hook)
		prev_rel_pathlist_hook(root, rel, rti, rte);
	if (!planning_releases() || rte->rtekind != RTE_RELATION || policy_lookup(rte->relid) == NULL)
		return;
	forget_declared_order(rel);
	if (rte->inh || (rte->relkind != RELKIND_RELATION && rte->relkind != RELKIND_MATVIEW))
		return;					/* children of a table have entries of their own */
	if (!dp_setting_index_scans)
	{
		rel->pathlist = paths_by_look_up(rel->pathlist, false);
		rel->partial_pathlist = paths_by_look_up(rel->partial_pathlist, false);
		add_whole_scans(root, rel);
	}
	spec = enclosing_release(root);
	if (spec != NULL)
		wide_rel_pathlist(root, rel, rte, spec);
}

/* Reads the inner side of nested loops once, however many rows the outer one has. */
static void
materialize_inner(List *paths)
{
	ListCell   *lc;

	foreach(lc, paths)
	{
		JoinPath   *join = lfirst(lc);
		Path	   *inner;

		if (!IsA(join, NestPath))
			continue;
		inner = join->innerjoinpath;
		if (PATH_REQ_OUTER(inner) == NULL && !ExecMaterializesOutput(inner->pathtype))
			join->innerjoinpath = (Path *) create_material_path(inner->parent, inner);
	}
}

/*
 * A nested loop would read its inner side for each row of the outer one, which shows in time
 * and in pages that are fetched: with a constant for the unit, as often as one person has rows.
 */
static void
release_join_pathlist(PlannerInfo *root, RelOptInfo *joinrel, RelOptInfo *outerrel,
					  RelOptInfo *innerrel, JoinType jointype, JoinPathExtraData *extra)
{
	if (prev_join_pathlist_hook)
		prev_join_pathlist_hook(root, joinrel, outerrel, innerrel, jointype, extra);
	if (!planning_releases() || enclosing_release(root) == NULL)
		return;
	materialize_inner(joinrel->pathlist);
	materialize_inner(joinrel->partial_pathlist);
}

/* Installs the hooks; called once from _PG_init. */
void
release_path_init(void)
{
	RegisterCustomScanMethods(&release_scan_methods);
	prev_join_pathlist_hook = set_join_pathlist_hook;
	set_join_pathlist_hook = release_join_pathlist;
	prev_rel_pathlist_hook = set_rel_pathlist_hook;
	set_rel_pathlist_hook = release_rel_pathlist;
	prev_relation_info_hook = get_relation_info_hook;
	get_relation_info_hook = release_relation_info;
	prev_upper_paths_hook = create_upper_paths_hook;
	create_upper_paths_hook = release_upper_paths;
}
