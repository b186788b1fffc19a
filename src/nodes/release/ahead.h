/*
 * ahead.h
 *		What is public below a release is read to its end before the first protected row.
 */
#ifndef DP_AHEAD_H
#define DP_AHEAD_H

#include "postgres.h"

#include "nodes/pg_list.h"

extern void read_ahead(List *plans);

#endif							/* DP_AHEAD_H */
