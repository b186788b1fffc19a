/*
 * identifiers.h
 *		Direct identifiers below a release, and quasi-identifiers among its keys.
 */
#ifndef DP_IDENTIFIERS_H
#define DP_IDENTIFIERS_H

#include "postgres.h"

#include "query/builder.h"
#include "query/level.h"

extern Var *bare_unit(Level *level, Node *node);
extern List *tied_units(Level *level, OpExpr *op);
extern List *in_units(Level *level, Node *test, Query *query, Individuals *inner);
extern void check_identifier(RewriteContext *context, Level *level, Var *var);
extern void check_identifiers(RewriteContext *context, Level *level, Node *node);
extern void check_sorted_identifiers(RewriteContext *context, Level *level);
extern void drop_identifiers(Query *query, const Bitmapset *used);
extern void drop_unused_identifiers(Query *query);
extern void describe_quasi_keys(ReleaseBuilder *builder);

#endif							/* DP_IDENTIFIERS_H */
