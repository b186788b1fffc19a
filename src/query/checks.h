/*
 * checks.h
 *		Checks of types, collations and operators below a release.
 */
#ifndef DP_CHECKS_H
#define DP_CHECKS_H

#include "postgres.h"

#include "query/level.h"

extern void check_type(RewriteContext *context, Node *node);
extern void check_collation(RewriteContext *context, Oid collation, Node *node);
extern void check_input_collation(RewriteContext *context, Oid collation, List *args, Node *node);
extern void check_operator(RewriteContext *context, Oid opno, Node *node);
extern void check_comparable(RewriteContext *context, Node *node);
extern void check_clauses(RewriteContext *context, List *clauses, List *targets);
extern void check_set_operations(RewriteContext *context, Node *node);
extern void check_compared(RewriteContext *context, Node *node);
extern void check_group_key(RewriteContext *context, Node *expr, SortGroupClause *clause);
extern SortGroupClause *default_clause(Oid type);
extern SortGroupClause *unit_clause(RewriteContext *context, Node *expr);

#endif							/* DP_CHECKS_H */
