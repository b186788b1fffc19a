/*
 * totals.h
 *		Bounds of what an individual adds to a whole release.
 */
#ifndef DP_TOTALS_H
#define DP_TOTALS_H

#include "postgres.h"

#include "query/builder.h"

extern void settle_totals(ReleaseBuilder *builder);
extern Node *kept_groups(const ReleaseBuilder *builder);
extern int	combined_total(const Individuals *individuals);
extern bool derive_total(Level *level, Node *node, double *lower, double *upper, double *norm);

#endif							/* DP_TOTALS_H */
