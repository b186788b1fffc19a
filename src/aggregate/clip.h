/*
 * clip.h
 *		What an individual adds to its groups where contributions are bounded over all of
 *		them together.  spec.h has the formulas.
 */
#ifndef DP_CLIP_H
#define DP_CLIP_H

#include "postgres.h"

#include "aggregate/contribution.h"
#include "aggregate/sum.h"

extern int64 clip_group(const Contributions *contributions, const int64 *sums, int64 *u);
extern int64 clip_weight(const Contributions *contributions, int64 n, int64 cost);
extern void clip_add(const Contributions *contributions, int64 cost, int64 *u, CollectSum *sums);

#endif							/* DP_CLIP_H */
