/*
 * fields.h
 *		Intervals of parts of dates and times.
 */
#ifndef DP_FIELDS_H
#define DP_FIELDS_H

#include "postgres.h"

#include "query/ranges.h"

extern Range field_range(const char *field, Oid type, Range a);
extern Range truncated_range(const char *field, Oid type, Range a);
extern Range date_cast_range(Oid source, Oid target, Range a);

#endif							/* DP_FIELDS_H */
