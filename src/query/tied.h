/*
 * tied.h
 *		Sub-selects of conditions below a release: tied to the level's unit.
 */
#ifndef DP_TIED_H
#define DP_TIED_H

#include "postgres.h"

#include "query/level.h"

extern bool yields_one_row(Query *query);
extern void check_tied(RewriteContext *context, Level *level, SubLink *sublink, Query *query,
					   Individuals *inner);

#endif							/* DP_TIED_H */
