/*
 * params.h
 *		Parameters of a release, as expressions.
 */
#ifndef DP_PARAMS_H
#define DP_PARAMS_H

#include "postgres.h"

#include "query/level.h"

extern bool parameter_is_known(const Node *parameter);
extern Node *least_parameter(Node *a, Node *b);
extern bool await_value(RewriteContext *context, Node *node);
extern Node *release_parameter(RewriteContext *context, Node *expr);
extern Node *parameter_as_float8(RewriteContext *context, Node *parameter);

#endif							/* DP_PARAMS_H */
