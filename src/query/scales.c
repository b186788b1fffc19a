/*
 * scales.c
 *		How many digits after the point an expression has.
 *
 * Those of integers and of numeric(p, s) are known, and follow through +, -, *, rounding, CASE and
 * the like, and through sub-selects.  Those of numeric without a scale are not, since rows decide.
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"

#include "policy/extension.h"
#include "query/equalities.h"
#include "query/level.h"
#include "query/scales.h"
#include "spec/domain.h"
#include "spec/range.h"
#include "spec/spec.h"

static bool scale_of(Level *level, Node *node, int *scale);

/* The largest scale of expressions, NULLs left out; false if one is not known, or there is none. */
static bool
scale_of_all(Level *level, List *nodes, int *scale)
{
	bool		found = false;
	ListCell   *lc;

	foreach(lc, nodes)
	{
		Node	   *node = lfirst(lc);
		int			one;

		if (node == NULL || (IsA(node, Const) && ((Const *) node)->constisnull))
			continue;
		if (!scale_of(level, node, &one))
			return false;
		*scale = found ? Max(*scale, one) : one;
		found = true;
	}
	return found;
}

/* A column that a sub-select hands out. */
static bool
scale_of_column(Level *level, Var *var, int *scale)
{
	RangeTblEntry *rte;
	TargetEntry *tle;

	if (var->varlevelsup != 0)
		return false;
	rte = rt_fetch(var->varno, level->query->rtable);
	if (rte->rtekind != RTE_SUBQUERY || rte->subquery->setOperations != NULL)
		return false;
	tle = get_tle_by_resno(rte->subquery->targetList, var->varattno);
	return tle != NULL && scale_of(&(Level) {.query = rte->subquery}, (Node *) tle->expr, scale);
}

/* A call of a function of one or two numbers, which may be an operator's. */
static bool
scale_of_call(Level *level, Oid funcid, List *args, int *scale)
{
	Node	   *second = list_length(args) == 2 ? lsecond(args) : NULL;
	char	   *name = get_func_name(funcid);
	int			one;

	if (funcid >= FirstNormalObjectId || name == NULL || args == NIL || list_length(args) > 2)
		return false;
	if (strcmp(name, "round") == 0 || strcmp(name, "trunc") == 0)
	{
		if (second != NULL && (!IsA(second, Const) || ((Const *) second)->constisnull))
			return false;
		*scale = second != NULL ? DatumGetInt32(((Const *) second)->constvalue) : 0;
		return true;
	}
	if (strcmp(name, "numeric_mul") == 0)
	{
		if (!scale_of(level, linitial(args), &one) || !scale_of(level, second, scale))
			return false;
		*scale += one;
		return true;
	}
	*scale = 0;
	if (strcmp(name, "floor") == 0 || strcmp(name, "ceil") == 0 || strcmp(name, "ceiling") == 0)
		return true;
	return (strcmp(name, "numeric_add") == 0 || strcmp(name, "numeric_sub") == 0 ||
			strcmp(name, "numeric_uminus") == 0 || strcmp(name, "numeric_uplus") == 0 ||
			strcmp(name, "numeric_abs") == 0 || strcmp(name, "abs") == 0 ||
			(strcmp(name, "numeric") == 0 && second == NULL)) &&
		scale_of_all(level, args, scale);
}

/* Sums and extremes have no more digits than what they are made of. */
static bool
scale_of_aggregate(Level *level, Aggref *aggref, int *scale)
{
	char	   *name = get_func_name(aggref->aggfnoid);

	return aggref->aggfnoid < FirstNormalObjectId && name != NULL &&
		(strcmp(name, "sum") == 0 || strcmp(name, "min") == 0 || strcmp(name, "max") == 0) &&
		scale_of(level, (Node *) linitial_node(TargetEntry, aggref->args)->expr, scale);
}

/* A constant, which has the digits that are written. */
static bool
scale_of_constant(Const *con, int *scale)
{
	Numeric		value = DatumGetNumeric(con->constvalue);

	if (numeric_is_nan(value) || numeric_is_inf(value))
		return false;
	*scale = DatumGetInt32(DirectFunctionCall1(numeric_scale, con->constvalue));
	return true;
}

/* What stands inside guarded() is what counts: sub-selects are guarded already. */
static bool
scale_of_function(Level *level, FuncExpr *func, int *scale)
{
	switch (extension_function(func->funcid))
	{
		case DP_FUNC_GUARDED:
			return scale_of_call(level, DatumGetObjectId(linitial_node(Const, func->args)->constvalue),
								 list_copy_tail(func->args, 2), scale);
		case DP_FUNC_TAME:
			return scale_of(level, linitial(func->args), scale);
		default:
			return scale_of_call(level, func->funcid, func->args, scale);
	}
}

/* What a kind of expression makes of the scales of others. */
static bool
scale_of_expression(Level *level, Node *node, int *scale)
{
	List	   *results;
	ListCell   *lc;

	switch (nodeTag(node))
	{
		case T_Const:
			return scale_of_constant((Const *) node, scale);
		case T_Var:
			return scale_of_column(level, (Var *) node, scale);
		case T_OpExpr:
			return scale_of_call(level, get_opcode(((OpExpr *) node)->opno),
								 ((OpExpr *) node)->args, scale);
		case T_FuncExpr:
			return scale_of_function(level, (FuncExpr *) node, scale);
		case T_Aggref:
			return scale_of_aggregate(level, (Aggref *) node, scale);
		case T_CoalesceExpr:
			return scale_of_all(level, ((CoalesceExpr *) node)->args, scale);
		case T_MinMaxExpr:
			return scale_of_all(level, ((MinMaxExpr *) node)->args, scale);
		case T_NullIfExpr:
			return scale_of(level, linitial(((NullIfExpr *) node)->args), scale);
		case T_CaseExpr:
			results = list_make1(((CaseExpr *) node)->defresult);
			foreach(lc, ((CaseExpr *) node)->args)
				results = lappend(results, lfirst_node(CaseWhen, lc)->result);
			return scale_of_all(level, results, scale);
		default:
			return false;
	}
}

/* The digits after the point that values of an expression have at most; false if that is not known. */
static bool
scale_of(Level *level, Node *node, int *scale)
{
	SpecArgType type;
	int32		typmod;
	int			precision;

	check_stack_depth();
	node = strip_relabel(node);
	type = domain_of_type(exprType(node));
	typmod = exprTypmod(node);
	*scale = 0;
	if (domain_is_whole(type))
		return true;
	if (type != SPEC_ARG_NUMERIC || (IsA(node, Const) && ((Const *) node)->constisnull))
		return false;
	(void) getBaseTypeAndTypmod(exprType(node), &typmod);
	if (range_precision(type, typmod, &precision, scale))
		return true;
	return scale_of_expression(level, node, scale) &&
		*scale >= NUMERIC_MIN_SCALE && *scale <= NUMERIC_MAX_SCALE;
}

/* How the sum of an argument is shown. */
SpecDigits
digits_of_sum(Level *level, Node *expr)
{
	SpecArgType type = domain_of_type(exprType(expr));
	int			scale;

	if (!domain_is_whole(type) && type != SPEC_ARG_NUMERIC)
		return (SpecDigits) {SPEC_ROUND_NONE};
	if (scale_of(level, expr, &scale))
		return (SpecDigits) {SPEC_ROUND_SCALE, (int16) scale};
	return (SpecDigits) {SPEC_ROUND_WIDTH, 0};
}

/* How an average, a variance or a deviation of an argument is shown, as a number of a type. */
SpecDigits
digits_of_mean(Level *level, Node *expr, Oid type)
{
	int			scale;

	if (type != NUMERICOID)
		return (SpecDigits) {SPEC_ROUND_NONE};
	if (!scale_of(level, expr, &scale))
		scale = 0;
	return (SpecDigits) {SPEC_ROUND_WIDTH, (int16) Max(scale, 0)};
}
