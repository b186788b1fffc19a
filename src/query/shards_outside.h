/*
 * shards_outside.h
 *		The call that stands for what other machines send, and public tables of Citus beside releases.
 */
#ifndef DP_SHARDS_OUTSIDE_H
#define DP_SHARDS_OUTSIDE_H

#include "postgres.h"

#include "nodes/parsenodes.h"

extern RangeTblEntry *entry_of_shards(int number);
extern Node *add_shards_column(RangeTblEntry *rte, RangeTblFunction *function, const char *name, Oid type,
							   int32 typmod, Oid collation);
extern int	number_of_rows(RangeTblEntry *rte);
extern Query *select_all(Query *from, RangeTblEntry *entry);
extern void read_spread_outside(Query *statement);

#endif							/* DP_SHARDS_OUTSIDE_H */
