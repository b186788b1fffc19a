/*
 * misplaced.h
 *		What only stands around or beside a release, and stands elsewhere.
 */
#ifndef DP_MISPLACED_H
#define DP_MISPLACED_H

#include "postgres.h"

#include "query/level.h"

extern void refuse_misplaced(RewriteContext *context, Query *query);

#endif							/* DP_MISPLACED_H */
