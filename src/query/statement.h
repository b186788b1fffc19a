/*
 * statement.h
 *		Whole statements that touch protected relations.
 */
#ifndef DP_STATEMENT_H
#define DP_STATEMENT_H

#include "postgres.h"

#include "query/level.h"

extern void process_statement(RewriteContext *context, Query *query);

#endif							/* DP_STATEMENT_H */
