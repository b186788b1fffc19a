/*
 * shards_where.h
 *		In which shard an individual's rows are.
 */
#ifndef DP_SHARDS_WHERE_H
#define DP_SHARDS_WHERE_H

#include "postgres.h"

#include "query/builder.h"

/* What is asked of a column of a relation. */
typedef bool (*ColumnTest) (Oid relid, AttrNumber attno);

extern bool traces_to_relation(Query *query, Node *expr, ColumnTest is_right);
extern Node *dividing_column(Query *piece, List *units, List **unit);
extern void check_divided(ReleaseBuilder *builder, Query *piece, List *relids, Node *unit);

#endif							/* DP_SHARDS_WHERE_H */
