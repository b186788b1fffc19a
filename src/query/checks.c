/*
 * checks.c
 *		Types, collations and operators below a release: allowed, or refused.
 *
 * All of these raise ERRCODE_DP_QUERY_REFUSED, at plan time.
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "parser/parse_oper.h"
#include "utils/lsyscache.h"

#include "core/refusals.h"
#include "policy/allowed.h"
#include "query/checks.h"
#include "query/level.h"
#include "query/refuse.h"

/*
 * The type must be allowed, and the collation must be determined where the type
 * has any: joins hash and cache by the collation of an expression, whatever the
 * operator's is.
 */
void
check_type(RewriteContext *context, Node *node)
{
	Oid			type = exprType(node);

	if (!type_is_allowed(type))
		refuse_type(context, exprType(node), exprLocation(node));
	if (type_is_collatable(type) && !OidIsValid(exprCollation(node)))
		refuse(REFUSE_COLLATION, context->source, exprLocation(node));
}

/* The collation must be none, or one that collation_is_allowed(). */
void
check_collation(RewriteContext *context, Oid collation, Node *node)
{
	if (!collation_is_allowed(collation))
		refuse(REFUSE_COLLATION, context->source, exprLocation(node));
}

/*
 * An expression that is hashed, sorted or compared under its own collation.  A collation that is
 * undetermined, or that a user made, could fail or warn once there is a row.  So could the fields
 * of a composite, which bring comparisons of their own.
 */
void
check_compared(RewriteContext *context, Node *node)
{
	Oid			type = exprType(node);
	Oid			collation = exprCollation(node);

	if (!type_is_allowed(type))
		refuse_type(context, exprType(node), exprLocation(node));
	if ((type_is_collatable(type) && !OidIsValid(collation)) ||
		!collation_is_allowed(collation))
		refuse(REFUSE_COLLATION, context->source, exprLocation(node));
}

/*
 * A call under the given collation.  A comparison of text whose collation could not be determined
 * fails when it runs, so it is refused.  Its arguments are judged as well: they get hashed by
 * themselves where a semi-join is made a join with distinct rows.
 */
void
check_input_collation(RewriteContext *context, Oid collation, List *args, Node *node)
{
	ListCell   *lc;

	check_collation(context, collation, node);
	foreach(lc, args)
	{
		if (!type_is_collatable(exprType(lfirst(lc))))
			continue;
		check_compared(context, lfirst(lc));
		if (!OidIsValid(collation))
			refuse(REFUSE_COLLATION, context->source, exprLocation(node));
	}
}

/*
 * An operator must be built in.  A user's own may stand over a built-in function and still lead
 * the planner elsewhere, to its negator for one.
 */
void
check_operator(RewriteContext *context, Oid opno, Node *node)
{
	if (opno >= FirstNormalObjectId)
		refuse_operator(context, opno, exprLocation(node));
}

/*
 * An expression that is compared must be no array or composite: these compare by their elements
 * and fields, and may fail at a row because of them.
 */
void
check_comparable(RewriteContext *context, Node *node)
{
	Oid			type = getBaseType(exprType(node));

	if (type_is_array(type) || type_is_rowtype(type))
		refuse_type(context, exprType(node), exprLocation(node));
}

/* check_compared() for all expressions of GROUP BY, DISTINCT or ORDER BY clauses. */
void
check_clauses(RewriteContext *context, List *clauses, List *targets)
{
	ListCell   *lc;

	foreach(lc, clauses)
		check_compared(context,
					   (Node *) get_sortgroupclause_tle(lfirst(lc), targets)->expr);
}

/* check_compared() for the columns of UNION, INTERSECT and EXCEPT. */
void
check_set_operations(RewriteContext *context, Node *node)
{
	SetOperationStmt *op = (SetOperationStmt *) node;
	ListCell   *lt;
	ListCell   *lc;

	if (node == NULL || !IsA(node, SetOperationStmt))
		return;
	check_set_operations(context, op->larg);
	check_set_operations(context, op->rarg);
	if (op->op == SETOP_UNION && op->all)
		return;
	forboth(lt, op->colTypes, lc, op->colCollations)
		check_compared(context, (Node *) makeNullConst(lfirst_oid(lt), -1, lfirst_oid(lc)));
}

/*
 * A clause of GROUP BY, DISTINCT or ORDER BY by the type's own order, without its reference.
 * PostgreSQL's error (ERRCODE_UNDEFINED_FUNCTION) if there is none.
 */
SortGroupClause *
default_clause(Oid type)
{
	SortGroupClause *clause = makeNode(SortGroupClause);
	bool		hashable;

	get_sort_group_operators(type, true, true, false, &clause->sortop, &clause->eqop, NULL,
							 &hashable);
	clause->hashable = hashable;
	return clause;
}

/*
 * default_clause() for a column of the unit.  Raises ERRCODE_DP_QUERY_REFUSED where the type has no
 * order: labels may be written by hand, and types change.
 */
SortGroupClause *
unit_clause(RewriteContext *context, Node *expr)
{
	if (!type_may_be_key(exprType(expr)))
		refuse_type(context, exprType(expr), exprLocation(expr));
	return default_clause(exprType(expr));
}

/*
 * A group key or a column of the unit: of an allowed type that can be sorted and hashed, by
 * PostgreSQL's own equality, and no system column.
 */
void
check_group_key(RewriteContext *context, Node *expr, SortGroupClause *clause)
{
	if (IsA(expr, Var) && ((Var *) expr)->varattno <= 0)
		refuse(REFUSE_SYSTEM_COLUMN, context->source, exprLocation(expr));
	if (!type_is_allowed(exprType(expr)) || !OidIsValid(clause->sortop) ||
		!clause->hashable || clause->eqop >= FirstNormalObjectId)
		refuse_type(context, exprType(expr), exprLocation(expr));
}
