/*
 * first_rows.h
 *		DISTINCT ON the unit: the first row of each individual.
 */
#ifndef DP_FIRST_ROWS_H
#define DP_FIRST_ROWS_H

#include "postgres.h"

#include "nodes/parsenodes.h"

extern bool chooses_first_rows(Query *query);
extern Query *number_rows(Query *query);

#endif							/* DP_FIRST_ROWS_H */
