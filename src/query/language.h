/*
 * language.h
 *		What the files that judge expressions below a release share.
 */
#ifndef DP_LANGUAGE_H
#define DP_LANGUAGE_H

#include "query/query.h"

/*
 * A value that is put into a row may be this wide, in bytes: as wide as total()
 * lets it be (total.c says why).  An array that is only searched must merely be
 * possible.
 */
#define WIDEST_VALUE TOTAL_WIDEST
#define WIDEST_SEARCHED (MaxAllocSize / 2)

/* checks.c */
extern void check_type(RewriteContext *context, Node *node);
extern void check_collation(RewriteContext *context, Oid collation, Node *node);
extern void check_input_collation(RewriteContext *context, Oid collation, List *args, Node *node);
extern void check_operator(RewriteContext *context, Oid opno, Node *node);
extern void check_comparable(RewriteContext *context, Node *node);
extern void check_clauses(RewriteContext *context, List *clauses, List *targets);
extern void check_set_operations(RewriteContext *context, Node *node);

/* calls.c */
extern Node *total_call(RewriteContext *context, Node *node, Oid funcid, Oid resulttype,
						Oid resultcollid, Oid inputcollid, List *args);
extern Node *total_cast(RewriteContext *context, CoerceViaIO *coerce, Node *arg);
extern Node *narrow_text(Node *text);

/* probe.c */
extern Const *evaluate_or_refuse(RewriteContext *context, FuncExpr *call, int location);
extern void probe_call(RewriteContext *context, FuncExpr *call, int location);

/* total.c */
extern bool error_is_about_values(int sqlerrcode);
extern void forgive_error(MemoryContext context, uint32 holdoff, uint32 cancel_holdoff);

/* language.c */
extern Node *total_column(RewriteContext *context, Level *level, Var *var);

/* below.c */
extern void fold_limits(RewriteContext *context, Query *query);

#endif							/* DP_LANGUAGE_H */
