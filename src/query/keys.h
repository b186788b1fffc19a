/*
 * keys.h
 *		Group keys, and what else stands for several equal values.
 */
#ifndef DP_KEYS_H
#define DP_KEYS_H

#include "postgres.h"

#include "query/level.h"

extern Node *canonical_expression(RewriteContext *context, Node *expr);
extern Node *canonical_key(RewriteContext *context, Node *key);
extern void group_by_unit(RewriteContext *context, Query *query, Individuals *individuals);
extern void canonical_groups(RewriteContext *context, Query *query, Individuals *individuals);

#endif							/* DP_KEYS_H */
