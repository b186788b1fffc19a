/*
 * flatten.h
 *		Sub-selects that only choose columns of a table are the table.
 */
#ifndef DP_FLATTEN_H
#define DP_FLATTEN_H

#include "postgres.h"

#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"

extern Query *flatten_projections(Query *query, List **exprs);

#endif							/* DP_FLATTEN_H */
