/*
 * periods.h
 *		How many values fields and periods of dates and times can have.
 */
#ifndef DP_PERIODS_H
#define DP_PERIODS_H

#include "postgres.h"

#include "query/conditions.h"

extern int64 field_values(const char *field, Oid type);
extern int64 period_values(const char *period, Oid type, const ValueRange *range);

#endif							/* DP_PERIODS_H */
