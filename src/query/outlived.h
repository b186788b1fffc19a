/*
 * outlived.h
 *		Refusals of what was declared for a column before its type changed.
 */
#ifndef DP_OUTLIVED_H
#define DP_OUTLIVED_H

#include "postgres.h"

#include "core/compat.h"

#include "access/attnum.h"

extern void refuse_outlived_bounds(Oid relid, AttrNumber attno);
DP_NORETURN extern void refuse_outlived_keys(Oid relid, AttrNumber attno, const char *made_for);
DP_NORETURN extern void refuse_unreadable_keys(Oid relid, AttrNumber attno, const char *why);

#endif							/* DP_OUTLIVED_H */
