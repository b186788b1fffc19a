/*
 * bounds.c
 *		Bounds of an expression from the declared bounds of its columns, by
 *		interval arithmetic.
 *
 * sum(cost * 1.2) is as bounded as cost is.  Only public facts enter: declared
 * bounds, constants, types.  The result is clamped once more when it is
 * collected, so an interval that is too narrow costs accuracy, never privacy.
 */
#include "postgres.h"

#include <math.h>

#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"

#include "core/errors.h"
#include "core/names.h"
#include "policy/cache.h"
#include "policy/extension.h"
#include "policy/policy.h"
#include "query/bounds.h"
#include "query/equalities.h"
#include "query/level.h"
#include "query/outlived.h"
#include "spec/domain.h"
#include "spec/spec.h"

typedef struct Range
{
	double		lower;
	double		upper;
} Range;

static bool derive(Level *level, Node *node, Range *result);

static bool
is_number_type(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID ||
		type == FLOAT4OID || type == FLOAT8OID || type == NUMERICOID;
}

static bool
is_integer_type(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID;
}

/* The number of a constant; false if it is none, or not finite. */
static bool
constant_value(Const *con, double *value)
{
	SpecArgType type = domain_of_type(con->consttype);

	return !con->constisnull && type != SPEC_ARG_ANY &&
		domain_number(type, con->constvalue, value) && isfinite(*value);
}

/* Widens *result so that it holds the interval; the first one is taken as it is. */
static void
widen_range(Range *result, Range interval, bool first)
{
	result->lower = first ? interval.lower : Min(result->lower, interval.lower);
	result->upper = first ? interval.upper : Max(result->upper, interval.upper);
}

/* A column of a UNION ALL: the smallest interval around those of all branches. */
static bool
derive_branches(Query *query, AttrNumber attno, Range *result)
{
	bool		first = true;
	ListCell   *lc;

	foreach(lc, query->rtable)
	{
		RangeTblEntry *branch = lfirst(lc);
		Level		leaf = {.query = branch->subquery};
		TargetEntry *column;
		Range		interval;

		if (branch->rtekind != RTE_SUBQUERY)
			continue;			/* an entry of a view's own */
		if (branch->subquery->setOperations != NULL)
			return false;
		column = get_tle_by_resno(branch->subquery->targetList, attno);
		if (column == NULL || !derive(&leaf, (Node *) column->expr, &interval))
			return false;
		widen_range(result, interval, first);
		first = false;
	}
	return !first;
}

/* A column: its declared bounds, or those of what a sub-select hands out. */
static bool
derive_var(Level *level, Var *var, Range *result)
{
	RangeTblEntry *rte;

	if (var->varlevelsup != 0)
		return false;
	rte = rt_fetch(var->varno, level->query->rtable);
	if (rte->rtekind == RTE_RELATION)
	{
		const ProtectedRelation *rel = policy_lookup(rte->relid);
		const ColumnBounds *bounds = rel ? policy_bounds(rel, var->varattno) : NULL;

		if (bounds == NULL)
			return false;
		result->lower = bounds->lower;
		result->upper = bounds->upper;
		return true;
	}
	if (rte->rtekind == RTE_SUBQUERY)
	{
		Level		below = {.query = rte->subquery};
		TargetEntry *tle = get_tle_by_resno(rte->subquery->targetList, var->varattno);

		if (tle == NULL)
			return false;
		if (rte->subquery->setOperations != NULL)
			return derive_branches(rte->subquery, var->varattno, result);
		return derive(&below, (Node *) tle->expr, result);
	}
	return false;
}

/* The smallest interval around all the expressions; NULLs contribute nothing. */
static bool
derive_union(Level *level, List *nodes, Range *result)
{
	bool		first = true;
	ListCell   *lc;

	foreach(lc, nodes)
	{
		Node	   *node = lfirst(lc);
		Range		interval;

		if (node == NULL || (IsA(node, Const) && ((Const *) node)->constisnull))
			continue;
		if (!derive(level, node, &interval))
			return false;
		widen_range(result, interval, first);
		first = false;
	}
	return !first;
}

/* a + b, a - b, a * b, a / b (b must not be able to be near 0). */
static bool
derive_arithmetic(char op, Range a, Range b, bool integer, Range *result)
{
	double		corners[4];

	switch (op)
	{
		case '+':
			*result = (Range) {a.lower + b.lower, a.upper + b.upper};
			return true;
		case '-':
			*result = (Range) {a.lower - b.upper, a.upper - b.lower};
			return true;
		case '/':
			if (b.lower <= 0 && b.upper >= 0)
				return false;
			b = (Range) {1 / b.upper, 1 / b.lower};
			/* FALLTHROUGH */
		case '*':
			corners[0] = a.lower * b.lower;
			corners[1] = a.lower * b.upper;
			corners[2] = a.upper * b.lower;
			corners[3] = a.upper * b.upper;
			*result = (Range) {corners[0], corners[0]};
			for (int i = 1; i < 4; i++)
			{
				result->lower = Min(result->lower, corners[i]);
				result->upper = Max(result->upper, corners[i]);
			}
			if (op == '/' && integer)
				*result = (Range) {trunc(result->lower), trunc(result->upper)};
			return true;
		default:
			return false;
	}
}

/*
 * The arithmetic operation that a built-in function does, from its name, as in
 * int4pl, float84mul, numeric_sub, int8um; 0 if none.
 */
static char
arithmetic_of(const char *name)
{
	static const struct
	{
		const char *suffix;
		char		operation;
	}			operations[] = {
		{"pl", '+'}, {"_add", '+'}, {"mi", '-'}, {"_sub", '-'}, {"mul", '*'},
		{"div", '/'}, {"um", 'n'}, {"_uminus", 'n'}, {"abs", '@'}, {"up", '='},
		{"_uplus", '='}
	};
	Size		length = strlen(name);

	for (int i = 0; i < (int) lengthof(operations); i++)
	{
		Size		suffix = strlen(operations[i].suffix);

		if (length >= suffix && strcmp(name + length - suffix, operations[i].suffix) == 0)
			return operations[i].operation;
	}
	return 0;
}

/*
 * A function of one argument, within a: an operation of arithmetic_of(), or by its name a root,
 * a rounding or a cast among numbers.
 */
static bool
derive_unary(char operation, const char *name, Range a, Range *result)
{
	switch (operation)
	{
		case 'n':
			*result = (Range) {-a.upper, -a.lower};
			return true;
		case '@':
			*result = (Range) {a.lower <= 0 && a.upper >= 0 ? 0 :
				Min(fabs(a.lower), fabs(a.upper)), Max(fabs(a.lower), fabs(a.upper))};
			return true;
		case '=':
			*result = a;
			return true;
		default:
			break;
	}
	if ((strcmp(name, "sqrt") == 0 || strcmp(name, "dsqrt") == 0) && a.upper >= 0)
	{
		*result = (Range) {sqrt(Max(a.lower, 0)), sqrt(a.upper)};
		return true;
	}
	if (strcmp(name, "floor") == 0 || strcmp(name, "ceil") == 0 ||
		strcmp(name, "ceiling") == 0 || strcmp(name, "round") == 0 ||
		strcmp(name, "trunc") == 0 || strcmp(name, "int2") == 0 ||
		strcmp(name, "int4") == 0 || strcmp(name, "int8") == 0)
		*result = (Range) {floor(a.lower), ceil(a.upper)};
	else if (strcmp(name, "float4") == 0 || strcmp(name, "float8") == 0 ||
			 strcmp(name, "numeric") == 0)
		*result = a;
	else
		return false;
	return true;
}

/* A call of a built-in function, be it an operator's, a cast's or plain. */
static bool
derive_call(Level *level, Oid funcid, Oid resulttype, List *args, Range *result)
{
	char	   *name;
	char		operation;
	Range		a;
	Range		b;

	if (funcid >= FirstNormalObjectId || args == NIL || !is_number_type(resulttype))
		return false;
	if (funcid == F_INT4_BOOL)
	{
		*result = (Range) {0, 1};
		return true;
	}
	if (funcid == F_WIDTH_BUCKET_FLOAT8_FLOAT8_FLOAT8_INT4 ||
		funcid == F_WIDTH_BUCKET_NUMERIC_NUMERIC_NUMERIC_INT4)
	{
		if (!derive(level, list_nth(args, 3), &b) || b.lower != b.upper)
			return false;
		*result = (Range) {0, b.upper + 1};
		return true;
	}
	if (!is_number_type(exprType(linitial(args))) || !derive(level, linitial(args), &a))
		return false;
	name = get_func_name(funcid);
	operation = arithmetic_of(name);
	if (list_length(args) == 2 && operation != 0)
		return is_number_type(exprType(lsecond(args))) &&
			derive(level, lsecond(args), &b) &&
			derive_arithmetic(operation, a, b, is_integer_type(resulttype), result);
	return derive_unary(operation, name, a, result);
}

/* What stands inside guarded() is what counts: sub-selects are guarded already. */
static bool
derive_function(Level *level, FuncExpr *func, Range *result)
{
	DpFunction	ours = extension_function(func->funcid);

	if (ours == DP_FUNC_GUARDED)
		return derive_call(level,
						   DatumGetObjectId(linitial_node(Const, func->args)->constvalue),
						   func->funcresulttype, list_copy_tail(func->args, 2), result);
	return derive_call(level, func->funcid, func->funcresulttype, func->args, result);
}

/* Bounds of any expression; false if there are none.  They may be infinite. */
static bool
derive(Level *level, Node *node, Range *result)
{
	if (node == NULL)
		return false;
	check_stack_depth();
	switch (nodeTag(node))
	{
		case T_Const:
			if (!constant_value((Const *) node, &result->lower))
				return false;
			result->upper = result->lower;
			return true;
		case T_Var:
			return derive_var(level, (Var *) node, result);
		case T_RelabelType:
			return derive(level, (Node *) ((RelabelType *) node)->arg, result);
		case T_OpExpr:
			set_opfuncid((OpExpr *) node);
			return derive_call(level, ((OpExpr *) node)->opfuncid,
							   ((OpExpr *) node)->opresulttype, ((OpExpr *) node)->args,
							   result);
		case T_FuncExpr:
			return derive_function(level, (FuncExpr *) node, result);
		case T_CoalesceExpr:
			return derive_union(level, ((CoalesceExpr *) node)->args, result);
		case T_MinMaxExpr:
			return derive_union(level, ((MinMaxExpr *) node)->args, result);
		case T_NullIfExpr:
			return derive(level, linitial(((NullIfExpr *) node)->args), result);
		case T_CaseExpr:
			{
				CaseExpr   *expr = (CaseExpr *) node;
				List	   *results = list_make1(expr->defresult);
				ListCell   *lc;

				foreach(lc, expr->args)
					results = lappend(results, lfirst_node(CaseWhen, lc)->result);
				return derive_union(level, results, result);
			}
		default:
			return false;
	}
}

/*
 * Derives finite bounds of an expression of the level that is a number, date or time, in the
 * units of spec/domain.h; false if there are none.  lower = upper means that the expression is
 * a constant.
 */
bool
derive_bounds(Level *level, Node *node, double *lower, double *upper)
{
	Range		interval;

	if (domain_of_type(exprType(node)) == SPEC_ARG_ANY || !derive(level, node, &interval) ||
		!isfinite(interval.lower) || !isfinite(interval.upper))
		return false;
	*lower = interval.lower;
	*upper = interval.upper;
	return true;
}

/* Raises ERRCODE_DP_BOUNDS if a column of the expression has outlived the bounds declared for it. */
static void
check_outlived(Level *level, Node *node)
{
	ListCell   *lc;

	foreach(lc, pull_var_clause(node, PVC_RECURSE_AGGREGATES | PVC_RECURSE_WINDOWFUNCS |
								PVC_RECURSE_PLACEHOLDERS))
	{
		Var		   *var = lfirst_node(Var, lc);
		RangeTblEntry *rte = rt_fetch(var->varno, level->query->rtable);

		if (rte->rtekind == RTE_RELATION)
			refuse_outlived_bounds(rte->relid, var->varattno);
		else if (rte->rtekind == RTE_SUBQUERY && rte->subquery->setOperations == NULL)
		{
			Level		below = {.query = rte->subquery};
			TargetEntry *tle = get_tle_by_resno(rte->subquery->targetList, var->varattno);

			if (tle != NULL)
				check_outlived(&below, (Node *) tle->expr);
		}
	}
}

/* ----------
 * What to write instead
 * ----------
 */

/*
 * A column as the query may write it: quoted where that is needed, after the name of its FROM
 * item if there are several.
 */
static char *
written_column(Level *level, Var *var)
{
	RangeTblEntry *rte = rt_fetch(var->varno, level->query->rtable);
	const char *column = quote_identifier(get_rte_attribute_name(rte, var->varattno));
	char	   *item = pstrdup(quote_identifier(rte->eref->aliasname));

	return list_length(level->query->rtable) > 1 ? psprintf("%s.%s", item, column) :
		pstrdup(column);
}

/* The schema of the dp_ aggregates with a dot, quoted; empty if search_path finds them. */
static const char *
aggregate_schema(void)
{
	Oid			function = extension_oid(DP_FUNC_WITH, InvalidOid);

	if (FunctionIsVisible(function))
		return "";
	return psprintf("%s.", quote_identifier(get_namespace_name(get_func_namespace(function))));
}

/*
 * The call of an aggregate about x with bounds, as the query may write it.  Those of two
 * arguments and those that take more than bounds beside x are stood for by dp_avg().
 */
static char *
call_with_bounds(Aggref *aggref, const char *x)
{
	const char *name = get_func_name(aggref->aggfnoid);
	const char *prefix = strncmp(name, "dp_", 3) == 0 ? "" : "dp_";

	if (list_length(aggref->args) != 1 || aggref->aggkind != AGGKIND_NORMAL)
	{
		name = "avg";
		prefix = "dp_";
	}
	return psprintf("%s%s%s(%s, lower, upper)", aggregate_schema(), prefix, name, x);
}

/* Raises ERRCODE_DP_BOUNDS for an argument of an aggregate, naming the column where there is one. */
void
no_bounds(RewriteContext *context, Level *level, Node *node, Aggref *aggref)
{
	Node	   *bare = strip_relabel(node);

	check_outlived(level, node);
	while (IsA(bare, FuncExpr) && list_length(((FuncExpr *) bare)->args) == 1 &&
		   ((FuncExpr *) bare)->funcformat != COERCE_EXPLICIT_CALL)
		bare = strip_relabel(linitial(((FuncExpr *) bare)->args));
	if (IsA(bare, Var) && ((Var *) bare)->varlevelsup == 0)
	{
		RangeTblEntry *rte = rt_fetch(((Var *) bare)->varno, level->query->rtable);
		char	   *column = get_rte_attribute_name(rte, ((Var *) bare)->varattno);
		char	   *call = call_with_bounds(aggref, written_column(level, (Var *) bare));

		if (rte->rtekind == RTE_RELATION && policy_lookup(rte->relid) != NULL)
		{
			/* an alias may have given the column another name */
			char	   *own = get_attname(rte->relid, ((Var *) bare)->varattno, false);

			ereport(ERROR,
					(errcode(ERRCODE_DP_BOUNDS),
					 errmsg("no bounds are declared for column \"%s\"", column),
					 errhint("Give bounds, as in %s, or ask the administrator to call dp_agg.set_bounds(%s, %s, lower, upper).",
							 call, quote_literal_cstr(relation_for_statement(rte->relid)),
							 quote_literal_cstr(own))));
		}
		ereport(ERROR,
				(errcode(ERRCODE_DP_BOUNDS),
				 errmsg("no bounds are known for column \"%s\"", column),
				 errhint("Give bounds, as in %s; bounds declared with dp_agg.set_bounds() hold for columns of protected relations.",
						 call)));
	}
	ereport(ERROR,
			(errcode(ERRCODE_DP_BOUNDS),
			 errmsg("no bounds follow for this expression from those of its columns"),
			 errhint("Give bounds, as in %s where x is the expression, or declare them for its columns with dp_agg.set_bounds().",
					 call_with_bounds(aggref, "x"))));
}
