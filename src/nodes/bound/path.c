/*
 * path.c
 *		Plans the nodes below the aggregation of a release's groups.
 *
 * The query of a bounded release is
 *
 *		SELECT keys, bound(spec, params, unit, x...), bound_sketch(spec, params, i, x)...
 *		FROM ... GROUP BY keys
 *
 * whose aggregates have a combine function, but no way to add a row.  Its only paths are
 * Finalize aggregations over the bounding node, which hands out partial states:
 *
 *		Agg (combine) -> [Gather ->] DP Bound -> rows of FROM
 *
 * In a parallel plan the node lies below Gather, over a partial path.
 *
 * Where each row is an individual the query is
 *
 *		SELECT keys, collect(spec, params, x...), sketch(spec, params, i, x)...
 *		FROM ... GROUP BY keys
 *
 * which any aggregation can do.  If groups are few beside rows, DP Stream takes the place
 * of DP Bound: it adds a row to its group in less time than an Agg takes to find the group.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "nodes/makefuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/planner.h"
#include "optimizer/prep.h"
#include "optimizer/tlist.h"

#include "aggregate/sum.h"
#include "core/settings.h"
#include "nodes/bound/inputs.h"
#include "nodes/bound/layout.h"
#include "nodes/bound/node.h"
#include "nodes/bound/path.h"
#include "nodes/bound/stream.h"
#include "nodes/custom.h"
#include "nodes/identity.h"
#include "policy/extension.h"
#include "spec/domain.h"
#include "spec/spec.h"
#include "spec/value_key.h"

/* What a row costs in the nodes, in units of cpu_operator_cost. */
#define OPERATORS_PER_ROW 4
#define OPERATORS_PER_STREAMED_ROW 1

/* With fewer rows per group than this, the states that leave the node cost more than it saves. */
#define LEAST_ROWS_PER_GROUP 4

static Plan *plan_bound(PlannerInfo *root, RelOptInfo *rel, CustomPath *best_path, List *tlist,
						List *clauses, List *custom_plans);

static const CustomMethods bound_methods =
	CUSTOM_METHODS(node_bound, plan_bound, bound_create_state);

static const CustomMethods stream_methods =
	CUSTOM_METHODS(node_stream, plan_bound, stream_create_state);

/* What the node is to read and to hand out. */
typedef struct BoundPlanning
{
	PlannerInfo *root;
	RelOptInfo *input_rel;
	RelOptInfo *grouped_rel;
	Aggref	   *collector;
	const ReleaseSpec *spec;
	List	   *sketches;		/* of Aggref, in their order */
	PlannedInputs inputs;
	PathTarget *partial;		/* keys, states */
	AggClauseCosts final_costs;
	double		groups;
} BoundPlanning;

/* The methods of the node for rows with "nunits" columns that tell the individual. */
static const CustomMethods *
methods_for(int nunits)
{
	return nunits > 0 ? &bound_methods : &stream_methods;
}

/* The aggregates of sketches in the order of their positions. */
static List *
find_sketches(PlannerInfo *root, int n)
{
	Aggref	  **found = palloc0(n * sizeof(Aggref *));
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, root->processed_tlist)
	{
		Aggref	   *aggref = (Aggref *) lfirst_node(TargetEntry, lc)->expr;
		DpFunction	function = IsA(aggref, Aggref) ?
			extension_function(aggref->aggfnoid) : DP_FUNC_NONE;

		if (function == DP_FUNC_BOUND_SKETCH || function == DP_FUNC_SKETCH)
			found[DatumGetInt32(castNode(Const, aggref_argument(aggref, 2))->constvalue)] = aggref;
	}
	for (int i = 0; i < n; i++)
		result = lappend(result, found[i]);
	return result;
}

static void
add_partial(PathTarget *target, Aggref *aggref)
{
	aggref = copyObject(aggref);
	mark_partial_aggref(aggref, AGGSPLIT_INITIAL_SERIAL);
	add_column_to_pathtarget(target, (Expr *) aggref, 0);
}

/* What the node hands out: keys with their sort group references, states. */
static void
make_partial_target(BoundPlanning *planning)
{
	PathTarget *target = create_empty_pathtarget();
	ListCell   *lc;

	foreach(lc, planning->root->parse->groupClause)
	{
		SortGroupClause *clause = lfirst(lc);

		add_column_to_pathtarget(target,
								 (Expr *) get_sortgroupclause_expr(clause,
																   planning->root->processed_tlist),
								 clause->tleSortGroupRef);
	}
	add_partial(target, planning->collector);
	foreach(lc, planning->sketches)
		add_partial(target, lfirst(lc));
	planning->partial = set_pathtarget_cost_width(planning->root, target);
}

/*
 * The number of rows that the node is to be prepared for, in one participant.  It is that of the
 * largest relation below, whatever conditions are thought to leave of it: nothing is known of how
 * many rows that will be (planner/statistics.c).
 */
static int
rows_to_expect(const BoundPlanning *planning, const Path *input, bool parallel)
{
	double		most = 0;
	int			i = -1;

	while ((i = bms_next_member(planning->input_rel->relids, i)) >= 0)
	{
		const RelOptInfo *rel = planning->root->simple_rel_array[i];

		if (rel != NULL)
			most = Max(most, rel->tuples);
	}
	if (parallel)
		most /= input->parallel_workers + 1;
	return (int) Min(Max(input->rows, most), PG_INT32_MAX);
}

/* What the node's work costs. */
static Cost
cost_of_rows(const BoundPlanning *planning, double rows)
{
	return rows * cpu_operator_cost *
		(planning->inputs.nunits > 0 ? OPERATORS_PER_ROW : OPERATORS_PER_STREAMED_ROW);
}

/* The node over a path. */
static Path *
bound_path(BoundPlanning *planning, Path *input, bool parallel)
{
	int			nunits = planning->inputs.nunits;
	CustomPath *result = makeNode(CustomPath);
	List	   *columns = inputs_of_path(&planning->inputs, planning->root, planning->input_rel,
										 &input);
	List	   *numbers = list_make5_int(rows_to_expect(planning, input, parallel),
										 planning->inputs.nkeys, nunits,
										 planning->spec->narguments, planning->spec->nsketches);

	result->path.pathtype = T_CustomScan;
	result->path.parent = planning->grouped_rel;
	result->path.pathtarget = planning->partial;
	result->path.rows = Min(planning->groups, Max(input->rows, 1));
	result->path.startup_cost = input->total_cost + cost_of_rows(planning, input->rows);
	result->path.total_cost = result->path.startup_cost + result->path.rows * cpu_tuple_cost;
	result->path.parallel_aware = parallel && nunits > 0;
	result->path.parallel_safe = planning->grouped_rel->consider_parallel &&
		input->parallel_safe;
	result->path.parallel_workers = parallel ? input->parallel_workers : 0;
	result->custom_paths = list_make1(input);
	result->custom_private = list_make3(copyObject(aggref_argument(planning->collector, 0)),
										list_concat(numbers, columns),
										copyObject(aggref_argument(planning->collector, 1)));
	result->methods = &methods_for(nunits)->path;
	return (Path *) result;
}

/* About what the states of all groups take. */
static double
size_of_states(const BoundPlanning *planning)
{
	double		rows = planning->input_rel->cheapest_total_path->rows / planning->groups;
	double		size = COLLECT_STATE_SIZE(spec_sums(planning->spec));

	for (int i = 0; i < planning->spec->nsketches; i++)
		size += planning->spec->sketches[i].kind == SPEC_SKETCH_CELLS ?
			Min(rows * sizeof(uint32), DP_MAX_CELLS * sizeof(int64)) :
			rows * 2 * sizeof(uint64);
	return size * planning->groups;
}

static void
add_final_path(BoundPlanning *planning, Path *states, AggStrategy strategy)
{
	RelOptInfo *rel = planning->grouped_rel;

	add_path(rel, (Path *) create_agg_path(planning->root, rel, states, rel->reltarget, strategy,
										   AGGSPLIT_FINAL_DESERIAL,
										   planning->root->parse->groupClause, NIL,
										   &planning->final_costs, planning->groups));
}

/*
 * Adds the aggregations that combine the states of a path.  The planner does not know that
 * sorting states means copying them, so it may choose to sort only if they may not fit into
 * memory.
 */
static void
add_final_paths(BoundPlanning *planning, Path *states)
{
	PlannerInfo *root = planning->root;

	if (root->parse->groupClause == NIL)
	{
		add_final_path(planning, states, AGG_PLAIN);
		return;
	}
	add_final_path(planning, states, AGG_HASHED);
	if (enable_hashagg && size_of_states(planning) <= get_hash_memory_limit())
		return;
	/* keys that are constants, also because of conditions, leave nothing to sort by */
	if (root->group_pathkeys != NIL)
		states = (Path *) create_sort_path(root, planning->grouped_rel, states,
										   root->group_pathkeys, -1.0);
	add_final_path(planning, states, AGG_SORTED);
}

/* Replaces the paths of a release's grouping by those over the node. */
static void
replace_paths(BoundPlanning *planning)
{
	RelOptInfo *input_rel = planning->input_rel;
	RelOptInfo *grouped_rel = planning->grouped_rel;

	make_partial_target(planning);
	get_agg_clause_costs(planning->root, AGGSPLIT_FINAL_DESERIAL, &planning->final_costs);

	grouped_rel->pathlist = NIL;
	grouped_rel->partial_pathlist = NIL;
	add_final_paths(planning, bound_path(planning, input_rel->cheapest_total_path, false));
	if (grouped_rel->consider_parallel && input_rel->partial_pathlist != NIL)
	{
		Path	   *path = bound_path(planning, linitial(input_rel->partial_pathlist), true);
		double		rows = path->rows * (path->parallel_workers + 1);

		if (path->parallel_safe)
			add_final_paths(planning,
							(Path *) create_gather_path(planning->root, grouped_rel, path,
														planning->partial, NULL, &rows));
	}
}

/* The collector's description is known to be ours. */
static void
start_planning(BoundPlanning *planning, PlannerInfo *root, RelOptInfo *input_rel,
			   RelOptInfo *grouped_rel, Aggref *collector, const ReleaseSpec *spec)
{
	memset(planning, 0, sizeof(BoundPlanning));
	planning->root = root;
	planning->input_rel = input_rel;
	planning->grouped_rel = grouped_rel;
	planning->collector = collector;
	planning->spec = spec;
	planning->sketches = find_sketches(root, planning->spec->nsketches);
	planning->groups = ((Path *) linitial(grouped_rel->pathlist))->rows;
}

/* Notes what a node is to read of each row. */
static void
list_inputs(BoundPlanning *planning)
{
	inputs_list(&planning->inputs, planning->root, planning->collector,
				planning->spec->narguments, planning->sketches);
}

/*
 * Plans a release whose states come from elsewhere: a path for them is made by make(), with the
 * columns of the target, keys and states, and "argument" handed on.
 */
void
partial_group_paths(PlannerInfo *root, RelOptInfo *input_rel, RelOptInfo *grouped_rel,
					Aggref *collector, const ReleaseSpec *spec, MakePartialPath make,
					const void *argument)
{
	BoundPlanning planning;

	start_planning(&planning, root, input_rel, grouped_rel, collector, spec);
	make_partial_target(&planning);
	get_agg_clause_costs(root, AGGSPLIT_FINAL_DESERIAL, &planning.final_costs);
	grouped_rel->pathlist = NIL;
	grouped_rel->partial_pathlist = NIL;
	add_final_paths(&planning, make(root, grouped_rel, planning.partial, argument));
}

/*
 * Plans a release whose collector is bound(): there is no other way but the bounding node.
 */
void
bound_group_paths(PlannerInfo *root, RelOptInfo *input_rel, RelOptInfo *grouped_rel,
				  Aggref *collector, const ReleaseSpec *spec)
{
	BoundPlanning planning;

	start_planning(&planning, root, input_rel, grouped_rel, collector, spec);
	list_inputs(&planning);
	replace_paths(&planning);
}

/*
 * Plans a release whose collector is collect(), if DP Stream finds groups as the types of
 * their keys do, and does it faster than an Agg.
 */
void
stream_group_paths(PlannerInfo *root, RelOptInfo *input_rel, RelOptInfo *grouped_rel,
				   Aggref *collector, const ReleaseSpec *spec)
{
	BoundPlanning planning;
	List	   *keys;

	start_planning(&planning, root, input_rel, grouped_rel, collector, spec);
	list_inputs(&planning);
	keys = list_copy_head(planning.inputs.exprs, planning.inputs.nkeys);
	if (dp_setting_bound_node && keys_are_exact(keys) &&
		(keys == NIL ||
		 planning.groups * LEAST_ROWS_PER_GROUP <= input_rel->cheapest_total_path->rows))
		replace_paths(&planning);
}

static Plan *
plan_bound(PlannerInfo *root, RelOptInfo *rel, CustomPath *best_path, List *tlist,
		   List *clauses, List *custom_plans)
{
	List	   *numbers = inputs_of_whole_rows(root, linitial(custom_plans),
											   lsecond(best_path->custom_private));
	CustomScan *scan = custom_plan_over(custom_plans, tlist,
										methods_for(list_nth_int(numbers, BOUND_UNITS)));

	scan->custom_exprs = list_make1(lthird(best_path->custom_private));
	scan->custom_private = list_make2(linitial(best_path->custom_private), numbers);
	return &scan->scan.plan;
}

/* Makes the nodes known to workers, too; called once from _PG_init. */
void
bound_nodes_init(void)
{
	RegisterCustomScanMethods(&bound_methods.scan);
	RegisterCustomScanMethods(&stream_methods.scan);
}

PG_FUNCTION_INFO_V1(dp_bound_transition);

/*
 * bound_transition(), bound_sketch_transition(): the node adds the rows.  Raises
 * ERRCODE_FEATURE_NOT_SUPPORTED.
 */
PGDLLEXPORT Datum
dp_bound_transition(PG_FUNCTION_ARGS)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("this function is only used inside releases of dp_agg")));
	PG_RETURN_NULL();
}
