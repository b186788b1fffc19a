/*
 * columns.h
 *		Columns below a release: which may be read.
 */
#ifndef DP_COLUMNS_H
#define DP_COLUMNS_H

#include "postgres.h"

#include "query/level.h"

extern Node *guard_column(RewriteContext *context, Level *level, Var *var, bool any_type,
						  bool as_unit);

#endif							/* DP_COLUMNS_H */
