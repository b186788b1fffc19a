/*
 * with.h
 *		The settings of a release: epsilon, delta, limits.
 */
#ifndef DP_WITH_H
#define DP_WITH_H

#include "postgres.h"

#include "query/builder.h"
#include "query/level.h"

extern void raise_with(RewriteContext *context, Query *query, Query *outer);
extern void extract_with(ReleaseBuilder *builder);
extern void initial_params(ReleaseBuilder *builder);
extern void check_constant_params(ReleaseBuilder *builder);

#endif							/* DP_WITH_H */
