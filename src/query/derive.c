/*
 * derive.c
 *		Intervals of expressions from those of their columns.
 *
 * sum(cost * 1.2) is as bounded as cost is.  Only public facts enter: declared bounds and limits,
 * constants, parameters, types.  An interval holds all values of the expression that are neither
 * NULL nor NaN, while its columns are within their bounds; what lies outside is clamped when it is
 * collected, so an interval that is too narrow costs accuracy, never privacy.
 *
 * A text has the interval of its number of characters (lengths.c).
 */
#include "postgres.h"

#include <math.h>

#include "access/transam.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/fmgroids.h"

#include "policy/cache.h"
#include "policy/extension.h"
#include "policy/policy.h"
#include "query/branches.h"
#include "query/derive.h"
#include "query/equalities.h"
#include "query/grains.h"
#include "query/instants.h"
#include "query/lengths.h"
#include "query/operations.h"
#include "query/ranges.h"
#include "query/scope.h"
#include "query/totals.h"
#include "query/virtual.h"
#include "query/windows.h"
#include "spec/domain.h"
#include "spec/range.h"
#include "spec/spec.h"

static Range derive(Scope *scope, Node *node);

static bool
is_integer_type(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID;
}

/* The distance of values of a type, of numeric(p, s) by its typmod; 0 if none is known. */
static double
step_of(Oid type, int32 typmod)
{
	if (is_integer_type(type) || type == DATEOID)
		return 1;
	if (type == NUMERICOID && typmod >= (int32) VARHDRSZ)
		return pow(10, -((((typmod - VARHDRSZ) & 0x7ff) ^ 1024) - 1024));
	return 0;
}

/* The interval of a constant. */
static Range
constant_range(Const *con)
{
	SpecArgType type = domain_of_type(con->consttype);
	double		value;

	if (con->constisnull)
		return range_nothing();
	if (is_text_type(con->consttype))
		return length_of_constant(con);
	if (type == SPEC_ARG_ANY || !domain_number(type, con->constvalue, &value) || !isfinite(value))
		return range_everything();
	return (Range) {value, value, value == rint(value) ? 1 : 0};
}

/* ----------
 * Columns
 * ----------
 */

/*
 * The most rows that an individual has, as limits are declared; infinite if not known.  Limits of
 * 1 and 1 are what protect() takes if nothing is said, and tell nothing.
 */
static double
declared_rows(int max_groups, int max_rows, int max_total)
{
	if (max_total > 0)
		return max_total;
	return max_groups == 1 && max_rows == 1 ? INFINITY : (double) max_groups * max_rows;
}

/* The same below a query that reads nothing but one relation. */
static double
rows_of_query(Query *query)
{
	Node	   *item = list_length(query->jointree->fromlist) == 1 ?
		linitial(query->jointree->fromlist) : NULL;
	RangeTblEntry *rte;
	const ProtectedRelation *rel;

	if (item == NULL || !IsA(item, RangeTblRef))
		return INFINITY;
	rte = rt_fetch(((RangeTblRef *) item)->rtindex, query->rtable);
	rel = rte->rtekind == RTE_RELATION ? policy_lookup(rte->relid) : NULL;
	return rel == NULL ? INFINITY :
		declared_rows(rel->max_groups, rel->max_rows, rel->max_total);
}

/* The scope of a sub-select of the scope. */
static Scope
scope_below(Scope *scope, Level *below, double rows)
{
	Scope		result = *scope;

	result.level = below;
	result.outer = NULL;
	result.rows = rows;
	result.facts = where_facts(&result);
	return result;
}

/*
 * The expression that column attno is in one of the range table entries of a UNION ALL; *below
 * becomes the level of that branch, and *rows the most rows of an individual there.  NULL if the
 * entry is no plain sub-select.
 */
Node *
branch_column(RangeTblEntry *branch, AttrNumber attno, Level *below, double *rows)
{
	TargetEntry *column;

	if (branch->rtekind != RTE_SUBQUERY || branch->subquery->setOperations != NULL)
		return NULL;
	*below = (Level) {.query = branch->subquery};
	*rows = rows_of_query(branch->subquery);
	column = get_tle_by_resno(branch->subquery->targetList, attno);
	return column != NULL ? (Node *) column->expr : NULL;
}

/* A column of a UNION ALL: the smallest interval around those of all branches. */
static Range
union_column(Scope *scope, Query *query, AttrNumber attno)
{
	Range		result = range_nothing();
	ListCell   *lc;

	foreach(lc, query->rtable)
	{
		Level		leaf;
		double		rows;
		Scope		below;
		Node	   *column = branch_column(lfirst(lc), attno, &leaf, &rows);

		if (lfirst_node(RangeTblEntry, lc)->rtekind != RTE_SUBQUERY)
			continue;			/* an entry of a view's own */
		if (column == NULL)
			return range_everything();
		below = scope_below(scope, &leaf, rows);
		result = range_around(result, derive(&below, column));
	}
	return range_is_nothing(result) ? range_everything() : result;
}

/*
 * The expression that a column of a plain sub-select of the level is; *below becomes its level,
 * and *rows the most rows of an individual there, infinite if that is not known.  NULL if the
 * column is none of such a sub-select.
 */
Node *
below_column(Level *level, Var *var, Level *below, double *rows)
{
	RangeTblEntry *rte;
	const Individuals *individuals;
	TargetEntry *tle;

	if (var->varlevelsup != 0)
		return NULL;
	rte = rt_fetch(var->varno, level->query->rtable);
	if (rte->rtekind != RTE_SUBQUERY || rte->subquery->setOperations != NULL)
		return NULL;
	individuals = level->inputs != NULL ? level->inputs[var->varno] : NULL;
	if (individuals != NULL && individuals->level != NULL &&
		individuals->level->query == rte->subquery)
		*below = *individuals->level;
	else
		*below = (Level) {.query = rte->subquery};
	*rows = individuals == NULL ? rows_of_query(rte->subquery) :
		declared_rows(individuals->max_groups, individuals->max_rows, individuals->max_total);
	tle = get_tle_by_resno(rte->subquery->targetList, var->varattno);
	return tle != NULL ? (Node *) tle->expr : NULL;
}

/* A column of VALUES: the smallest interval around those of all rows. */
static Range
values_column(Scope *scope, List *rows, AttrNumber attno)
{
	Range		result = range_nothing();
	ListCell   *lc;

	foreach(lc, rows)
		result = range_around(result, derive(scope, list_nth(lfirst(lc), attno - 1)));
	return result;
}

/*
 * The bounds that are declared for a column of an entry, or how long its texts are; false if there are
 * none, and then those of its type.  Those of a virtual column are at the sub-select that computes it.
 */
static bool
declared_range(RangeTblEntry *rte, const Var *var, Range *result)
{
	Oid			relid = rte->relid;
	AttrNumber	attno = var->varattno;
	TargetEntry *tle;
	const ProtectedRelation *rel;
	const ColumnBounds *bounds;
	double		length;

	result->lower = -INFINITY;
	result->upper = INFINITY;
	result->step = step_of(var->vartype, var->vartypmod);
	if (rte->rtekind == RTE_SUBQUERY)
	{
		tle = get_tle_by_resno(rte->subquery->targetList, attno);
		if (tle == NULL || !virtual_origin(tle, &relid, &attno))
			return false;
	}
	else if (rte->rtekind != RTE_RELATION)
		return false;
	rel = policy_declared(relid);
	length = rel != NULL ? policy_length(rel, attno) : 0;
	if (length > 0 && domain_of_type(var->vartype) == SPEC_ARG_ANY)
	{
		*result = (Range) {0, length, 1};
		return true;
	}
	bounds = rel != NULL ? policy_bounds(rel, attno) : NULL;
	if (bounds == NULL)
		return false;
	result->lower = bounds->lower;
	result->upper = bounds->upper;
	return true;
}

/*
 * A column: its declared bounds, or those of what a sub-select or VALUES hands out.  One of the
 * query around is what LATERAL names.
 */
static Range
column_range(Scope *scope, Var *var)
{
	RangeTblEntry *rte;
	Level		level;
	double		rows;
	Node	   *expr;
	Range		result;

	if (var->varlevelsup == 1 && scope->outer != NULL)
	{
		var = copyObject(var);
		var->varlevelsup = 0;
		return derive(scope->outer, (Node *) var);
	}
	if (var->varlevelsup != 0 || scope->level == NULL)
		return range_everything();
	rte = rt_fetch(var->varno, scope->level->query->rtable);
	if (declared_range(rte, var, &result) || rte->rtekind == RTE_RELATION)
		return result;
	expr = below_column(scope->level, var, &level, &rows);
	if (expr != NULL)
	{
		Scope		below = scope_below(scope, &level, rows);

		below.outer = scope;
		return derive(&below, expr);
	}
	if (rte->rtekind == RTE_VALUES && var->varattno > 0)
		return values_column(scope, rte->values_lists, var->varattno);
	if (rte->rtekind == RTE_SUBQUERY && rte->subquery->setOperations != NULL)
		return union_column(scope, rte->subquery, var->varattno);
	return range_everything();
}

/* The value of a sub-select: NULL where it has no row. */
static Range
sublink_range(Scope *scope, SubLink *sublink)
{
	Query	   *query = castNode(Query, sublink->subselect);
	Level		level = {.query = query};
	Scope		below;

	if (sublink->subLinkType != EXPR_SUBLINK || query->setOperations != NULL ||
		query->hasTargetSRFs)
		return range_everything();
	below = scope_below(scope, &level, rows_of_query(query));
	return derive(&below, (Node *) linitial_node(TargetEntry, query->targetList)->expr);
}

/* ----------
 * Calls
 * ----------
 */

/* An interval within what values of its type can be, where it has both ends. */
static Range
within_type(Range range, Oid type)
{
	double		lowest;
	double		highest;

	if (!isfinite(range.lower) || !isfinite(range.upper))
		return range;
	range_of_type(domain_of_type(type), -1, &lowest, &highest);
	return range_within(range, (Range) {lowest, highest, 0});
}

/* The result of arithmetic as its type holds it. */
static Range
as_type(Range range, Oid type)
{
	if (range_is_nothing(range))
		return range;
	if (is_integer_type(type))
		range.step = Max(range.step, 1);
	else if (type == FLOAT4OID)
		range = range_of_operation(RANGE_TO_FLOAT4, &range, 1);
	else if (type == FLOAT8OID && range.step != rint(range.step))
		range.step = 0;			/* 0.3 - 0.2 - 0.1 is not 0 */
	return within_type(range, type);
}

/* A cast to numeric(p, s), which rounds to s digits. */
static Range
numeric_range(Range a, Node *typmod)
{
	double		step = IsA(typmod, Const) ?
		step_of(NUMERICOID, DatumGetInt32(((Const *) typmod)->constvalue)) : 0;
	Range		digits = {-rint(log10(step)), -rint(log10(step)), 1};
	Range		args[] = {a, digits};

	if (step == 0)
		return range_everything();
	return range_of_operation(RANGE_DECIMALS, args, 2);
}

/* Arithmetic; what is multiplied by itself is a square. */
static Range
arithmetic(Scope *scope, Oid funcid, Oid resulttype, List *args)
{
	RangeOperation operation = operation_of(funcid);
	Range		ranges[2] = {range_everything(), range_everything()};
	ListCell   *lc;

	if (operation == RANGE_UNKNOWN)
		operation = operation_as_of_numbers(funcid);

	if (operation == RANGE_UNKNOWN || list_length(args) > 2)
		return range_everything();
	foreach(lc, args)
		ranges[foreach_current_index(lc)] = derive(scope, lfirst(lc));
	if (operation == RANGE_MULTIPLY && equal(linitial(args), lsecond(args)))
	{
		operation = RANGE_POWER;

		ranges[1] = (Range) {2, 2, 1};
	}
	if (operation == RANGE_SAME && !is_integer_type(resulttype))
		return ranges[0];
	return as_type(range_of_operation(operation, ranges, list_length(args)), resulttype);
}

/* A bucket's number, 0 to one more than there are. */
static Range
bucket_range(Scope *scope, Node *count)
{
	Range		range = derive(scope, count);

	return range_is_nothing(range) ? range : (Range) {0, Max(range.upper, 0) + 1, 1};
}

/* A call of a built-in function, be it an operator's, a cast's or plain. */
static Range
call_range(Scope *scope, Oid funcid, Oid resulttype, List *args)
{
	Range		result;
	int			units;

	if (funcid >= FirstNormalObjectId)
		return range_everything();
	if (is_text_type(resulttype))
		return length_of_call(scope, funcid, args);
	if (instant_call(scope, funcid, resulttype, args, &result))
		return result;
	units = units_of_length(funcid);
	if (units > 0)
		return (Range) {0, Max(derive(scope, linitial(args)).upper, 0) * units, 1};
	switch (funcid)
	{
		case F_INT4_BOOL:
			return (Range) {0, 1, 1};
		case F_NUMERIC_NUMERIC_INT4:
			return numeric_range(derive(scope, linitial(args)), lsecond(args));
		case F_WIDTH_BUCKET_FLOAT8_FLOAT8_FLOAT8_INT4:
		case F_WIDTH_BUCKET_NUMERIC_NUMERIC_NUMERIC_INT4:
			return bucket_range(scope, list_nth(args, 3));
		default:
			return arithmetic(scope, funcid, resulttype, args);
	}
}

/* What stands inside what the rewriter put around it is what counts: sub-selects are guarded. */
static Range
function_range(Scope *scope, FuncExpr *func)
{
	switch (extension_function(func->funcid))
	{
		case DP_FUNC_GUARDED:
			return call_range(scope,
							  DatumGetObjectId(linitial_node(Const, func->args)->constvalue),
							  func->funcresulttype, list_copy_tail(func->args, 2));
		case DP_FUNC_TAME:
		case DP_FUNC_FLAT:
		case DP_FUNC_CANONICAL:
		case DP_FUNC_EXACT:
		case DP_FUNC_NEAREST_FLOAT4:
		case DP_FUNC_NEAREST_FLOAT8:
			return derive(scope, linitial(func->args));
		case DP_FUNC_GRAIN_END:
		case DP_FUNC_GRAIN_END_ZONED:
			return is_grain_end(func) ?
				grain_end_range(func, derive(scope, linitial(func->args))) : range_everything();
		default:
			return call_range(scope, func->funcid, func->funcresulttype, func->args);
	}
}

/* ----------
 * Aggregates per individual
 * ----------
 */

/* A sum of up to so many values within a range. */
static Range
sum_range(Scope *scope, Node *node)
{
	Range		result = derive(scope, node);
	Range		total = range_everything();
	double		norm;

	if (range_is_nothing(result))
		return result;
	if (scope->level != NULL && derive_total(scope->level, node, &total.lower, &total.upper, &norm))
		total = range_around(total, (Range) {0, 0, 0}); /* of some of the rows */
	if (isfinite(scope->rows))
		result = (Range) {Min(result.lower, result.lower * scope->rows),
			Max(result.upper, result.upper * scope->rows), result.step};
	else
		result = (Range) {-INFINITY, INFINITY, result.step};
	return range_within(result, total);
}

/* An aggregate of one individual's rows, of which at least one is there if they are grouped. */
static Range
aggregate_range(Scope *scope, Aggref *aggref)
{
	bool		all = aggref->aggstar && aggref->aggfilter == NULL && scope->level != NULL &&
		scope->level->query->groupClause != NIL;
	Scope		filtered = *scope;
	Node	   *argument;
	Range		range;

	if (aggref->aggfnoid == F_COUNT_ || aggref->aggfnoid == F_COUNT_ANY)
		return (Range) {all ? 1 : 0, scope->rows, 1};
	if (list_length(aggref->args) != 1)
		return range_everything();
	argument = (Node *) linitial_node(TargetEntry, aggref->args)->expr;
	filtered.facts = filter_facts(scope, aggref->aggfilter);
	switch (aggregate_of(aggref->aggfnoid))
	{
		case RANGE_AGGREGATE_EXTREME:
			return derive(&filtered, argument);
		case RANGE_AGGREGATE_AVERAGE:
			range = derive(&filtered, argument);
			range.step = 0;
			return range;
		case RANGE_AGGREGATE_SUM:
			return sum_range(&filtered, argument);
		default:
			return range_everything();
	}
}

/* A window function over one individual's rows. */
static Range
window_range(Scope *scope, WindowFunc *window)
{
	Range		range;

	switch (window->winfnoid)
	{
		case F_ROW_NUMBER:
		case F_RANK_:
		case F_DENSE_RANK_:
			return (Range) {1, scope->rows, 1};
		case F_PERCENT_RANK_:
		case F_CUME_DIST_:
			return (Range) {0, 1, 0};
		case F_NTILE:
			range = derive(scope, linitial(window->args));
			return (Range) {1, range.upper, 1};
		case F_LAG_ANYCOMPATIBLE_INT4_ANYCOMPATIBLE:
		case F_LEAD_ANYCOMPATIBLE_INT4_ANYCOMPATIBLE:
			return range_around(derive(scope, linitial(window->args)),
								derive(scope, lthird(window->args)));
		case F_LAG_ANYELEMENT:
		case F_LAG_ANYELEMENT_INT4:
		case F_LEAD_ANYELEMENT:
		case F_LEAD_ANYELEMENT_INT4:
		case F_FIRST_VALUE:
		case F_LAST_VALUE:
		case F_NTH_VALUE:
			return derive(scope, linitial(window->args));
		default:
			return window->winagg ? aggregate_range(scope, window_aggregate(window)) :
				range_everything();
	}
}

/* ----------
 * Expressions
 * ----------
 */

/*
 * A parameter of a prepared statement, whose value is not known if the plan is to serve all; or a
 * leaf.
 */
static Range
parameter_range(Scope *scope, Param *param)
{
	Node	   *value;

	if (param->paramkind == PARAM_EXEC && param->paramid < scope->nleaves)
		return scope->leaves[param->paramid];
	if (param->paramkind != PARAM_EXTERN)
		return range_everything();
	value = eval_const_expressions(scope->root, (Node *) param);
	if (IsA(value, Const))
		return constant_range((Const *) value);
	*scope->unknown = true;
	return range_everything();
}

/* The interval of an expression of any kind, but for what conditions say. */
static Range
bare_range(Scope *scope, Node *node)
{
	switch (nodeTag(node))
	{
		case T_Const:
			return constant_range((Const *) node);
		case T_Param:
			return parameter_range(scope, (Param *) node);
		case T_Var:
			return column_range(scope, (Var *) node);
		case T_RelabelType:
			return derive(scope, (Node *) ((RelabelType *) node)->arg);
		case T_OpExpr:
			set_opfuncid((OpExpr *) node);
			return call_range(scope, ((OpExpr *) node)->opfuncid,
							  ((OpExpr *) node)->opresulttype, ((OpExpr *) node)->args);
		case T_FuncExpr:
			return function_range(scope, (FuncExpr *) node);
		case T_SQLValueFunction:
			return domain_of_type(exprType(node)) == SPEC_ARG_ANY ? range_everything() :
				now_range(exprType(node));
		case T_Aggref:
			return aggregate_range(scope, (Aggref *) node);
		case T_WindowFunc:
			return window_range(scope, (WindowFunc *) node);
		case T_SubLink:
			return sublink_range(scope, (SubLink *) node);
		case T_CoalesceExpr:
			return list_range(scope, ((CoalesceExpr *) node)->args);
		case T_MinMaxExpr:
			return is_text_type(exprType(node)) ? list_range(scope, ((MinMaxExpr *) node)->args) :
				extreme_range(scope, (MinMaxExpr *) node);
		case T_NullIfExpr:
			return nullif_range(scope, (NullIfExpr *) node);
		case T_CaseExpr:
			return case_range(scope, (CaseExpr *) node);
		default:
			return range_everything();
	}
}

/* The interval of a text: of its number of characters. */
static Range
text_range(Scope *scope, Node *node)
{
	Range		range = bare_range(scope, node);

	return range_is_nothing(range) ? range : range_within(length_of_type(node), range);
}

/* The interval of an expression; infinite ends where nothing is known. */
static Range
derive(Scope *scope, Node *node)
{
	CHECK_FOR_INTERRUPTS();
	check_stack_depth();
	if (++*scope->steps > DP_MOST_STEPS)
		return range_everything();
	if (is_text_type(exprType(node)))
		return text_range(scope, node);
	return range_by_facts(scope, node, bare_range(scope, node));
}

/*
 * An interval as finite bounds; false if it is none.  Bounds of what has no value, as NULL, are
 * 0 and 0.
 */
bool
range_as_bounds(Range range, double *lower, double *upper)
{
	bool		nothing = range_is_nothing(range);

	*lower = nothing ? 0 : range.lower;
	*upper = nothing ? 0 : range.upper;
	return fabs(*lower) <= DP_LARGEST_BOUND && fabs(*upper) <= DP_LARGEST_BOUND;
}

/*
 * The interval of an expression of the level that is a number, date or time, in the units of
 * spec/domain.h, with infinite ends where nothing is known.  rows: the most rows of the level that
 * an individual has, infinite if that is not known.  filter: a condition of the rows that count, or
 * NULL.  *unknown is set if it has a parameter of a
 * prepared statement whose value is not known yet.  *steps counts what is looked at; from
 * DP_MOST_STEPS on nothing is known.
 */
Range
derive_range(PlannerInfo *root, Level *level, double rows, Expr *filter, Node *node, bool *unknown, int *steps)
{
	Scope		scope = {.root = root,.level = level,.rows = rows,.unknown = unknown,
		.steps = steps,.derive = derive};

	scope.facts = where_facts(&scope);
	scope.facts = filter_facts(&scope, filter);
	return derive(&scope, node);
}

/* The same of an expression without columns: parameters of kind PARAM_EXEC are leaves. */
Range
derive_closed(PlannerInfo *root, Node *node, double rows, const Range *leaves, int nleaves)
{
	bool		unknown;
	int			steps = 0;
	Scope		scope = {.root = root,.rows = rows,.leaves = leaves,.nleaves = nleaves,
		.unknown = &unknown,.steps = &steps,.derive = derive};

	return derive(&scope, node);
}
