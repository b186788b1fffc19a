/*
 * ctes.h
 *		Common table expressions: made, named, and put in the place of their names.
 */
#ifndef DP_CTES_H
#define DP_CTES_H

#include "postgres.h"

#include "nodes/parsenodes.h"

#include "query/level.h"

extern void count_level(RewriteContext *context);
extern char *unguessable_name(const char *what);
extern CommonTableExpr *make_cte(char *name, Query *query);
extern RangeTblEntry *make_cte_reference(CommonTableExpr *cte, Index levelsup);
extern bool query_is_release(Query *query);
extern void inline_reference(RangeTblEntry *rte, CommonTableExpr *cte);
extern void inline_cte(Query *query, CommonTableExpr *cte);

#endif							/* DP_CTES_H */
