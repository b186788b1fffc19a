/*
 * nulling.h
 *		What newer versions of PostgreSQL mark in a query, and the rewriter does not.
 */
#ifndef DP_NULLING_H
#define DP_NULLING_H

#include "postgres.h"

#include "nodes/parsenodes.h"

extern void ungroup_query(Query *query);
extern void unmark_query(Query *query);
extern void mark_query(Query *query);

#endif							/* DP_NULLING_H */
