/*
 * provenance.h
 *		Whose rows does a join produce?
 */
#ifndef DP_PROVENANCE_H
#define DP_PROVENANCE_H

#include "postgres.h"

#include "query/level.h"

extern void tie_inputs(RewriteContext *context, Level *level, Individuals *result);
extern Node *strip_relabel(Node *node);
extern bool equalities_tie(List *equalities, List *left, List *right);
extern List *equalities_of(Node *quals);
extern bool expression_not_null(Level *level, Node *node);

#endif							/* DP_PROVENANCE_H */
