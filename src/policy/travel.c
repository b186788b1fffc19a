/*
 * travel.c
 *		Queries that are written as SQL, and read again on another machine.
 *
 * Whoever reads the text must get the same functions over the same types.  What the rewriter puts
 * into queries is not made for that:
 *
 * - guarded() and guarded_cast() have a first argument of type internal, so that SQL cannot call
 *   them.  On their way they are travelling() and travelling_cast(), which superusers may call.
 * - A cast that nobody has written is not written either (ruleutils.c), and is made again by the
 *   parser where it wants one: not for an argument of type "any".  So all casts are written, but those of two columns
 *   that are compared, as varchar = varchar: Citus would not see that it is the columns which divide tables.
 * - canonical() looks like a cast, and would be left out.
 * - A column is written as the query once named it, which may be one of a join (varnosyn), and need not be so any more: all
 *   are named as what they are.
 * - Joins have the columns that ruleutils.c counts (travel_joins.c).
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"

#include "policy/extension.h"
#include "policy/travel.h"
#include "policy/travel_joins.h"

/* The function that stands for one of ours on the way; DP_FUNC_NONE for others, which stay what they are. */
static DpFunction
on_its_way(DpFunction function)
{
	if (function == DP_FUNC_GUARDED)
		return DP_FUNC_TRAVELLING;
	return function == DP_FUNC_GUARDED_CAST ? DP_FUNC_TRAVELLING_CAST : DP_FUNC_NONE;
}

/* Makes a function's call one of another, whose first argument is an OID by its type, too. */
static void
rename_call(FuncExpr *call, DpFunction function)
{
	Const	   *what = linitial_node(Const, call->args);

	call->funcid = extension_oid(function, InvalidOid);
	linitial(call->args) = makeConst(OIDOID, -1, InvalidOid, sizeof(Oid), what->constvalue,
									 what->constisnull, true);
}

/* A column, below a cast that nobody has written; else NULL. */
static Node *
column_below(Node *node)
{
	if (IsA(node, RelabelType) && ((RelabelType *) node)->relabelformat == COERCE_IMPLICIT_CAST)
		node = (Node *) ((RelabelType *) node)->arg;
	return IsA(node, Var) ? node : NULL;
}

/* Does the operator compare columns as they are, or by casts that it makes by itself? */
static bool
compares_columns(const OpExpr *op)
{
	return list_length(op->args) == 2 && column_below(linitial(op->args)) != NULL &&
		column_below(lsecond(op->args)) != NULL;
}

static bool
out_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Query:
			complete_joins((Query *) node);
			return query_tree_walker((Query *) node, out_walker, context, 0);
		case T_FuncExpr:
			{
				FuncExpr   *call = (FuncExpr *) node;
				DpFunction	other = on_its_way(extension_function(call->funcid));

				if (other != DP_FUNC_NONE)
					rename_call(call, other);
				call->funcformat = COERCE_EXPLICIT_CALL;
			}
			break;
		case T_OpExpr:
			if (compares_columns((OpExpr *) node))
				return out_walker(column_below(linitial(((OpExpr *) node)->args)), context) ||
					out_walker(column_below(lsecond(((OpExpr *) node)->args)), context);
			break;
		case T_Var:
			((Var *) node)->varnosyn = ((Var *) node)->varno;
			((Var *) node)->varattnosyn = ((Var *) node)->varattno;
			break;
		case T_RelabelType:
			((RelabelType *) node)->relabelformat = COERCE_EXPLICIT_CAST;
			break;
		case T_CoerceViaIO:
			((CoerceViaIO *) node)->coerceformat = COERCE_EXPLICIT_CAST;
			break;
		case T_ArrayCoerceExpr:
			((ArrayCoerceExpr *) node)->coerceformat = COERCE_EXPLICIT_CAST;
			break;
		default:
			break;
	}
	return expression_tree_walker(node, out_walker, context);
}

/* Makes a query, in place, one that is the same when its text is read again. */
void
travel_out(Query *query)
{
	(void) out_walker((Node *) query, NULL);
}
