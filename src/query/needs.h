/*
 * needs.h
 *		What the query of a release rests on beside its rows.
 */
#ifndef DP_QUERY_NEEDS_H
#define DP_QUERY_NEEDS_H

#include "postgres.h"

extern List *release_needs(Query *release, List *ctes);

#endif							/* DP_QUERY_NEEDS_H */
