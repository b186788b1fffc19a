/*
 * shards_released.h
 *		Released rows below a release over tables of Citus.
 */
#ifndef DP_SHARDS_RELEASED_H
#define DP_SHARDS_RELEASED_H

#include "postgres.h"

#include "query/level.h"

/* What a piece takes from the coordinator, as values. */
typedef struct TakenReleases
{
	List	   *ctes;			/* of R: sub-selects of the piece that hold releases */
	List	   *values;			/* expressions of R: an array for each column, or a single
								 * value */
} TakenReleases;

extern TakenReleases *take_released(RewriteContext *context, Level *level, Query *piece);

#endif							/* DP_SHARDS_RELEASED_H */
