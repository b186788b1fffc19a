/*
 * conditions.h
 *		What the conditions of a level say about the values of an expression.
 */
#ifndef DP_CONDITIONS_H
#define DP_CONDITIONS_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "query/level.h"

/* Values between two ends, which belong to it: integers, days or microseconds (PostgreSQL's). */
typedef struct ValueRange
{
	int64		lower;
	int64		upper;
} ValueRange;

extern List *sure_conditions(Level *level);
extern bool constant_integer(Node *node, int64 *value);
extern bool expression_range(List *conditions, Node *expr, ValueRange *range);
extern Node *equal_expression(List *conditions, Node *expr);
extern int64 listed_values(List *conditions, Node *expr);

#endif							/* DP_CONDITIONS_H */
