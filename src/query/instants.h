/*
 * instants.h
 *		Intervals of what functions make of dates, timestamps and lengths of time.
 */
#ifndef DP_INSTANTS_H
#define DP_INSTANTS_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "query/ranges.h"
#include "query/scope.h"

extern Range now_range(Oid type);
extern Range grain_end_range(const FuncExpr *call, Range range);
extern bool instant_call(Scope *scope, Oid funcid, Oid resulttype, List *args, Range *result);

#endif							/* DP_INSTANTS_H */
