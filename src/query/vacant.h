/*
 * vacant.h
 *		Levels that no row reaches, whatever the data.
 */
#ifndef DP_VACANT_H
#define DP_VACANT_H

#include "postgres.h"

#include "nodes/parsenodes.h"

extern void empty_query(Query *query);
extern bool answer_vacant(Query *query);

#endif							/* DP_VACANT_H */
