/*
 * paths.c
 *		The hooks by which the planner asks for paths: who makes or changes which.
 *
 * The query of a release is recognised by its collector, an aggregate whose description
 * this planning has made (query/planning.c).  In that query and its sub-selects, protected
 * relations are read as planner/scans.c and nodes/release/wide.c say, and public ones ahead of them
 * (nodes/public).  Its grouping is done by the nodes of nodes/bound, and on top of all stands the
 * release node.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/plancat.h"
#include "optimizer/planner.h"
#include "parser/parsetree.h"

#include "core/compat.h"
#include "core/settings.h"
#include "hooks/hooks.h"
#include "nodes/bound/path.h"
#include "nodes/public/path.h"
#include "nodes/release/path.h"
#include "nodes/release/wide.h"
#include "nodes/shards/path.h"
#include "planner/joins.h"
#include "planner/look_ups.h"
#include "planner/order.h"
#include "planner/scans.h"
#include "planner/statistics.h"
#include "policy/cache.h"
#include "policy/extension.h"
#include "query/planning.h"
#include "query/shards_outside.h"
#include "session/quiet.h"
#include "spec/spec.h"

static create_upper_paths_hook_type prev_upper_paths_hook = NULL;
static DP_RELATION_INFO_HOOK_TYPE prev_relation_info_hook = NULL;
static set_rel_pathlist_hook_type prev_rel_pathlist_hook = NULL;
static set_join_pathlist_hook_type prev_join_pathlist_hook = NULL;
static join_search_hook_type prev_join_search_hook = NULL;

/* The collector among the outputs of a query, whoever wrote it there; NULL if there is none. */
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
			function == DP_FUNC_COLLECT_CLIPPED || function == DP_FUNC_BOUND)
			return aggref;
	}
	return NULL;
}

/*
 * The collector of a query that is a release's and was made by this planning, with the
 * release's description in *spec; else NULL, and so is *spec.
 */
static Aggref *
known_collector(PlannerInfo *root, const ReleaseSpec **spec)
{
	Aggref	   *collector = planning_releases() ? find_collector(root) : NULL;

	*spec = collector != NULL ? planning_known_spec(collector) : NULL;
	return *spec != NULL ? collector : NULL;
}

/*
 * The release to whose query the query that is being planned belongs: it is that query, or
 * a sub-select of it.  NULL if there is none.
 */
static const ReleaseSpec *
enclosing_release(PlannerInfo *root)
{
	const ReleaseSpec *spec = NULL;

	for (; root != NULL && spec == NULL; root = root->parent_root)
		(void) known_collector(root, &spec);
	return spec;
}

/* create_upper_paths_hook */
static void
upper_paths(PlannerInfo *root, UpperRelationKind stage, RelOptInfo *input_rel,
			RelOptInfo *output_rel, void *extra)
{
	Aggref	   *collector;
	const ReleaseSpec *spec;
	DpFunction	function;
	const PlannedPiece *piece;

	if (prev_upper_paths_hook)
		prev_upper_paths_hook(root, stage, input_rel, output_rel, extra);
	if (stage == UPPERREL_FINAL && planning_releases())
		remember_partitions(root);
	if (stage != UPPERREL_GROUP_AGG && stage != UPPERREL_FINAL)
		return;
	collector = known_collector(root, &spec);
	if (collector == NULL)
		return;
	function = extension_function(collector->aggfnoid);
	piece = planning_piece(spec);
	if (stage == UPPERREL_FINAL && planning_head() != NULL)
	{
		add_piece_path(output_rel, planning_head());
		return;
	}
	if (stage == UPPERREL_FINAL)
	{
		add_release_path(output_rel, collector, planning_needs(spec));
		return;
	}
	if (IS_OTHER_REL(output_rel) || (function != DP_FUNC_BOUND && function != DP_FUNC_COLLECT))
		return;					/* a table of a partitionwise aggregation, or the planner's
								 * own way */
	root->parse->groupClause = planning_groups(spec);
	if (piece != NULL)
		shards_group_paths(root, input_rel, output_rel, collector, spec, piece->query, piece->nunits,
						   piece->alone);
	else if (function == DP_FUNC_BOUND)
		bound_group_paths(root, input_rel, output_rel, collector, spec);
	else
		stream_group_paths(root, input_rel, output_rel, collector, spec);
}

/*
 * DP_RELATION_INFO_HOOK: what the planner finds out about a relation.
 *
 * Counters are switched off again here, as code of the client's that ran at plan time may
 * have said RESET ALL: the planner is about to look at the ends of indexes, which would be
 * counted.
 */
static void
relation_info(DP_RELATION_INFO_ARGS(root, rel))
{
	RangeTblEntry *rte = planner_rt_fetch(rel->relid, root);
	const ReleaseSpec *spec;

	if (prev_relation_info_hook)
		prev_relation_info_hook(DP_RELATION_INFO_PASS(root, rel));
	if (planning_quietly())
		quiet_again();
	if (planning_head() != NULL || !planning_releases() || rte->rtekind != RTE_RELATION)
		return;
	if (policy_lookup(rte->relid) != NULL)
	{
		withhold_statistics(rte->relid, rel);
		return;
	}
	hide_partial_indexes(rel);
	spec = enclosing_release(root);
	if (spec != NULL)
		planning_tell_unique(spec, believe_unique_indexes(rel));
}

/*
 * Replaces the paths that read a whole table by DP Scan, if the release reads columns with
 * wide values and the table has any.  Returns whether it has done so.
 */
static bool
scan_wide_values(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte, const ReleaseSpec *spec)
{
	List	   *columns = wide_columns_read(root, rel->relid, planning_wide(spec));
	BlockNumber pages;

	if (columns == NIL)
		return false;
	pages = wide_pages(rte->relid);
	if (pages == 0)
	{
		planning_read_plainly(spec, rte->relid);
		return false;
	}
	drop_whole_scans(rel);
	wide_add_paths(root, rel, columns, pages);
	return true;
}

/* Is the relation one of FROM, or of UNION ALL, and not a child of another relation? */
static bool
stands_alone(PlannerInfo *root, RelOptInfo *rel)
{
	AppendRelInfo *member = root->append_rel_array ? root->append_rel_array[rel->relid] : NULL;

	return member == NULL ||
		planner_rt_fetch(member->parent_relid, root)->rtekind != RTE_RELATION;
}

/* Has a public relation read ahead of protected rows, if it stands below a release. */
static void
read_public_ahead(PlannerInfo *root, RelOptInfo *rel)
{
	if (IS_DUMMY_REL(rel) || !stands_alone(root, rel) || enclosing_release(root) == NULL)
		return;
	hide_partitions(rel);
	public_paths(root, rel);
}

/* set_rel_pathlist_hook: how a relation is read */
static void
rel_pathlist(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	const ProtectedRelation *policy;
	const ReleaseSpec *spec;

	if (prev_rel_pathlist_hook)
		prev_rel_pathlist_hook(root, rel, rti, rte);
	if (planning_head() != NULL || !planning_releases())
		return;
	if (number_of_rows(rte) > 0 && planning_rows(number_of_rows(rte)) != NULL)
		shards_scan_paths(root, rel, planning_rows(number_of_rows(rte)));
	if (rte->rtekind != RTE_RELATION)
		return;
	policy = policy_lookup(rte->relid);
	if (policy == NULL)
	{
		read_public_ahead(root, rel);
		return;
	}
	forget_declared_order(rel);
	if (rte->inh || (rte->relkind != RELKIND_RELATION && rte->relkind != RELKIND_MATVIEW))
		return;					/* children of a table have entries of their own */
	if (!dp_setting_index_scans)
		leave_whole_scans(root, rel);
	if (IS_DUMMY_REL(rel))
		return;
	spec = enclosing_release(root);
	if (spec != NULL && scan_wide_values(root, rel, rte, spec))
		return;					/* of every row, or a condition would show by what is fetched */
	if (!dp_setting_index_scans)
		add_declared_look_ups(root, rel, policy, rte->relid);
}

/* set_join_pathlist_hook: how two relations are joined */
static void
join_pathlist(PlannerInfo *root, RelOptInfo *joinrel, RelOptInfo *outerrel,
			  RelOptInfo *innerrel, JoinType jointype, JoinPathExtraData *extra)
{
	if (prev_join_pathlist_hook)
		prev_join_pathlist_hook(root, joinrel, outerrel, innerrel, jointype, extra);
	if (planning_head() != NULL || !planning_releases() || enclosing_release(root) == NULL)
		return;
	keep_inner_sides(joinrel);
}

/* join_search_hook: in which order relations are joined */
static RelOptInfo *
join_search(PlannerInfo *root, int levels_needed, List *initial_rels)
{
	if (planning_head() == NULL && planning_releases() && enclosing_release(root) != NULL &&
		!dp_setting_index_scans)
		return search_joins(root, levels_needed, initial_rels, prev_join_search_hook);
	return search_as_ever(root, levels_needed, initial_rels, prev_join_search_hook);
}

/* Installs the hooks; called once from _PG_init. */
void
path_hooks_init(void)
{
	prev_join_pathlist_hook = set_join_pathlist_hook;
	set_join_pathlist_hook = join_pathlist;
	prev_rel_pathlist_hook = set_rel_pathlist_hook;
	set_rel_pathlist_hook = rel_pathlist;
	prev_join_search_hook = join_search_hook;
	join_search_hook = join_search;
	prev_relation_info_hook = DP_RELATION_INFO_HOOK;
	DP_RELATION_INFO_HOOK = relation_info;
	prev_upper_paths_hook = create_upper_paths_hook;
	create_upper_paths_hook = upper_paths;
}
