/*
 * order.c
 *		Orders of rows that only a declaration promises.
 *
 * PostgreSQL takes an Append of a partitioned table's partitions, one after the other, for
 * sorted by the partition key.  That is so if every row lies within the bounds of its
 * partition, which nobody enforces for foreign partitions.  A row that does not would make
 * a merge join miss rows of others, or fail, and a grouping see one individual twice.  Nor
 * is a foreign server's word for an order more than that.
 *
 * So such paths keep their rows and lose their order: what needs it sorts.  A MergeAppend
 * looks at the rows, and so stays sorted.
 *
 * grouping_planner() makes the paths of a partitioned table anew if it stands alone in
 * FROM, or joins and aggregates partition by partition, which rests on the bounds, too.
 * Until all paths are made it must not know that the table is partitioned; only then
 * it may, to leave out partitions at run time.
 */
#include "postgres.h"

#include "optimizer/pathnode.h"

#include "planner/order.h"

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
 * Takes the paths of a protected relation, in a release, for no more sorted than they are.
 * Without a positive number of partitions it is none of IS_PARTITIONED_REL(); -1 is what the
 * number is before it is known.
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
	rel->consider_partitionwise_join = false;
	if (rel->nparts > 1)
		rel->nparts = -rel->nparts;
}

/* All paths of the query are made: its relations may be partitioned again. */
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
