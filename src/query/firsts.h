/*
 * firsts.h
 *		The first row of each individual.
 */
#ifndef DP_FIRSTS_H
#define DP_FIRSTS_H

#include "postgres.h"

#include "nodes/parsenodes.h"

extern bool is_first_rows(Query *query);
extern bool window_is_of_firsts(const WindowClause *window);
extern void number_first_rows(Query *query);

#endif							/* DP_FIRSTS_H */
