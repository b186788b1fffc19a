/*
 * travel.h
 *		Queries that are written as SQL, and read again on another machine.
 */
#ifndef DP_TRAVEL_H
#define DP_TRAVEL_H

#include "postgres.h"

#include "nodes/parsenodes.h"

extern void travel_out(Query *query);

#endif							/* DP_TRAVEL_H */
