/*
 * simpler.h
 *		Aggregates that are written as something simpler.
 */
#ifndef DP_SIMPLER_H
#define DP_SIMPLER_H

#include "postgres.h"

#include "query/builder.h"

extern Node *simpler_aggregate(ReleaseBuilder *builder, Aggref *aggref, Index levelsup);

#endif							/* DP_SIMPLER_H */
