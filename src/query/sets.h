/*
 * sets.h
 *		GROUPING SETS, ROLLUP and CUBE: one query for each set.
 */
#ifndef DP_SETS_H
#define DP_SETS_H

#include "postgres.h"

#include "query/level.h"
#include "spec/spec.h"

/* A grouping set that is released: its query, and its place among the sets of one charge. */
typedef struct SetLevel
{
	Query	   *query;
	SpecGrouping grouping;
} SetLevel;

extern List *split_sets(RewriteContext *context, Query *query);

#endif							/* DP_SETS_H */
