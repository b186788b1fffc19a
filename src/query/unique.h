/*
 * unique.h
 *		Does a join keep at most one row per individual?
 */
#ifndef DP_UNIQUE_H
#define DP_UNIQUE_H

#include "postgres.h"

#include "query/level.h"

extern bool join_is_unique(Level *level, List **proofs);

#endif							/* DP_UNIQUE_H */
