/*
 * outlived.h
 *		Refusals of what was declared for a column before its type changed.
 */
#ifndef DP_OUTLIVED_H
#define DP_OUTLIVED_H

#include "postgres.h"

#include "access/attnum.h"

extern void refuse_outlived_bounds(Oid relid, AttrNumber attno);
extern void refuse_outlived_keys(Oid relid, AttrNumber attno, const char *made_for) pg_attribute_noreturn();
extern void refuse_unreadable_keys(Oid relid, AttrNumber attno, const char *why) pg_attribute_noreturn();

#endif							/* DP_OUTLIVED_H */
