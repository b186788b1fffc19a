/*
 * shards_where.h
 *		In which shard an individual's rows are.
 */
#ifndef DP_SHARDS_WHERE_H
#define DP_SHARDS_WHERE_H

#include "postgres.h"

#include "query/builder.h"

extern bool traces_to_relation(Query *query, Node *expr, bool (*is_right) (Oid relid, AttrNumber attno));
extern Node *dividing_column(Query *piece, List *units, List **unit);
extern void check_divided(ReleaseBuilder *builder, Query *piece, List *relids, Node *unit);

#endif							/* DP_SHARDS_WHERE_H */
