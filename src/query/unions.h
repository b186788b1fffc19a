/*
 * unions.h
 *		UNION ALL of private rows is one private input.
 */
#ifndef DP_UNIONS_H
#define DP_UNIONS_H

#include "postgres.h"

#include "query/level.h"

extern Individuals *unite_branches(RewriteContext *context, Query *query, List *below,
								   Individuals *first);

#endif							/* DP_UNIONS_H */
