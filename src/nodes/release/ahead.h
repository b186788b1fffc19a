/*
 * ahead.h
 *		CTEs below a release are read to their ends before its first row.
 */
#ifndef DP_AHEAD_H
#define DP_AHEAD_H

#include "postgres.h"

#include "nodes/pg_list.h"

extern void read_ctes_ahead(List *plans);

#endif							/* DP_AHEAD_H */
