/*
 * leaves.h
 *		What expressions are functions of, with numbers of values.
 */
#ifndef DP_LEAVES_H
#define DP_LEAVES_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "query/level.h"

/* Something with a number of values of its own. */
typedef struct Leaf
{
	Level	   *level;
	Node	   *expr;			/* of that level; the switch of a weak side is its RangeTblRef */
	bool		shown;			/* values that are equal count as one */
	int64		values;			/* PG_INT64_MAX: not known */
} Leaf;

extern Leaf *make_leaf(Level *level, Node *expr, bool shown, int64 values);
extern List *unknown_leaf(Level *level, Node *expr);
extern Leaf *switch_leaf(Level *level, int rtindex);
extern List *unite_leaves(List *leaves, List *more);
extern int64 combinations(List *leaves);

#endif							/* DP_LEAVES_H */
