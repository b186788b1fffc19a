/*
 * shards.h
 *		Releases over tables of Citus: their rows stay where they are.
 */
#ifndef DP_SHARDS_H
#define DP_SHARDS_H

#include "postgres.h"

#include "query/builder.h"

/* A release over tables of Citus. */
typedef struct SpreadRelease
{
	Query	   *piece;			/* what each machine computes */
	int			nunits;			/* columns that tell the individual */
	bool		alone;			/* all rows are on one machine */
	struct TakenReleases *taken;	/* what it takes from here (shards_released.h), or NULL */
} SpreadRelease;

extern bool reads_spread(Query *query);
extern void check_computed_first(Query *query);
extern SpreadRelease *spread_release(ReleaseBuilder *builder, Query *piece);
extern Query *gathering_release(ReleaseBuilder *builder, const SpreadRelease *spread);

#endif							/* DP_SHARDS_H */
