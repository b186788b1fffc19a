/*
 * nulls.h
 *		Which expressions are never NULL?
 */
#ifndef DP_NULLS_H
#define DP_NULLS_H

#include "postgres.h"

#include "query/level.h"

extern bool expression_not_null(Level *level, Node *node);
extern NullTest *not_null_test(Node *expr);

#endif							/* DP_NULLS_H */
