/*
 * language.h
 *		Expressions below a release: which there may be, and how they run.
 */
#ifndef DP_LANGUAGE_H
#define DP_LANGUAGE_H

#include "postgres.h"

#include "query/level.h"

extern Node *guard_expression(RewriteContext *context, Level *level, Node *node);
extern Node *guard_unit_expression(RewriteContext *context, Level *level, Node *node, Var *unit);

#endif							/* DP_LANGUAGE_H */
