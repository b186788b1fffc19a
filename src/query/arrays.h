/*
 * arrays.h
 *		Arrays below a release: how wide, and searched by which comparisons.
 */
#ifndef DP_ARRAYS_H
#define DP_ARRAYS_H

#include "postgres.h"

#include "query/level.h"

extern void settle_array(RewriteContext *context, ArrayExpr *array, Size widest);
extern Node *expand_search(RewriteContext *context, ScalarArrayOpExpr *op, Node *left,
						   Node *array);

#endif							/* DP_ARRAYS_H */
