/*
 * walk.h
 *		Walks over the columns of a level, and over the names of CTEs.
 */
#ifndef DP_WALK_H
#define DP_WALK_H

#include "postgres.h"

#include "nodes/parsenodes.h"
#include "nodes/primnodes.h"

typedef void (*VisitColumn) (Var *column, void *argument);
typedef void (*VisitName) (RangeTblEntry *entry, Index depth, void *argument);

extern void walk_columns(Node *node, int flags, VisitColumn visit, void *argument);
extern bool used_columns(Query *query, int rtindex, Bitmapset **columns);
extern bool names_outer_columns(Node *node);
extern bool query_names_outer_columns(Query *query);
extern Node *seen_from_below(Node *expr, Index levelsup);
extern Node *seen_from_above(Node *expr, Index levelsup);
extern void walk_cte_names(Query *query, VisitName visit, void *argument);

#endif							/* DP_WALK_H */
