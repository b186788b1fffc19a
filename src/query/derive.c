/*
 * derive.c
 *		Intervals of expressions from those of their columns.
 *
 * sum(cost * 1.2) is as bounded as cost is.  Only public facts enter: declared bounds and limits,
 * constants, parameters, types.  An interval holds all values of the expression that are neither
 * NULL nor NaN, while its columns are within their bounds; what lies outside is clamped when it is
 * collected, so an interval that is too narrow costs accuracy, never privacy.
 */
#include "postgres.h"

#include <math.h>

#include "access/stratnum.h"
#include "access/transam.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "policy/cache.h"
#include "policy/extension.h"
#include "policy/policy.h"
#include "query/derive.h"
#include "query/equalities.h"
#include "query/fields.h"
#include "query/level.h"
#include "query/ranges.h"
#include "spec/domain.h"
#include "spec/spec.h"

/* What is known where an expression stands. */
typedef struct Scope
{
	PlannerInfo *root;			/* to simplify parameters */
	Level	   *level;
	List	   *facts;			/* of Fact */
	bool	   *unknown;		/* set where a parameter's value is not known */
} Scope;

/* An expression whose values lie within an interval, as a condition says. */
typedef struct Fact
{
	Node	   *node;
	Range		range;
} Fact;

static Range derive(Scope *scope, Node *node);

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

	if (con->constisnull || type == SPEC_ARG_ANY ||
		!domain_number(type, con->constvalue, &value) || !isfinite(value))
		return range_everything();
	return (Range) {value, value, value == rint(value) ? 1 : 0};
}

/* The scope of a sub-select. */
static Scope
scope_below(Scope *scope, Level *below)
{
	return (Scope) {scope->root, below, NIL, scope->unknown};
}

/* A column of a UNION ALL: the smallest interval around those of all branches. */
static Range
union_column(Scope *scope, Query *query, AttrNumber attno)
{
	bool		first = true;
	Range		result = range_everything();
	ListCell   *lc;

	foreach(lc, query->rtable)
	{
		RangeTblEntry *branch = lfirst(lc);
		Level		leaf = {.query = branch->subquery};
		Scope		below = scope_below(scope, &leaf);
		TargetEntry *column;
		Range		range;

		if (branch->rtekind != RTE_SUBQUERY)
			continue;			/* an entry of a view's own */
		column = branch->subquery->setOperations != NULL ? NULL :
			get_tle_by_resno(branch->subquery->targetList, attno);
		if (column == NULL)
			return range_everything();
		range = derive(&below, (Node *) column->expr);
		result = first ? range : range_around(result, range);
		first = false;
	}
	return result;
}

/* A column: its declared bounds, or those of what a sub-select hands out. */
static Range
column_range(Scope *scope, Var *var)
{
	RangeTblEntry *rte;

	if (var->varlevelsup != 0)
		return range_everything();
	rte = rt_fetch(var->varno, scope->level->query->rtable);
	if (rte->rtekind == RTE_RELATION)
	{
		const ProtectedRelation *rel = policy_lookup(rte->relid);
		const ColumnBounds *bounds = rel ? policy_bounds(rel, var->varattno) : NULL;
		double		step = step_of(var->vartype, var->vartypmod);

		if (bounds == NULL)
			return (Range) {-INFINITY, INFINITY, step};
		return (Range) {bounds->lower, bounds->upper, step};
	}
	if (rte->rtekind == RTE_SUBQUERY)
	{
		Level		level = {.query = rte->subquery};
		Scope		below = scope_below(scope, &level);
		TargetEntry *tle = get_tle_by_resno(rte->subquery->targetList, var->varattno);

		if (tle == NULL)
			return range_everything();
		if (rte->subquery->setOperations != NULL)
			return union_column(scope, rte->subquery, var->varattno);
		return derive(&below, (Node *) tle->expr);
	}
	return range_everything();
}

/* The smallest interval around all the expressions; NULLs contribute nothing. */
static Range
list_range(Scope *scope, List *nodes)
{
	bool		first = true;
	Range		result = range_everything();
	ListCell   *lc;

	foreach(lc, nodes)
	{
		Node	   *node = lfirst(lc);
		Range		range;

		if (node == NULL || (IsA(node, Const) && ((Const *) node)->constisnull))
			continue;
		range = derive(scope, node);
		result = first ? range : range_around(result, range);
		first = false;
	}
	return result;
}

/* Is the value surely not NULL, as that of a constant or of a COALESCE that ends with one? */
static bool
surely_a_value(Scope *scope, Node *node)
{
	List	   *args = NIL;
	ListCell   *lc;

	if (IsA(node, MinMaxExpr))
		args = ((MinMaxExpr *) node)->args;
	else if (IsA(node, CoalesceExpr))
		args = ((CoalesceExpr *) node)->args;
	else
		return contain_var_clause(node) ? false :
			range_is_point(derive(scope, node));
	foreach(lc, args)
	{
		if (surely_a_value(scope, lfirst(lc)))
			return true;
	}
	return false;
}

/* GREATEST and LEAST, which pass over NULLs: one end is cut by what is surely a value. */
static Range
extreme_range(Scope *scope, MinMaxExpr *expr)
{
	Range		result = list_range(scope, expr->args);
	ListCell   *lc;

	foreach(lc, expr->args)
	{
		Range		range;

		if (!surely_a_value(scope, lfirst(lc)))
			continue;
		range = derive(scope, lfirst(lc));
		if (expr->op == IS_GREATEST)
			result.lower = Max(result.lower, range.lower);
		else
			result.upper = Min(result.upper, range.upper);
	}
	return result;
}

/* NULLIF(a, 0): whole numbers that are not 0 begin at 1. */
static Range
nullif_range(Scope *scope, NullIfExpr *expr)
{
	Range		a = derive(scope, linitial(expr->args));
	Range		b = derive(scope, lsecond(expr->args));

	if (range_is_point(b) && a.step > 0)
	{
		if (a.lower == b.lower && a.upper >= a.lower + a.step)
			a.lower += a.step;
		else if (a.upper == b.lower && a.lower <= a.upper - a.step)
			a.upper -= a.step;
	}
	return a;
}

/* ----------
 * Conditions
 * ----------
 */

/* The expression below an implicit cast that changes no number. */
static Node *
below_cast(Node *node)
{
	node = strip_relabel(node);
	while (IsA(node, FuncExpr) && ((FuncExpr *) node)->funcformat == COERCE_IMPLICIT_CAST &&
		   list_length(((FuncExpr *) node)->args) == 1 &&
		   is_number_type(((FuncExpr *) node)->funcresulttype) &&
		   is_number_type(exprType(linitial(((FuncExpr *) node)->args))))
		node = strip_relabel(linitial(((FuncExpr *) node)->args));
	return node;
}

/* Adds that the expression and what a constant is compared with are related so. */
static List *
add_fact(List *facts, Node *node, Range constant, int strategy)
{
	Fact	   *fact;
	Range		range = range_everything();

	if (strategy == BTLessStrategyNumber || strategy == BTLessEqualStrategyNumber ||
		strategy == BTEqualStrategyNumber)
		range.upper = constant.upper;
	if (strategy == BTGreaterStrategyNumber || strategy == BTGreaterEqualStrategyNumber ||
		strategy == BTEqualStrategyNumber)
		range.lower = constant.lower;
	if (range.lower == -INFINITY && range.upper == INFINITY)
		return facts;
	fact = palloc(sizeof(Fact));
	*fact = (Fact) {below_cast(node), range};
	return lappend(facts, fact);
}

/* The comparison that says that one is not so; 0 if it says nothing. */
static int
opposite(int strategy)
{
	switch (strategy)
	{
		case BTLessStrategyNumber:
			return BTGreaterEqualStrategyNumber;
		case BTLessEqualStrategyNumber:
			return BTGreaterStrategyNumber;
		case BTGreaterEqualStrategyNumber:
			return BTLessStrategyNumber;
		case BTGreaterStrategyNumber:
			return BTLessEqualStrategyNumber;
		default:
			return 0;
	}
}

/* The facts of a comparison with a constant, on either side. */
static List *
comparison_facts(Scope *scope, List *facts, OpExpr *op, bool holds)
{
	Node	   *left = linitial(op->args);
	Node	   *right = list_length(op->args) == 2 ? lsecond(op->args) : NULL;
	List	   *meanings;
	int			strategy;
	Oid			operator = op->opno;

	if (right == NULL || (exprType(left) != exprType(right) &&
						  !(is_number_type(exprType(left)) && is_number_type(exprType(right)))))
		return facts;
	if (!contain_var_clause(left))
	{
		Node	   *swap = left;

		left = right;
		right = swap;
		operator = get_commutator(operator);
	}
	if (contain_var_clause(right) || !range_is_point(derive(scope, right)) ||
		(meanings = get_op_btree_interpretation(operator)) == NIL)
		return facts;
	strategy = ((OpBtreeInterpretation *) linitial(meanings))->strategy;
	return add_fact(facts, left, derive(scope, right), holds ? strategy : opposite(strategy));
}

/*
 * Adds the facts that follow where a condition is true (holds), or where it is false or NULL.
 * Where it is NULL the expression that is compared is, too, and has no value to be outside of.
 */
static List *
add_facts(Scope *scope, List *facts, Node *condition, bool holds)
{
	ListCell   *lc;

	check_stack_depth();
	if (IsA(condition, OpExpr))
		return comparison_facts(scope, facts, (OpExpr *) condition, holds);
	if (!IsA(condition, BoolExpr))
		return facts;
	switch (((BoolExpr *) condition)->boolop)
	{
		case NOT_EXPR:
			return add_facts(scope, facts, linitial(((BoolExpr *) condition)->args), !holds);
		case AND_EXPR:
			if (!holds)
				return facts;
			break;
		case OR_EXPR:
			if (holds)
				return facts;
			break;
	}
	foreach(lc, ((BoolExpr *) condition)->args)
		facts = add_facts(scope, facts, lfirst(lc), holds);
	return facts;
}

/* CASE: the interval around its branches, each within what its conditions say. */
static Range
case_range(Scope *scope, CaseExpr *expr)
{
	Scope		inner = *scope;
	List	   *results = NIL;
	bool		first = true;
	Range		result = range_everything();
	ListCell   *lc;

	foreach(lc, expr->args)
		results = lappend(results, lfirst_node(CaseWhen, lc)->result);
	results = lappend(results, expr->defresult);
	foreach(lc, results)
	{
		Node	   *node = lfirst(lc);
		Node	   *when = foreach_current_index(lc) < list_length(expr->args) && expr->arg == NULL ?
			(Node *) list_nth_node(CaseWhen, expr->args, foreach_current_index(lc))->expr : NULL;

		if (node != NULL && !(IsA(node, Const) && ((Const *) node)->constisnull))
		{
			Scope		branch = inner;
			Range		range;

			if (when != NULL)
				branch.facts = add_facts(&inner, list_copy(inner.facts), when, true);
			range = derive(&branch, node);
			result = first ? range : range_around(result, range);
			first = false;
		}
		if (when != NULL)
			inner.facts = add_facts(&inner, list_copy(inner.facts), when, false);
	}
	return result;
}

/* ----------
 * Lengths of texts
 * ----------
 */

static double
least_of(double a, Range b)
{
	return Min(a, Max(b.upper, 0));
}

static double text_length(Scope *scope, Node *node);

/* The most characters of a call's result; infinite if nothing is known. */
static double
called_length(Scope *scope, Oid funcid, List *args)
{
	Range		count;

	switch (funcid)
	{
		case F_LEFT:
		case F_RIGHT:
			count = derive(scope, lsecond(args));
			return count.lower < 0 ? text_length(scope, linitial(args)) :
				least_of(text_length(scope, linitial(args)), count);
		case F_SUBSTR_TEXT_INT4_INT4:
		case F_SUBSTRING_TEXT_INT4_INT4:
			return least_of(text_length(scope, linitial(args)), derive(scope, lthird(args)));
		case F_SUBSTR_TEXT_INT4:
		case F_SUBSTRING_TEXT_INT4:
		case F_BTRIM_TEXT:
		case F_BTRIM_TEXT_TEXT:
		case F_LTRIM_TEXT:
		case F_LTRIM_TEXT_TEXT:
		case F_RTRIM_TEXT:
		case F_RTRIM_TEXT_TEXT:
		case F_REVERSE:
		case F_TEXT_BPCHAR:
			return text_length(scope, linitial(args));
		case F_TEXTCAT:
			return text_length(scope, linitial(args)) + text_length(scope, lsecond(args));
		case F_MD5_TEXT:
		case F_MD5_BYTEA:
			return 32;
		default:
			return INFINITY;
	}
}

/* The most characters of a text; infinite if nothing is known. */
static double
text_length(Scope *scope, Node *node)
{
	Oid			type = exprType(node);

	check_stack_depth();
	if ((type == VARCHAROID || type == BPCHAROID) && exprTypmod(node) >= (int32) VARHDRSZ)
		return exprTypmod(node) - VARHDRSZ;
	switch (nodeTag(node))
	{
		case T_RelabelType:
			return text_length(scope, (Node *) ((RelabelType *) node)->arg);
		case T_Const:
			if (((Const *) node)->constisnull || (type != TEXTOID && type != VARCHAROID))
				return INFINITY;
			return pg_mbstrlen(TextDatumGetCString(((Const *) node)->constvalue));
		case T_FuncExpr:
			{
				FuncExpr   *func = (FuncExpr *) node;

				if (extension_function(func->funcid) != DP_FUNC_GUARDED)
					return called_length(scope, func->funcid, func->args);
				return called_length(scope,
									 DatumGetObjectId(linitial_node(Const, func->args)->constvalue),
									 list_copy_tail(func->args, 2));
			}
		case T_OpExpr:
			set_opfuncid((OpExpr *) node);
			return called_length(scope, ((OpExpr *) node)->opfuncid, ((OpExpr *) node)->args);
		default:
			return INFINITY;
	}
}

/* ----------
 * Calls
 * ----------
 */

/* The longest age in whole days that months and days of different lengths make of a distance. */
static Range
age_range(Range a)
{
	double		day = (double) USECS_PER_DAY;

	/* 360 days of comparison to 365 or 366 of the calendar; months have 28 to 31 days, not 30 */
	return (Range) {a.lower < 0 ? a.lower * 30 / 28 - 3 * day : a.lower * 360 / 366 - 3 * day,
		a.upper > 0 ? a.upper * 30 / 28 + 3 * day : a.upper * 360 / 366 + 3 * day, 0};
}

/*
 * The time, for a plan that may be kept: from the beginning of this year to the end of the next, so
 * that the same question has the same bounds all year.
 */
static Range
now_range(Oid type)
{
	double		date = (double) GetCurrentTimestamp() / (double) USECS_PER_DAY;
	int			year;
	int			month;
	int			day;
	Range		dates;

	j2date((int) floor(date) + POSTGRES_EPOCH_JDATE, &year, &month, &day);
	dates = (Range) {date2j(year, 1, 1) - POSTGRES_EPOCH_JDATE,
		date2j(year + 2, 1, 1) - POSTGRES_EPOCH_JDATE, 1};
	return type == DATEOID ? dates : date_cast_range(DATEOID, type, dates);
}

/* age(a), as of today: age(today, a). */
static Range
age_today(Scope *scope, Node *node)
{
	Range		today = now_range(exprType(node));
	Range		a = derive(scope, node);

	return age_range((Range) {today.lower - a.upper, today.upper - a.lower, 0});
}

/* age(a, b); years end on the day of the year, so their number follows from the dates' distance. */
static Range
age_of(Scope *scope, List *args)
{
	Range		a = derive(scope, linitial(args));
	Range		b = derive(scope, lsecond(args));

	return age_range((Range) {a.lower - b.upper, a.upper - b.lower, 0});
}

/* A call about dates, times, intervals and texts; false if it is none of these. */
static bool
other_call(Scope *scope, Oid funcid, const char *name, List *args, Range *result)
{
	Node	   *first = linitial(args);
	Oid			type = exprType(first);

	if ((strcmp(name, "extract") == 0 || strcmp(name, "date_part") == 0) && list_length(args) == 2)
	{
		Node	   *field = strip_relabel(first);

		*result = !IsA(field, Const) || ((Const *) field)->constisnull ? range_everything() :
			field_range(TextDatumGetCString(((Const *) field)->constvalue),
						exprType(lsecond(args)), derive(scope, lsecond(args)));
		return true;
	}
	switch (funcid)
	{
		case F_INT4_BOOL:
			*result = (Range) {0, 1, 1};
			return true;
		case F_WIDTH_BUCKET_FLOAT8_FLOAT8_FLOAT8_INT4:
		case F_WIDTH_BUCKET_NUMERIC_NUMERIC_NUMERIC_INT4:
			*result = derive(scope, list_nth(args, 3));
			*result = (Range) {0, result->upper + 1, 1};
			return true;
		case F_AGE_TIMESTAMP_TIMESTAMP:
		case F_AGE_TIMESTAMPTZ_TIMESTAMPTZ:
			*result = age_of(scope, args);
			return true;
		case F_AGE_TIMESTAMP:
		case F_AGE_TIMESTAMPTZ:
			*result = age_today(scope, first);
			return true;
		case F_LENGTH_TEXT:
		case F_CHAR_LENGTH_TEXT:
		case F_CHARACTER_LENGTH_TEXT:
		case F_LENGTH_BPCHAR:
		case F_CHAR_LENGTH_BPCHAR:
		case F_CHARACTER_LENGTH_BPCHAR:
			*result = (Range) {0, text_length(scope, first), 1};
			return true;
		case F_OCTET_LENGTH_TEXT:
		case F_OCTET_LENGTH_BPCHAR:
			*result = (Range) {0, text_length(scope, first) * pg_database_encoding_max_length(), 1};
			return true;
		case F_DATE_TIMESTAMP:
		case F_DATE_TIMESTAMPTZ:
			*result = date_cast_range(type, DATEOID, derive(scope, first));
			return true;
		case F_TIMESTAMP_DATE:
		case F_TIMESTAMP_TIMESTAMPTZ:
			*result = date_cast_range(type, TIMESTAMPOID, derive(scope, first));
			return true;
		case F_TIMESTAMPTZ_DATE:
		case F_TIMESTAMPTZ_TIMESTAMP:
			*result = date_cast_range(type, TIMESTAMPTZOID, derive(scope, first));
			return true;
		default:
			return false;
	}
}

/* The operator of numbers that does to dates and intervals, as numbers, what a function does. */
static const char *
as_of_numbers(Oid funcid)
{
	switch (funcid)
	{
		case F_DATE_MI:
		case F_DATE_MII:
		case F_TIMESTAMP_MI:
		case F_TIMESTAMPTZ_MI:
		case F_INTERVAL_MI:
			return "mi";
		case F_DATE_PLI:
		case F_INTEGER_PL_DATE:
		case F_INTERVAL_PL:
			return "pl";
		case F_INTERVAL_MUL:
		case F_MUL_D_INTERVAL:
			return "mul";
		case F_INTERVAL_DIV:
			return "div";
		case F_INTERVAL_UM:
			return "um";
		default:
			return NULL;
	}
}

/* A cast to numeric(p, s), which rounds to s digits. */
static Range
numeric_range(Range a, Node *typmod)
{
	double		step = IsA(typmod, Const) ?
		step_of(NUMERICOID, DatumGetInt32(((Const *) typmod)->constvalue)) : 0;

	if (step == 0)
		return range_everything();
	return (Range) {Min(a.lower, floor(a.lower / step) * step),
		Max(a.upper, ceil(a.upper / step) * step), step};
}

/* A call of a built-in function, be it an operator's, a cast's or plain. */
static Range
call_range(Scope *scope, Oid funcid, Oid resulttype, List *args)
{
	const char *name;
	Range		ranges[2];
	Range		result;
	bool		numbers = is_number_type(resulttype);
	ListCell   *lc;

	if (funcid == F_NOW || funcid == F_STATEMENT_TIMESTAMP)
		return now_range(resulttype);
	if (funcid >= FirstNormalObjectId || args == NIL)
		return range_everything();
	name = get_func_name(funcid);
	if (other_call(scope, funcid, name, args, &result))
		return result;
	if (list_length(args) > 2)
		return range_everything();
	foreach(lc, args)
		numbers = numbers && is_number_type(exprType(lfirst(lc)));
	if (!numbers && (name = as_of_numbers(funcid)) == NULL)
		return range_everything();
	foreach(lc, args)
		ranges[foreach_current_index(lc)] = derive(scope, lfirst(lc));
	if (funcid == F_NUMERIC_NUMERIC_INT4)
		return numeric_range(ranges[0], lsecond(args));
	result = range_of_call(name, ranges, list_length(args), is_integer_type(resulttype) && numbers);
	if (resulttype == FLOAT4OID)
		result = range_of_call("float4", &result, 1, false);
	return result;
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
		case DP_FUNC_CANONICAL:
		case DP_FUNC_EXACT:
		case DP_FUNC_NEAREST_FLOAT4:
		case DP_FUNC_NEAREST_FLOAT8:
			return derive(scope, linitial(func->args));
		default:
			return call_range(scope, func->funcid, func->funcresulttype, func->args);
	}
}

/* ----------
 * Aggregates per individual
 * ----------
 */

/*
 * The most rows that an individual has below a level, as limits are declared; infinite if not
 * known.  Limits of 1 and 1 are what protect() takes if nothing is said, and tell nothing.
 */
static double
most_rows(Query *query)
{
	Node	   *item = list_length(query->jointree->fromlist) == 1 ?
		linitial(query->jointree->fromlist) : NULL;
	RangeTblEntry *rte;
	const ProtectedRelation *rel;

	if (item == NULL || !IsA(item, RangeTblRef))
		return INFINITY;
	rte = rt_fetch(((RangeTblRef *) item)->rtindex, query->rtable);
	if (rte->rtekind == RTE_SUBQUERY && rte->subquery->setOperations == NULL &&
		!rte->subquery->hasTargetSRFs)
		return most_rows(rte->subquery);
	rel = rte->rtekind == RTE_RELATION ? policy_lookup(rte->relid) : NULL;
	return rel == NULL || (rel->max_groups == 1 && rel->max_rows == 1) ? INFINITY :
		(double) rel->max_groups * rel->max_rows;
}

/* An aggregate of one individual's rows, of which at least one is there. */
static Range
aggregate_range(Scope *scope, Aggref *aggref)
{
	char	   *name = get_func_name(aggref->aggfnoid);
	double		rows = most_rows(scope->level->query);
	Range		range;

	if (aggref->aggfnoid >= FirstNormalObjectId)
		return range_everything();
	if (strcmp(name, "count") == 0)
		return (Range) {aggref->aggstar && aggref->aggfilter == NULL ? 1 : 0, rows, 1};
	if (list_length(aggref->args) != 1)
		return range_everything();
	range = derive(scope, (Node *) linitial_node(TargetEntry, aggref->args)->expr);
	if (strcmp(name, "min") == 0 || strcmp(name, "max") == 0)
		return range;
	if (strcmp(name, "avg") == 0)
	{
		range.step = 0;
		return range;
	}
	if (strcmp(name, "sum") != 0 || !isfinite(rows))
		return range_everything();
	range.lower = Min(range.lower, range.lower * rows);
	range.upper = Max(range.upper, range.upper * rows);
	return range;
}

/* ----------
 * Expressions
 * ----------
 */

/* A parameter of a prepared statement, whose value is known unless the plan is to serve all. */
static Range
parameter_range(Scope *scope, Param *param)
{
	Node	   *value;

	if (param->paramkind != PARAM_EXTERN || scope->root == NULL)
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
		case T_CoalesceExpr:
			return list_range(scope, ((CoalesceExpr *) node)->args);
		case T_MinMaxExpr:
			return extreme_range(scope, (MinMaxExpr *) node);
		case T_NullIfExpr:
			return nullif_range(scope, (NullIfExpr *) node);
		case T_CaseExpr:
			return case_range(scope, (CaseExpr *) node);
		default:
			return range_everything();
	}
}

/* The interval of an expression; infinite ends where nothing is known. */
static Range
derive(Scope *scope, Node *node)
{
	Range		result;
	ListCell   *lc;

	if (node == NULL)
		return range_everything();
	check_stack_depth();
	result = bare_range(scope, node);
	foreach(lc, scope->facts)
	{
		Fact	   *fact = lfirst(lc);

		if (equal(fact->node, node))
			result = range_within(result, fact->range);
	}
	return result;
}

/*
 * The interval of an expression of the level that is a number, date or time, in the units of
 * spec/domain.h, with infinite ends where nothing is known.  *unknown is set if it has a parameter
 * of a prepared statement whose value is not known yet.
 */
Range
derive_range(PlannerInfo *root, Level *level, Node *node, bool *unknown)
{
	Scope		scope = {root, level, NIL, unknown};

	return derive(&scope, node);
}
