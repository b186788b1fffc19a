/*
 * levels.h
 *		Walks a statement level by level, from the inside out.
 */
#ifndef DP_LEVELS_H
#define DP_LEVELS_H

#include "postgres.h"

#include "query/level.h"

extern void require_unit(Level *level, Individuals *individuals);
extern void flatten_level(Query *query);
extern Individuals *process_query(RewriteContext *context, Query *query, Level *parent);
extern void process_statement(RewriteContext *context, Query *query);

#endif							/* DP_LEVELS_H */
