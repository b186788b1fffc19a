/*
 * leaves.c
 *		What expressions are functions of, with numbers of values.
 */
#include "postgres.h"

#include "common/int.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"

#include "query/leaves.h"
#include "query/level.h"
#include "spec/canonical.h"

/* A leaf.  shown: nothing but the equality of its type looks at its values. */
Leaf *
make_leaf(Level *level, Node *expr, bool shown, int64 values)
{
	Leaf	   *leaf = palloc(sizeof(Leaf));

	leaf->level = level;
	leaf->expr = expr;
	leaf->shown = shown && !canonical_is_plain(exprType(expr));
	leaf->values = values;
	return leaf;
}

/* An expression that may have any number of values. */
List *
unknown_leaf(Level *level, Node *expr)
{
	return list_make1(make_leaf(level, expr, false, PG_INT64_MAX));
}

/* The weak side of an outer join is there or not. */
Leaf *
switch_leaf(Level *level, int rtindex)
{
	Leaf	   *leaf = palloc0(sizeof(Leaf));
	RangeTblRef *weak = makeNode(RangeTblRef);

	weak->rtindex = rtindex;
	leaf->level = level;
	leaf->expr = (Node *) weak;
	leaf->values = 2;
	return leaf;
}

/* Adds leaves that are not there yet, in place; of those that are, the smaller number counts. */
List *
unite_leaves(List *leaves, List *more)
{
	ListCell   *lm;
	ListCell   *lc;

	foreach(lm, more)
	{
		Leaf	   *leaf = lfirst(lm);
		bool		found = false;

		foreach(lc, leaves)
		{
			Leaf	   *other = lfirst(lc);

			if (other->level != leaf->level || other->shown != leaf->shown ||
				!equal(other->expr, leaf->expr))
				continue;
			found = true;
			if (leaf->values < other->values)
				lfirst(lc) = leaf;
		}
		if (!found)
			leaves = lappend(leaves, leaf);
	}
	return leaves;
}

/* How many combinations of values the leaves have; PG_INT64_MAX if that is not known. */
int64
combinations(List *leaves)
{
	int64		result = 1;
	ListCell   *lc;

	foreach(lc, leaves)
	{
		int64		values = ((Leaf *) lfirst(lc))->values;

		if (values == PG_INT64_MAX || pg_mul_s64_overflow(result, values, &result))
			return PG_INT64_MAX;
	}
	return result;
}
