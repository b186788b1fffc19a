/*
 * virtual.h
 *		Virtual generated columns of protected relations.
 */
#ifndef DP_VIRTUAL_H
#define DP_VIRTUAL_H

#include "postgres.h"

#include "nodes/parsenodes.h"

#include "query/level.h"

extern void expand_virtual_columns(Query *query);
extern bool virtual_origin(const TargetEntry *tle, Oid *relid, AttrNumber *attno);
extern void refuse_virtual_columns(RewriteContext *context, Query *query);

#endif							/* DP_VIRTUAL_H */
