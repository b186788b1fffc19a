/*
 * identifiers.h
 *		Direct identifiers below a release, and quasi-identifiers among its keys.
 */
#ifndef DP_IDENTIFIERS_H
#define DP_IDENTIFIERS_H

#include "postgres.h"

#include "query/builder.h"
#include "query/level.h"

/* The column of a relation that a column of a query comes from. */
typedef struct ColumnOrigin
{
	Oid			relid;
	AttrNumber	attno;
} ColumnOrigin;

extern Node *strip_canonical(Node *node);
extern bool follow_column(Query *query, const Var *var, ColumnOrigin *origin, bool of_cte);
extern bool find_identifier(Query *query, const Var *var, ColumnOrigin *origin);
extern Var *bare_unit(Level *level, Node *node);
extern bool tests_unit(Level *level, Node *node);
extern List *tied_units(Level *level, OpExpr *op);
extern List *in_units(Level *level, Node *test, Query *query, Individuals *inner);
extern void check_identifier(RewriteContext *context, Level *level, Var *var);
extern void check_identifiers(RewriteContext *context, Level *level, Node *node);
extern void check_sorted_identifiers(RewriteContext *context, Level *level);
extern void describe_quasi_keys(ReleaseBuilder *builder);

#endif							/* DP_IDENTIFIERS_H */
