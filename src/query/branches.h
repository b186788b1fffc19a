/*
 * branches.h
 *		Intervals of expressions that choose among others.
 */
#ifndef DP_BRANCHES_H
#define DP_BRANCHES_H

#include "postgres.h"

#include "nodes/primnodes.h"

#include "query/ranges.h"
#include "query/scope.h"

extern Range list_range(Scope *scope, List *nodes);
extern Range extreme_range(Scope *scope, MinMaxExpr *expr);
extern Range nullif_range(Scope *scope, NullIfExpr *expr);
extern Range case_range(Scope *scope, CaseExpr *expr);
extern List *where_facts(Scope *scope);
extern List *filter_facts(Scope *scope, Expr *filter);
extern Range range_by_facts(Scope *scope, Node *node, Range range);

#endif							/* DP_BRANCHES_H */
