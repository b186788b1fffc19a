/*
 * rewrite.h
 *		A level becomes a release.
 */
#ifndef DP_REWRITE_H
#define DP_REWRITE_H

#include "postgres.h"

#include "query/level.h"

extern void build_release(RewriteContext *context, Level *level, Individuals *individuals);

#endif							/* DP_REWRITE_H */
