/*
 * possible.h
 *		How many values can expressions have in the rows of one individual?
 */
#ifndef DP_POSSIBLE_H
#define DP_POSSIBLE_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "query/level.h"

extern int64 possible_values(Level *level, List *exprs, List **proofs);

#endif							/* DP_POSSIBLE_H */
