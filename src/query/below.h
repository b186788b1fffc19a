/*
 * below.h
 *		Queries below a release.
 */
#ifndef DP_BELOW_H
#define DP_BELOW_H

#include "postgres.h"

#include "query/level.h"

extern void guard_targets(RewriteContext *context, Level *level);
extern void guard_from(RewriteContext *context, Level *level);
extern void guard_query(RewriteContext *context, Query *query, Level *parent);
extern void fold_limits(RewriteContext *context, Query *query);

#endif							/* DP_BELOW_H */
