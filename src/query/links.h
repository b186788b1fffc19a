/*
 * links.h
 *		Linked relations: whose rows they hold, by the rows of their parents.
 */
#ifndef DP_QUERY_LINKS_H
#define DP_QUERY_LINKS_H

#include "postgres.h"

#include "query/level.h"

extern void note_links(RewriteContext *context, Query *query);
extern void note_row_links(RewriteContext *context, Oid relid, int rtindex, Individuals *individuals);
extern void settle_links(RewriteContext *context, Level *level);
extern bool links_have_same_target(const RowLink *a, const RowLink *b);
extern bool links_tie(RewriteContext *context, List *equalities, List *left, List *right);
extern List *links_from_below(const Individuals *input, Index up);
extern List *all_links(const Individuals *individuals);
extern void keep_links(Individuals *individuals, List *expressions);
extern void expose_links(RangeTblEntry *rte, int rtindex, const Individuals *below, Individuals *individuals);
extern bool name_one_row(RewriteContext *context, Level *level, const Individuals *individuals, List *expressions);
extern bool grouped_by_link(RewriteContext *context, Level *level, Individuals *individuals);

#endif							/* DP_QUERY_LINKS_H */
