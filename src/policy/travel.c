/*
 * travel.c
 *		Queries that are written as SQL, and read again on another machine.
 *
 * Whoever reads the text must get the same functions over the same types.  What the rewriter puts
 * into queries is not made for that:
 *
 * - guarded() and guarded_cast() have a first argument of type internal, so that SQL cannot call
 *   them.  On their way they are travelling() and travelling_cast(), which do nothing, and are turned back
 *   in a query that is known to be a piece of a release.
 * - A cast that nobody has written is not written either (ruleutils.c), and is made again by the
 *   parser where it wants one: not for an argument of type "any".  So all casts are written.
 * - canonical() looks like a cast, and would be left out.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

#include "core/errors.h"
#include "policy/allowed.h"
#include "policy/extension.h"
#include "policy/travel.h"

/* The same function on its way, and at home; the other one if it is neither. */
static DpFunction
on_its_way(DpFunction function)
{
	if (function == DP_FUNC_GUARDED)
		return DP_FUNC_TRAVELLING;
	return function == DP_FUNC_GUARDED_CAST ? DP_FUNC_TRAVELLING_CAST : DP_FUNC_NONE;
}

static DpFunction
at_home(DpFunction function)
{
	if (function == DP_FUNC_TRAVELLING)
		return DP_FUNC_GUARDED;
	return function == DP_FUNC_TRAVELLING_CAST ? DP_FUNC_GUARDED_CAST : DP_FUNC_NONE;
}

/* Makes a function's call one of another, whose first argument, an OID, is of another type. */
static void
rename_call(FuncExpr *call, DpFunction function, Oid type)
{
	Const	   *what = linitial_node(Const, call->args);

	call->funcid = extension_oid(function, InvalidOid);
	linitial(call->args) = makeConst(type, -1, InvalidOid, get_typlen(type), what->constvalue,
									 what->constisnull, true);
}

static bool
out_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Query:
			return query_tree_walker((Query *) node, out_walker, context, 0);
		case T_FuncExpr:
			{
				FuncExpr   *call = (FuncExpr *) node;
				DpFunction	other = on_its_way(extension_function(call->funcid));

				if (other != DP_FUNC_NONE)
					rename_call(call, other, OIDOID);
				call->funcformat = COERCE_EXPLICIT_CALL;
			}
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

/* Are the arguments of a call to guarded() those of the function that it calls? */
static bool
arguments_match(FuncExpr *call, Oid funcid)
{
	Oid		   *types;
	int			n;
	ListCell   *lc;
	bool		result;

	result = get_func_rettype(funcid) == call->funcresulttype ||
		IsPolymorphicType(get_func_rettype(funcid));
	(void) get_func_signature(funcid, &types, &n);
	if (get_func_variadictype(funcid) == ANYOID ? list_length(call->args) - 2 < n - 1 :
		list_length(call->args) - 2 != n)
		return false;
	for_each_from(lc, call->args, 2)
	{
		Oid			wanted = types[Min(foreach_current_index(lc) - 2, n - 1)];

		result = result && (wanted == exprType(lfirst(lc)) || IsPolymorphicType(wanted) ||
							wanted == ANYOID);
	}
	return result;
}

/* One of these calls comes home.  Whoever wrote the text was not necessarily us. */
static void
come_home(FuncExpr *call, DpFunction function)
{
	Const	   *what = linitial(call->args);

	if (!IsA(what, Const) || what->consttype != OIDOID || what->constisnull)
		malformed("piece of a release");
	if (function == DP_FUNC_GUARDED &&
		(!function_is_guarded(DatumGetObjectId(what->constvalue)) ||
		 !arguments_match(call, DatumGetObjectId(what->constvalue))))
		malformed("piece of a release");
	rename_call(call, function, INTERNALOID);
}

static bool
in_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, in_walker, context, 0);
	if (IsA(node, FuncExpr))
	{
		DpFunction	other = at_home(extension_function(((FuncExpr *) node)->funcid));

		if (other != DP_FUNC_NONE)
			come_home((FuncExpr *) node, other);
	}
	return expression_tree_walker(node, in_walker, context);
}

/* Turns a query that was read, in place, back into what it was.  elog if it cannot have been that. */
void
travel_in(Query *query)
{
	(void) in_walker((Node *) query, NULL);
}
