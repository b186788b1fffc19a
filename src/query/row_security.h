/*
 * row_security.h
 *		Conditions of row security policies.
 */
#ifndef DP_ROW_SECURITY_H
#define DP_ROW_SECURITY_H

#include "postgres.h"

#include "query/level.h"

extern void guard_policies(RewriteContext *context, Level *level, int rtindex);

#endif							/* DP_ROW_SECURITY_H */
