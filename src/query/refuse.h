/*
 * refuse.h
 *		Refusals at a place in the query.
 */
#ifndef DP_REFUSE_H
#define DP_REFUSE_H

#include "postgres.h"

#include "core/compat.h"

#include "core/refusals.h"
#include "query/level.h"

DP_NORETURN extern void refuse_limit(int limit, const char *things, RewriteContext *context, Query *query);
DP_NORETURN extern void refuse_query(Refusal refusal, RewriteContext *context, Query *query);
extern int	limit_location(Query *query);
DP_NORETURN extern void refuse_function(RewriteContext *context, Node *node);
DP_NORETURN extern void refuse_operator(RewriteContext *context, Oid opno, int location);
DP_NORETURN extern void refuse_type(RewriteContext *context, Oid type, int location);
extern void refuse_rows(RewriteContext *context, Query *query, Individuals *individuals);

#endif							/* DP_REFUSE_H */
