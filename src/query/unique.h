/*
 * unique.h
 *		Does a join keep at most one row per individual?
 */
#ifndef DP_UNIQUE_H
#define DP_UNIQUE_H

#include "postgres.h"

#include "query/level.h"

extern void jointree_members(Node *node, Bitmapset **members);
extern List *level_equalities(Level *level);
extern Bitmapset *equated_columns(int rtindex, List *equalities, const Bitmapset *known,
								  Bitmapset **used);
extern bool join_is_unique(Level *level, List **proofs);

#endif							/* DP_UNIQUE_H */
