/*
 * units.h
 *		The unit of a FROM item, and what a level keeps of it.
 */
#ifndef DP_QUERY_UNITS_H
#define DP_QUERY_UNITS_H

#include "postgres.h"

#include "query/level.h"

extern Node *relation_column(Oid relid, int rtindex, AttrNumber attno);
extern Individuals *individuals_of_relation(RewriteContext *context, Query *query,
											int rtindex);
extern List *units_as_columns(RangeTblEntry *rte, int rtindex, List *units);
extern TargetEntry *add_unit_column(Query *query, Node *expr);
extern void name_added_columns(RangeTblEntry *rte);
extern Individuals *expose_units(RangeTblEntry *rte, int rtindex, Individuals *below);
extern List *clause_expressions(List *clauses, List *targets);
extern List *all_units(const Individuals *individuals);
extern void keep_units(Individuals *individuals, List *expressions);
extern bool unit_is_among(List *unit, List *expressions);
extern bool grouped_by_unit(Query *query, Individuals *individuals);
extern void require_unit(Level *level, Individuals *individuals);

#endif							/* DP_QUERY_UNITS_H */
