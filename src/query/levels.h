/*
 * levels.h
 *		Walks a statement level by level, from the inside out.
 */
#ifndef DP_LEVELS_H
#define DP_LEVELS_H

#include "postgres.h"

#include "query/level.h"

extern void flatten_level(Query *query);
extern Individuals *process_query(RewriteContext *context, Query *query, Level *parent);
extern Individuals *probe_query(RewriteContext *context, Query *query, Level *level);

#endif							/* DP_LEVELS_H */
