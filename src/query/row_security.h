/*
 * row_security.h
 *		Conditions of row security policies.
 */
#ifndef DP_ROW_SECURITY_H
#define DP_ROW_SECURITY_H

#include "postgres.h"

#include "query/level.h"

typedef Node *(*GuardExpression) (RewriteContext *context, Level *level, Node *node);

extern void guard_policies(RewriteContext *context, Level *level, int rtindex,
						   GuardExpression guard);

#endif							/* DP_ROW_SECURITY_H */
