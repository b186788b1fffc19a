/*
 * queries.h
 *		Queries that the rewriter makes.
 */
#ifndef DP_QUERIES_H
#define DP_QUERIES_H

#include "postgres.h"

#include "nodes/parsenodes.h"

extern TargetEntry *append_target(Query *query, Node *expr, const char *name, bool junk);
extern TargetEntry *insert_target(Query *query, Node *expr, const char *name);
extern void append_grouped(Query *query, List *exprs, List *clauses, const char *name);
extern Query *select_of(RangeTblEntry *rte);
extern void replace_arguments(Aggref *aggref, int first, int n, List *exprs);
extern Query *select_from(Query *below, const char *name);
extern List *columns_of(Query *below, int first, int n);
extern Query *from_level(Query *level);
extern int	add_join(Query *query, JoinType type);

#endif							/* DP_QUERIES_H */
