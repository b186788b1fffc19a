/*
 * settle.h
 *		Values that a release needs and no row decides.
 */
#ifndef DP_SETTLE_H
#define DP_SETTLE_H

#include "postgres.h"

#include "nodes/pg_list.h"

extern void settle_releases(List *releases);

#endif							/* DP_SETTLE_H */
