/*
 * limits.h
 *		Limits of a release that follow from its query.
 */
#ifndef DP_QUERY_LIMITS_H
#define DP_QUERY_LIMITS_H

#include "postgres.h"

#include "query/builder.h"

extern void follow_limits(ReleaseBuilder *builder);
extern void limit_total(ReleaseBuilder *builder);

#endif							/* DP_QUERY_LIMITS_H */
