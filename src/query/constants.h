/*
 * constants.h
 *		Constants that the rewriter makes, and those that the query brings.
 */
#ifndef DP_CONSTANTS_H
#define DP_CONSTANTS_H

#include "postgres.h"

#include "query/level.h"

extern Node *float8_const(double value);
extern Node *int4_const(int32 value);
extern Node *guard_const(RewriteContext *context, Const *value);
extern void check_sql_value(RewriteContext *context, SQLValueFunction *value);

#endif							/* DP_CONSTANTS_H */
