/*
 * preview.h
 *		Statements that read synthetic rows in the place of a relation's own.
 */
#ifndef DP_PREVIEW_H
#define DP_PREVIEW_H

#include "postgres.h"

#include "query/level.h"

extern bool preview_statement(RewriteContext *context, Query *query);

#endif							/* DP_PREVIEW_H */
