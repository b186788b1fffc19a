/*
 * lengths.c
 *		The most characters of a text, from its type and the functions that cut it.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

#include "core/compat.h"
#include "policy/extension.h"
#include "query/lengths.h"

/* As many of "most" characters as a number within "count" leaves. */
static double
cut(double most, Range count)
{
	return Min(most, Max(count.upper, 0));
}

/* The most characters of a call's result; infinite if nothing is known. */
static double
called_length(Scope *scope, Oid funcid, List *args)
{
	Range		count;

	switch (funcid)
	{
		case F_LEFT:
		case F_RIGHT:
			count = scope->derive(scope, lsecond(args));
			return count.lower < 0 ? most_characters(scope, linitial(args)) :
				cut(most_characters(scope, linitial(args)), count);
		case F_SUBSTR_TEXT_INT4_INT4:
		case F_SUBSTRING_TEXT_INT4_INT4:
			return cut(most_characters(scope, linitial(args)), scope->derive(scope, lthird(args)));
		case F_SUBSTR_TEXT_INT4:
		case F_SUBSTRING_TEXT_INT4:
		case F_BTRIM_TEXT:
		case F_BTRIM_TEXT_TEXT:
		case F_LTRIM_TEXT:
		case F_LTRIM_TEXT_TEXT:
		case F_RTRIM_TEXT:
		case F_RTRIM_TEXT_TEXT:
		case DP_F_REVERSE_TEXT:
		case F_TEXT_BPCHAR:
			return most_characters(scope, linitial(args));
		case F_TEXTCAT:
			return most_characters(scope, linitial(args)) + most_characters(scope, lsecond(args));
		case F_MD5_TEXT:
		case F_MD5_BYTEA:
			return 32;
		default:
			return INFINITY;
	}
}

/* The most characters of one of the texts. */
static double
longest(Scope *scope, List *nodes)
{
	double		result = 0;
	ListCell   *lc;

	foreach(lc, nodes)
		result = Max(result, most_characters(scope, lfirst(lc)));
	return result;
}

static double
constant_length(Const *con)
{
	if (con->constisnull)
		return 0;
	if (con->consttype != TEXTOID && con->consttype != VARCHAROID)
		return INFINITY;
	return pg_mbstrlen(TextDatumGetCString(con->constvalue));
}

/* What the rewriter put around a call is as long as the call's result. */
static double
function_length(Scope *scope, FuncExpr *func)
{
	switch (extension_function(func->funcid))
	{
		case DP_FUNC_GUARDED:
			return called_length(scope,
								 DatumGetObjectId(linitial_node(Const, func->args)->constvalue),
								 list_copy_tail(func->args, 2));
		case DP_FUNC_FLAT:
		case DP_FUNC_CANONICAL:
			return most_characters(scope, linitial(func->args));
		default:
			return called_length(scope, func->funcid, func->args);
	}
}

/* The most characters of a text; infinite if nothing is known. */
double
most_characters(Scope *scope, Node *node)
{
	Oid			type = exprType(node);

	check_stack_depth();
	if ((type == VARCHAROID || type == BPCHAROID) && exprTypmod(node) >= (int32) VARHDRSZ)
		return exprTypmod(node) - VARHDRSZ;
	switch (nodeTag(node))
	{
		case T_RelabelType:
			return most_characters(scope, (Node *) ((RelabelType *) node)->arg);
		case T_Const:
			return constant_length((Const *) node);
		case T_FuncExpr:
			return function_length(scope, (FuncExpr *) node);
		case T_OpExpr:
			set_opfuncid((OpExpr *) node);
			return called_length(scope, ((OpExpr *) node)->opfuncid, ((OpExpr *) node)->args);
		case T_CoalesceExpr:
			return longest(scope, ((CoalesceExpr *) node)->args);
		default:
			return INFINITY;
	}
}
