/*
 * params.c
 *		Parameters of a release: epsilon, delta, limits, bounds.
 *
 * Parameters are public.  They may be constants, the client's parameters, and
 * built-in immutable functions of these over numbers, dates and times (casts, signs,
 * arithmetic): immutable ones that make texts look at settings.  Nothing
 * else, and in particular no function of a user: a parameter stands in the plan
 * where it is evaluated once per row, so it could count the rows.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "policy/extension.h"
#include "query/level.h"
#include "query/params.h"
#include "spec/domain.h"
#include "spec/range.h"
#include "spec/spec.h"

PG_FUNCTION_INFO_V1(dp_domain_number);
PG_FUNCTION_INFO_V1(dp_check_bounds);

/* Types whose immutable functions look at no setting, as output functions do. */
static bool
type_is_plain(Oid type)
{
	switch (type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case FLOAT4OID:
		case FLOAT8OID:
		case NUMERICOID:
		case DATEOID:
		case TIMEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
		case INTERVALOID:
			return true;
		default:
			return false;
	}
}

/* May the function stand in a parameter: immutable, and over plain types alone? */
static bool
function_is_constant(Oid funcid)
{
	HeapTuple	tuple;
	Form_pg_proc form;
	bool		result;

	if (funcid >= FirstNormalObjectId)
		return false;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(funcid));
	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_proc) GETSTRUCT(tuple);
	result = form->provolatile == PROVOLATILE_IMMUTABLE &&
		form->prolang == INTERNALlanguageId && form->prokind == PROKIND_FUNCTION &&
		!form->proretset && type_is_plain(form->prorettype);
	for (int i = 0; result && i < form->pronargs; i++)
		result = type_is_plain(form->proargtypes.values[i]);
	ReleaseSysCache(tuple);
	return result;
}

/* Is there anything in the expression that may not stand in a parameter? */
static bool
not_parameter_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Const:
			return ((Const *) node)->consttype >= FirstNormalObjectId;
		case T_Param:
			return ((Param *) node)->paramkind != PARAM_EXTERN;
		case T_FuncExpr:
			if (!function_is_constant(((FuncExpr *) node)->funcid))
				return true;
			break;
		case T_OpExpr:
			set_opfuncid((OpExpr *) node);
			if (((OpExpr *) node)->opno >= FirstNormalObjectId ||
				!function_is_constant(((OpExpr *) node)->opfuncid))
				return true;
			break;
		case T_List:
		case T_RelabelType:
			break;
		default:
			return true;
	}
	return expression_tree_walker(node, not_parameter_walker, context);
}

/*
 * Returns a parameter of a release, simplified to a Const where its value is
 * known; NULL if the expression may not be one.
 */
Node *
release_parameter(RewriteContext *context, Node *expr)
{
	if (not_parameter_walker(expr, NULL))
		return NULL;
	return eval_const_expressions(context->root, expr);
}

/*
 * Is it an expression of constants and parameters of the client's whose values this plan has to
 * know, and does not, since it is to serve all values?  Then the plan may be made, but not run
 * (planner/awaiting.h): plans that know the values are, and judge them.
 */
bool
await_value(RewriteContext *context, Node *node)
{
	if (node == NULL || IsA(node, Const) || not_parameter_walker(node, NULL))
		return false;
	context->awaits_values = true;
	return true;
}

/*
 * The number that stands for a parameter's value: itself, or the position of a
 * date or time as domain_number() counts.  NULL if its type has none.
 */
Node *
parameter_as_float8(RewriteContext *context, Node *parameter)
{
	Node	   *number = parameter;

	if (exprType(parameter) == FLOAT8OID)
		return parameter;
	if (domain_of_type(exprType(parameter)) == SPEC_ARG_ANY)
		return NULL;
	number = (Node *) makeFuncExpr(extension_oid(DP_FUNC_NUMBER, InvalidOid), FLOAT8OID,
								   list_make1(parameter), InvalidOid, InvalidOid,
								   COERCE_EXPLICIT_CALL);
	return eval_const_expressions(context->root, number);
}

/* Is the parameter a constant, and not NULL? */
bool
parameter_is_known(const Node *parameter)
{
	return IsA(parameter, Const) && !((const Const *) parameter)->constisnull;
}

/* The smaller of two parameters that are float8: one of them where both are known. */
Node *
least_parameter(Node *a, Node *b)
{
	MinMaxExpr *result;

	if (parameter_is_known(a) && parameter_is_known(b))
		return DatumGetFloat8(((Const *) a)->constvalue) <=
			DatumGetFloat8(((Const *) b)->constvalue) ? a : b;
	result = makeNode(MinMaxExpr);
	result->minmaxtype = FLOAT8OID;
	result->op = IS_LEAST;
	result->args = list_make2(a, b);
	result->location = -1;
	return (Node *) result;
}

/*
 * number(anyelement) returns double precision
 *
 * What parameter_as_float8() puts around a parameter; NULL where the value is
 * none (NaN, another type), which is refused like any NULL.
 */
PGDLLEXPORT Datum
dp_domain_number(PG_FUNCTION_ARGS)
{
	double		x;
	SpecArgType type = domain_of_type(get_fn_expr_argtype(fcinfo->flinfo, 0));

	if (type == SPEC_ARG_ANY || !domain_number(type, PG_GETARG_DATUM(0), &x))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(x);
}

/*
 * check_bounds(type oid, typmod integer, lower double precision, upper double precision,
 *				column_name text) returns void
 *
 * For dp_agg.set_bounds(): range_check_declared() for a column of that type, which may be a
 * domain.
 */
PGDLLEXPORT Datum
dp_check_bounds(PG_FUNCTION_ARGS)
{
	int32		typmod = PG_GETARG_INT32(1);
	SpecArgType type = domain_of_type(getBaseTypeAndTypmod(PG_GETARG_OID(0), &typmod));

	range_check_declared(type, typmod, PG_GETARG_FLOAT8(2), PG_GETARG_FLOAT8(3),
						 text_to_cstring(PG_GETARG_TEXT_PP(4)));
	PG_RETURN_VOID();
}
