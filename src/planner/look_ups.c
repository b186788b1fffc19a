/*
 * look_ups.c
 *		Looks rows of protected relations up by what the DBA says may show.
 *
 * Protected relations are read as a whole (scans.c).  A DBA may declare columns, in
 * dp_agg.protect(..., index_columns => ...), of which it may show how many rows fall into a
 * range: in running time, in the WAL, in counters of the whole server.  Conditions that compare
 * such a column with what is the same for all rows may use an index.
 *
 * Invariants:
 *
 * - What is read follows from the query's constants and parameters and from the values of declared
 *   columns.  So the planner is offered the declared columns of an index alone, from its
 *   first one on, as if it had no others: a condition on one behind would narrow what is read, and
 *   a column between would be skipped through (18), value by value.
 * - No path is parameterised: what would be looked up for each row of another relation
 *   would show that row.  Nor does a look-up compare with what a sub-plan says.
 * - Only B-trees and BRIN, whose operators are those of the conditions and come with PostgreSQL.  Partial
 *   indexes are not there (statistics.c); columns of expressions are no declared ones.
 * - The choice between an index and a whole scan is made by declarations and by the table's size, like
 *   every other (statistics.c).
 *
 * nodes/release/recheck.c judges the finished plan once more.  nodes/release/whole.c reads to its end what
 * an empty side of a join left unread.
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_am.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"

#include "planner/look_ups.h"
#include "planner/scans.h"
#include "policy/cache.h"

/* How many columns of an index, from its first one on, are declared. */
static int
declared_columns(const IndexOptInfo *index, const ProtectedRelation *policy, Oid relid)
{
	int			n = 0;

	if (index->relam != BTREE_AM_OID && index->relam != BRIN_AM_OID)
		return 0;
	while (n < index->nkeycolumns && index->indexkeys[n] > 0 &&
		   index->opfamily[n] < FirstNormalObjectId &&
		   policy_column_indexed(policy, policy_labelled_column(policy, relid, index->indexkeys[n])))
		n++;
	return n;
}

/* The indexes of a relation, as if they had no columns but those that are declared. */
static List *
declared_indexes(const RelOptInfo *rel, const ProtectedRelation *policy, Oid relid)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, rel->indexlist)
	{
		IndexOptInfo *index = lfirst_node(IndexOptInfo, lc);
		int			n = index->indpred == NIL ? declared_columns(index, policy, relid) : 0;
		IndexOptInfo *copy;

		if (n == 0)
			continue;
		copy = makeNode(IndexOptInfo);
		memcpy(copy, index, sizeof(IndexOptInfo));
		copy->unique = index->unique && n == index->nkeycolumns;
		copy->nkeycolumns = n;
		result = lappend(result, copy);
	}
	return result;
}

/* Does a condition depend on other relations, or on what sub-plans say? */
static bool
depends_walker(Node *node, void *context)
{
	const RelOptInfo *rel = context;

	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Var:
			return ((Var *) node)->varno != (int) rel->relid || ((Var *) node)->varlevelsup > 0;
		case T_Param:
			return ((Param *) node)->paramkind == PARAM_EXEC;
		case T_SubLink:
		case T_SubPlan:
		case T_AlternativeSubPlan:
		case T_PlaceHolderVar:
			return true;
		default:
			return expression_tree_walker(node, depends_walker, context);
	}
}

/* Is a condition on an index of the form "column op constant", or a test for NULL? */
static bool
is_steady_condition(const RestrictInfo *condition, RelOptInfo *rel)
{
	switch (nodeTag(condition->clause))
	{
		case T_OpExpr:
		case T_ScalarArrayOpExpr:
		case T_NullTest:
			return !depends_walker((Node *) condition->clause, rel);
		default:
			return false;
	}
}

/* Do all conditions of a path on an index have such a form? */
static bool
has_steady_conditions(const IndexPath *path, RelOptInfo *rel)
{
	ListCell   *lc;
	ListCell   *lq;

	foreach(lc, path->indexclauses)
	{
		foreach(lq, lfirst_node(IndexClause, lc)->indexquals)
		{
			if (!is_steady_condition(lfirst_node(RestrictInfo, lq), rel))
				return false;
		}
	}
	return path->path.param_info == NULL;
}

/* Does a path by indexes, or a part of it, look up what shows by the DBA's leave only? */
static bool
is_steady(const Path *path, RelOptInfo *rel)
{
	List	   *parts;
	ListCell   *lc;

	switch (nodeTag(path))
	{
		case T_IndexPath:
			return has_steady_conditions((const IndexPath *) path, rel);
		case T_BitmapHeapPath:
			return path->param_info == NULL &&
				is_steady(((const BitmapHeapPath *) path)->bitmapqual, rel);
		case T_BitmapAndPath:
			parts = ((const BitmapAndPath *) path)->bitmapquals;
			break;
		case T_BitmapOrPath:
			parts = ((const BitmapOrPath *) path)->bitmapquals;
			break;
		default:
			return false;
	}
	foreach(lc, parts)
	{
		if (!is_steady(lfirst(lc), rel))
			return false;
	}
	return true;
}

/* The paths without look-ups that are not steady. */
static List *
steady_paths(List *paths, RelOptInfo *rel)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, paths)
	{
		if (!looks_up(lfirst(lc)) || is_steady(lfirst(lc), rel))
			result = lappend(result, lfirst(lc));
	}
	return result;
}

/*
 * Adds to a protected relation, whose paths read it as a whole, those that look rows up by declared
 * columns.  Called when no rows are known to be left out, and nothing wide is read.
 */
void
add_declared_look_ups(PlannerInfo *root, RelOptInfo *rel, const ProtectedRelation *policy, Oid relid)
{
	List	   *indexes = rel->indexlist;
	List	   *joins = rel->joininfo;
	bool		equal_joins = rel->has_eclass_joins;

	if (policy->index == NULL || !bms_is_empty(rel->lateral_relids))
		return;

	/* nothing but the relation's own conditions: joins would make parameters */
	rel->indexlist = declared_indexes(rel, policy, relid);
	rel->joininfo = NIL;
	rel->has_eclass_joins = false;
	create_index_paths(root, rel);
	rel->indexlist = indexes;
	rel->joininfo = joins;
	rel->has_eclass_joins = equal_joins;

	rel->pathlist = steady_paths(rel->pathlist, rel);
	rel->partial_pathlist = steady_paths(rel->partial_pathlist, rel);
	add_whole_scans(root, rel); /* those that fell may have driven them out */
}
