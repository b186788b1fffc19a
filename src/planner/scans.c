/*
 * scans.c
 *		Reads protected relations as a whole, and once.
 *
 * A scan by an index reads pages only where there are rows.  That shows: it takes less time,
 * it may write, as a page is cleaned up by the first who reads it after a change, and it
 * moves counters of the whole server, which everybody sees.  A nested loop would read its
 * inner side for each row of the outer one, which shows in time and in pages that are
 * fetched.  With a constant for the unit, that would be once for each row of one individual.
 *
 * What the DBA says may show is another matter: look_ups.c.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "optimizer/cost.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"

#include "core/compat.h"
#include "nodes/identity.h"
#include "planner/scans.h"

/* Does the path read the rows that a condition asks for, and no others? */
bool
looks_up(const Path *path)
{
	switch (nodeTag(path))
	{
		case T_IndexPath:
			return ((const IndexPath *) path)->indexclauses != NIL;
		case T_BitmapHeapPath:
		case T_TidPath:
		case T_TidRangePath:
			return true;
		default:
			return false;
	}
}

/* The paths that look rows up by a condition, or those that read the whole table. */
static List *
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

/*
 * Adds sequential scans, as set_plain_rel_pathlist() does (allpaths.c): cheaper paths, which
 * are gone now, may have driven them out.
 */
void
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

/* Takes from a relation all paths except those that read the whole table. */
void
leave_whole_scans(PlannerInfo *root, RelOptInfo *rel)
{
	rel->pathlist = paths_by_look_up(rel->pathlist, false);
	rel->partial_pathlist = paths_by_look_up(rel->partial_pathlist, false);
	add_whole_scans(root, rel);
}

/* Takes from a relation the paths that read the whole table. */
void
drop_whole_scans(RelOptInfo *rel)
{
	rel->pathlist = paths_by_look_up(rel->pathlist, true);
	rel->partial_pathlist = paths_by_look_up(rel->partial_pathlist, true);
}

/* Is the path that of a public relation, whose rows its node keeps? */
static bool
keeps_rows(const Path *path)
{
	return IsA(path, CustomPath) && ((const CustomPath *) path)->methods->CustomName == node_public;
}

/*
 * Has nested loops keep what they read of their inner side, so that it is read once.  Rows that are kept
 * already are not kept again, in each process.
 */
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
		if (IsA(inner, MaterialPath) && keeps_rows(((MaterialPath *) inner)->subpath))
			join->innerjoinpath = ((MaterialPath *) inner)->subpath;
		else if (PATH_REQ_OUTER(inner) == NULL && !ExecMaterializesOutput(inner->pathtype) &&
				 !keeps_rows(inner))
			join->innerjoinpath = (Path *) DP_MATERIAL_PATH(inner->parent, inner);
	}
}

/* Has all nested loops among the paths of a join read their inner sides once. */
void
keep_inner_sides(RelOptInfo *joinrel)
{
	materialize_inner(joinrel->pathlist);
	materialize_inner(joinrel->partial_pathlist);
}
