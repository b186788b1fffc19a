/*
 * travel_joins.h
 *		Joins of a query that is to be written as SQL.
 */
#ifndef DP_TRAVEL_JOINS_H
#define DP_TRAVEL_JOINS_H

#include "postgres.h"

#include "nodes/parsenodes.h"

extern void complete_joins(Query *query);

#endif							/* DP_TRAVEL_JOINS_H */
