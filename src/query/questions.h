/*
 * questions.h
 *		Questions about queries: do they name private relations, or dp_ aggregates?
 */
#ifndef DP_QUESTIONS_H
#define DP_QUESTIONS_H

#include "postgres.h"

#include "query/level.h"

extern bool is_private_relation(RewriteContext *context, const RangeTblEntry *rte);
extern bool mentions_private(RewriteContext *context, Query *query);
extern bool statement_uses_dp(Query *query);
extern bool is_dp_aggregate(Aggref *aggref);
extern bool aggregate_counts(Aggref *aggref);
extern Node *annotated_expression(Node *node);
extern bool level_uses_dp(Query *query);

#endif							/* DP_QUESTIONS_H */
