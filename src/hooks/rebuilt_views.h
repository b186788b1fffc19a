/*
 * rebuilt_views.h
 *		Materialized views that somebody else makes again hold nothing.
 */
#ifndef DP_REBUILT_VIEWS_H
#define DP_REBUILT_VIEWS_H

#include "postgres.h"

#include "tcop/utility.h"

extern void rebuilt_views_init(void);
extern PlannedStmt *rebuilt_view_without_data(PlannedStmt *pstmt, ProcessUtilityContext context);

#endif							/* DP_REBUILT_VIEWS_H */
