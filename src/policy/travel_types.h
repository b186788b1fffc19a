/*
 * travel_types.h
 *		Types whose values go from one machine to another.
 */
#ifndef DP_TRAVEL_TYPES_H
#define DP_TRAVEL_TYPES_H

#include "postgres.h"

#include "nodes/parsenodes.h"

extern void check_travelling(Query *query);
extern bool is_table_of_superuser(Oid relid);

#endif							/* DP_TRAVEL_TYPES_H */
