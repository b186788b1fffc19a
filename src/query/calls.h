/*
 * calls.h
 *		Functions and casts below a release.
 */
#ifndef DP_CALLS_H
#define DP_CALLS_H

#include "postgres.h"

#include "policy/extension.h"
#include "query/level.h"

extern Node *guard_call(RewriteContext *context, Node *node, Oid funcid, Oid resulttype,
						Oid resultcollid, Oid inputcollid, List *args);
extern Oid	called_function(Node *node, List **args);
extern Node *guard_cast(RewriteContext *context, CoerceViaIO *coerce, Node *arg);
extern Node *call_of_rewriter(DpFunction function, Oid argtype, Oid resulttype, Node *arg);
extern bool is_call_of_rewriter(const FuncExpr *func);
extern Node *narrow_text(Node *text);
extern List *ordered_arguments(FuncExpr *func);

#endif							/* DP_CALLS_H */
