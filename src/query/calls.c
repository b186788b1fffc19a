/*
 * calls.c
 *		Calls of functions below a release: as they are, through guarded(), or refused.
 *
 * A call with constants only is computed here, so that what depends on the query
 * alone fails here, too, before any row is read: see probe.c.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "core/refusals.h"
#include "policy/allowed.h"
#include "policy/extension.h"
#include "query/calls.h"
#include "query/checks.h"
#include "query/constants.h"
#include "query/level.h"
#include "query/params.h"
#include "query/paths.h"
#include "query/probe.h"
#include "query/refuse.h"

/*
 * ours(what, NULL, arguments): the first argument is of type internal, so SQL
 * cannot call it.
 */
static Node *
call_ours(DpFunction ours, Oid what, Oid resulttype, Oid resultcollid, Oid inputcollid,
		  List *args)
{
	List	   *wrapped = list_make2(makeConst(INTERNALOID, -1, InvalidOid, sizeof(Datum),
											   ObjectIdGetDatum(what), false, true),
									 makeNullConst(resulttype, -1, resultcollid));

	return (Node *) makeFuncExpr(extension_oid(ours, InvalidOid), resulttype,
								 list_concat(wrapped, args), resultcollid, inputcollid,
								 COERCE_EXPLICIT_CALL);
}

/*
 * A call by the rewriter of a function of ours, which a client can name as well: with the mark of
 * is_call_of_rewriter().  argtype as for extension_oid().
 */
Node *
call_of_rewriter(DpFunction function, Oid argtype, Oid resulttype, Node *arg)
{
	return (Node *) makeFuncExpr(extension_oid(function, argtype), resulttype, list_make1(arg),
								 InvalidOid, InvalidOid, COERCE_SQL_SYNTAX);
}

/*
 * Has the rewriter made the call of such a function?  It looks like what the grammar makes for functions
 * with a syntax of their own, or (canonical()) like a cast; a client cannot have either made of one of
 * these functions.
 */
bool
is_call_of_rewriter(const FuncExpr *func)
{
	return func->funcformat != COERCE_EXPLICIT_CALL;
}

/*
 * A text that is not wider than guarded() allows, or else NULL: through the
 * function that changes the length of a string, with no length.
 */
Node *
narrow_text(Node *text)
{
	Oid			type = exprType(text);
	Oid			collation = exprCollation(text);

	return call_ours(DP_FUNC_GUARDED, type == BPCHAROID ? F_BPCHAR_BPCHAR_INT4_BOOL :
					 F_VARCHAR_VARCHAR_INT4_BOOL, type, collation, collation,
					 list_make3(text, int4_const(-1), makeBoolConst(false, false)));
}

/* Replaces a relabelled constant by a constant of the other type. */
static Node *
relabelled(Node *node)
{
	RelabelType *relabel = (RelabelType *) node;
	Const	   *result;

	if (!IsA(node, RelabelType) || !IsA(relabel->arg, Const))
		return node;
	result = copyObject((Const *) relabel->arg);
	result->consttype = relabel->resulttype;
	result->consttypmod = relabel->resulttypmod;
	result->constcollid = relabel->resultcollid;
	result->location = relabel->location;
	return (Node *) result;
}

/* How many of the arguments are constants? */
static int
count_constants(List *args)
{
	int			result = 0;
	ListCell   *lc;

	foreach(lc, args)
		result += IsA(lfirst(lc), Const);
	return result;
}

/*
 * Does a format of format() ask for no width?  One of a row's own, or of a billion, would make as long a
 * text.
 */
static bool
format_is_plain(const Const *format)
{
	const char *c;

	if (format->constisnull)
		return true;
	for (c = TextDatumGetCString(format->constvalue); *c != '\0'; c++)
	{
		size_t		digits;

		if (*c != '%')
			continue;
		digits = strspn(++c, "0123456789");
		if (digits > 0 && c[digits] != '$')
			return false;
		c += digits > 0 ? digits + 1 : 0;
		if (*c == '\0' || strchr("sIL%", *c) == NULL)
			return false;
	}
	return true;
}

/* Formats, patterns, paths and lengths must be known before there is a row. */
static void
check_constant_argument(RewriteContext *context, Oid funcid, List *args, Node *node)
{
	int			position = function_constant_argument(funcid);
	Node	   *argument;

	if (position < 0 || position >= list_length(args))
		return;
	argument = list_nth(args, position);
	if (IsA(argument, Param) && exprType(argument) == JSONPATHOID)
	{
		argument = eval_const_expressions(context->root, argument);
		lfirst(list_nth_cell(args, position)) = argument;
	}
	if ((exprType(argument) == JSONPATHOID || function_pads(funcid) || function_formats(funcid)) &&
		await_value(context, argument))
		return;
	if (exprType(argument) == JSONPATHOID)
	{
		if (!IsA(argument, Const) || (!((Const *) argument)->constisnull &&
									  !path_is_bounded(((Const *) argument)->constvalue)))
			refuse(REFUSE_PATH, context->source, exprLocation(node));
		return;
	}
	if (function_pads(funcid))
	{
		if (!IsA(argument, Const) || (!((Const *) argument)->constisnull &&
									  DatumGetInt32(((Const *) argument)->constvalue) > LONGEST_PADDING))
			refuse(REFUSE_PADDING, context->source, exprLocation(node));
	}
	else if (function_formats(funcid))
	{
		if (!IsA(argument, Const) || !format_is_plain((Const *) argument))
			refuse(REFUSE_PATTERN, context->source, exprLocation(node));
	}
	else if (!IsA(argument, Const) && !(IsA(argument, Param) &&
										((Param *) argument)->paramkind == PARAM_EXTERN))
		refuse(REFUSE_PATTERN, context->source, exprLocation(node));
}

/*
 * The value of a call with constants only, or NULL if it has none yet because it
 * depends on settings or the clock.
 */
static Node *
constant_call(RewriteContext *context, Node *node, FuncExpr *call)
{
	Const	   *value;

	if (func_volatile(call->funcid) != PROVOLATILE_IMMUTABLE)
		return NULL;
	value = evaluate_or_refuse(context, call, exprLocation(node));
	if (!value->constisnull && value->constlen == -1 &&
		toast_raw_datum_size(value->constvalue) > GUARDED_WIDEST)
		refuse(REFUSE_EXPRESSION, context->source, exprLocation(node));
	value->location = exprLocation(node);
	return (Node *) value;
}

/*
 * A call of a function with guarded arguments, for a function, operator, IS DISTINCT
 * FROM or NULLIF: as it is, through guarded(), as its value, or refused.
 */
Node *
guard_call(RewriteContext *context, Node *node, Oid funcid, Oid resulttype,
		   Oid resultcollid, Oid inputcollid, List *args)
{
	FunctionVerdict verdict = function_verdict(funcid);
	bool		plain = IsA(node, FuncExpr) || IsA(node, OpExpr);
	int			constants;
	FuncExpr   *call;
	Node	   *copy;
	ListCell   *lc;

	if (verdict != FUNCTION_SAFE && verdict != FUNCTION_GUARDED && IsA(node, FuncExpr))
		refuse_function(context, node);
	if (verdict != FUNCTION_SAFE && verdict != FUNCTION_GUARDED)
		refuse_operator(context, ((OpExpr *) node)->opno, exprLocation(node));
	check_type(context, node);
	check_input_collation(context, inputcollid, args, node);
	check_collation(context, resultcollid, node);

	foreach(lc, args)
		lfirst(lc) = relabelled(lfirst(lc));
	check_constant_argument(context, funcid, args, node);
	constants = count_constants(args);
	call = makeFuncExpr(funcid, resulttype, args, resultcollid, inputcollid,
						COERCE_EXPLICIT_CALL);
	if (plain && constants == list_length(args))
	{
		Node	   *value = constant_call(context, node, call);

		if (value != NULL)
			return value;
	}
	if (verdict == FUNCTION_GUARDED)
	{
		if (constants > 0)
			probe_call(context, call, exprLocation(node));
		return call_ours(DP_FUNC_GUARDED, funcid, resulttype, resultcollid, inputcollid, args);
	}
	copy = copyObject(node);
	if (IsA(copy, FuncExpr))
		((FuncExpr *) copy)->args = args;
	else
		((OpExpr *) copy)->args = args; /* DistinctExpr, NullIfExpr too */
	return copy;
}

/*
 * The function that an expression of the language calls, through guarded() or not, and its
 * arguments.  InvalidOid if it is no call.
 */
Oid
called_function(Node *node, List **args)
{
	if (IsA(node, OpExpr))
	{
		set_opfuncid((OpExpr *) node);
		*args = ((OpExpr *) node)->args;
		return ((OpExpr *) node)->opfuncid;
	}
	if (!IsA(node, FuncExpr))
		return InvalidOid;
	*args = ((FuncExpr *) node)->args;
	if (extension_function(((FuncExpr *) node)->funcid) != DP_FUNC_GUARDED)
		return ((FuncExpr *) node)->funcid;
	node = linitial(*args);
	*args = list_copy_tail(*args, 2);	/* behind the function and its result */
	return IsA(node, Const) ? DatumGetObjectId(((Const *) node)->constvalue) : InvalidOid;
}

/* Types whose text is short, and that have one whatever the value and the settings. */
static bool
has_short_text(Oid type)
{
	switch (type)
	{
		case BOOLOID:
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case OIDOID:
		case FLOAT4OID:
		case FLOAT8OID:
		case NUMERICOID:
		case DATEOID:
		case TIMEOID:
		case UUIDOID:
			return true;
		default:
			return false;
	}
}

/* A cast through text; arg is guarded. */
Node *
guard_cast(RewriteContext *context, CoerceViaIO *coerce, Node *arg)
{
	Oid			source = getBaseType(exprType(arg));
	Oid			target = coerce->resulttype;
	CoerceViaIO *copy;

	check_type(context, (Node *) coerce);
	check_collation(context, coerce->resultcollid, (Node *) coerce);
	if (!cast_is_allowed(source, target))
		refuse_function(context, (Node *) coerce);
	if (!has_short_text(source) || (target != TEXTOID && target != VARCHAROID))
		return call_ours(DP_FUNC_GUARDED_CAST, InvalidOid, target, coerce->resultcollid,
						 InvalidOid, list_make1(arg));
	copy = copyObject(coerce);
	copy->arg = (Expr *) arg;
	return (Node *) copy;
}

/* The arguments of a built-in function in order, with defaults where they are left out. */
List *
ordered_arguments(FuncExpr *func)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(func->funcid));
	List	   *result;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", func->funcid);
	result = expand_function_arguments(copyObject(func->args), false, func->funcresulttype, tuple);
	ReleaseSysCache(tuple);
	return result;
}
