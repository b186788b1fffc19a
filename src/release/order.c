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
 */
#include "postgres.h"

#include "optimizer/pathnode.h"

#include "release/release.h"

static bool
order_is_declared(const Path *path)
{
	if (path->pathkeys == NIL)
		return false;
	if (IsA(path, AppendPath))
		return list_length(((const AppendPath *) path)->subpaths) > 1;
	return IsA(path, ForeignPath);
}

/* Takes the paths of a protected relation, in a release, for no more sorted than they are. */
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
}
