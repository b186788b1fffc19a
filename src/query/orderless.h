/*
 * orderless.h
 *		Aggregates below a release whose values do not depend on the order of rows.
 */
#ifndef DP_ORDERLESS_H
#define DP_ORDERLESS_H

#include "postgres.h"

#include "query/level.h"

extern Node *orderless_aggregate(RewriteContext *context, Aggref *aggref, bool adds);

#endif							/* DP_ORDERLESS_H */
