/*
 * correlated.h
 *		Sub-selects that yield one value about the row at hand.
 */
#ifndef DP_CORRELATED_H
#define DP_CORRELATED_H

#include "postgres.h"

#include "query/level.h"

/* A sub-select that became an item of FROM. */
typedef struct JoinedSublink
{
	Node	   *sublink;		/* as the level had it */
	Node	   *value;			/* what stands in its place */
	int			rtindex;		/* the item */
	bool		grouped;		/* of one row for each key: an aggregate's value, or the first
								 * row's */
	int			location;		/* where the sub-select stands in the text */
} JoinedSublink;

extern List *join_sublinks(RewriteContext *context, Query *query);

#endif							/* DP_CORRELATED_H */
