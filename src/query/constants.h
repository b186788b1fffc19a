/*
 * constants.h
 *		Values below a release that the query itself brings.
 */
#ifndef DP_CONSTANTS_H
#define DP_CONSTANTS_H

#include "postgres.h"

#include "query/level.h"

extern Node *guard_const(RewriteContext *context, Const *value);
extern void check_sql_value(RewriteContext *context, SQLValueFunction *value);

#endif							/* DP_CONSTANTS_H */
