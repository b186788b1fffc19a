/*
 * order.c
 *		Orders of rows that only a declaration promises.
 *
 * PostgreSQL takes an Append of a partitioned table's partitions, one after the other, for
 * sorted by the partition key.  That holds if every row lies within the bounds of its
 * partition, which nobody enforces for foreign partitions.  A row that lies elsewhere would
 * make a merge join miss rows of others, or fail, and would make a grouping see one
 * individual twice.  Where a foreign server says that its rows are sorted, that is no more
 * than its word, either.
 *
 * So such paths lose their order: whatever needs it sorts their rows.  A MergeAppend keeps
 * its order, since it looks at the rows.
 *
 * Nor may the planner know, until all paths are made, that the table is partitioned.
 * grouping_planner() would make its paths anew if it stands alone in FROM, and joins and
 * aggregations could be done partition by partition, which rests on the bounds, too.  After
 * that it may know again, to leave out partitions at run time.
 */
#include "postgres.h"

#include "optimizer/pathnode.h"

#include "planner/order.h"

/* Is the path sorted only because somebody has said so? */
static bool
order_is_declared(const Path *path)
{
	if (path->pathkeys == NIL)
		return false;
	if (IsA(path, AppendPath))
		return list_length(((const AppendPath *) path)->subpaths) > 1;
	return IsA(path, ForeignPath);
}

/*
 * Hides that a relation is partitioned.  The number of partitions is made negative for that, until
 * remember_partitions(): then IS_PARTITIONED_REL() does not hold.  -1 is not used, as it means that the
 * number is not known yet.
 */
void
hide_partitions(RelOptInfo *rel)
{
	rel->consider_partitionwise_join = false;
	if (rel->nparts > 1)
		rel->nparts = -rel->nparts;
}

/*
 * Takes the order from those paths of a protected relation, in a release, that only declare
 * it, and hides that the relation is partitioned.
 */
void
forget_declared_order(RelOptInfo *rel)
{
	List	   *paths = rel->pathlist;
	ListCell   *lc;

	rel->pathlist = NIL;
	foreach(lc, paths)
	{
		Path	   *path = lfirst(lc);

		if (order_is_declared(path))
			path->pathkeys = NIL;
		add_path(rel, path);
	}
	hide_partitions(rel);
}

/* Undoes what hide_partitions() did to numbers of partitions, when all paths are made. */
void
remember_partitions(PlannerInfo *root)
{
	for (int i = 1; i < root->simple_rel_array_size; i++)
	{
		RelOptInfo *rel = root->simple_rel_array[i];

		if (rel != NULL && rel->nparts < -1)
			rel->nparts = -rel->nparts;
	}
}
