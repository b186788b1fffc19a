/*
 * conditions.c
 *		What the conditions of a level say about the values of an expression.
 *
 * Only conditions that hold in every row of the level are asked: WHERE, and ON of joins that drop
 * what does not match.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "access/transam.h"
#include "catalog/pg_type.h"
#include "common/int.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteManip.h"
#include "utils/array.h"
#include "utils/date.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "query/calls.h"
#include "query/conditions.h"
#include "query/equalities.h"
#include "query/grains.h"
#include "query/level.h"

/* ----------
 * Which conditions
 * ----------
 */

/* The conditions that AND connects, one by one. */
static List *
and_conditions(Node *quals)
{
	List	   *result = NIL;
	List	   *args = NIL;
	ListCell   *lc;

	if (quals == NULL)
		return NIL;
	if (IsA(quals, List))
		args = (List *) quals;
	else if (is_andclause(quals))
		args = ((BoolExpr *) quals)->args;
	else
		return list_make1(quals);
	foreach(lc, args)
		result = list_concat(result, and_conditions(lfirst(lc)));
	return result;
}

/* Those that hold in every row of a join tree. */
static List *
jointree_conditions(Node *node)
{
	List	   *result = NIL;
	JoinExpr   *join = (JoinExpr *) node;
	ListCell   *lc;

	if (IsA(node, FromExpr))
	{
		result = and_conditions(((FromExpr *) node)->quals);
		foreach(lc, ((FromExpr *) node)->fromlist)
			result = list_concat(result, jointree_conditions(lfirst(lc)));
	}
	else if (IsA(node, JoinExpr) && join->jointype != JOIN_FULL)
	{
		if (join->jointype == JOIN_INNER)
			result = and_conditions(join->quals);
		if (join->jointype != JOIN_RIGHT)
			result = list_concat(result, jointree_conditions(join->larg));
		if (join->jointype != JOIN_LEFT)
			result = list_concat(result, jointree_conditions(join->rarg));
	}
	return result;
}

/* The conditions that hold in every row of a level. */
List *
sure_conditions(Level *level)
{
	return jointree_conditions((Node *) level->query->jointree);
}

/* ----------
 * Ranges
 * ----------
 */

/* A constant of an integer type, as an integer; else false. */
bool
constant_integer(Node *node, int64 *value)
{
	Const	   *constant = (Const *) strip_relabel(node);

	if (constant == NULL || !IsA(constant, Const) || constant->constisnull)
		return false;
	switch (constant->consttype)
	{
		case INT2OID:
			*value = DatumGetInt16(constant->constvalue);
			return true;
		case INT4OID:
			*value = DatumGetInt32(constant->constvalue);
			return true;
		case INT8OID:
			*value = DatumGetInt64(constant->constvalue);
			return true;
		default:
			return false;
	}
}

/* A constant date or timestamp, finite, in microseconds; else false. */
static bool
constant_moment(Node *node, int64 *value)
{
	Const	   *constant = (Const *) node;

	if (!IsA(constant, Const) || constant->constisnull)
		return false;
	if (constant->consttype == DATEOID)
	{
		DateADT		date = DatumGetDateADT(constant->constvalue);

		return !DATE_NOT_FINITE(date) && !pg_mul_s64_overflow(date, USECS_PER_DAY, value);
	}
	if (constant->consttype != TIMESTAMPOID && constant->consttype != TIMESTAMPTZOID)
		return false;
	*value = DatumGetTimestamp(constant->constvalue);
	return !TIMESTAMP_NOT_FINITE(*value);
}

/* The day of a moment, also before 2000. */
static int64
day_of(int64 moment)
{
	int64		day = moment / USECS_PER_DAY;

	return moment % USECS_PER_DAY < 0 ? day - 1 : day;
}

/*
 * An end of the values of a type, as its range counts: the last value not above the constant
 * (below it, if "strict"), or, with "up", the first one not below it.
 */
static bool
range_end(Oid type, Node *constant, bool up, bool strict, int64 *end)
{
	int64		value;

	switch (type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
			return constant_integer(constant, &value) &&
				(strict ? !pg_add_s64_overflow(value, up ? 1 : -1, end) :
				 !pg_add_s64_overflow(value, 0, end));
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			/* one of the two kinds alone: others compare as the time zone says */
			if ((exprType(constant) == TIMESTAMPTZOID) != (type == TIMESTAMPTZOID) ||
				!constant_moment(constant, &value) ||
				(strict && pg_add_s64_overflow(value, up ? 1 : -1, &value)))
				return false;
			if (type != DATEOID)
				*end = value;
			else
				*end = up ? -day_of(-value) : day_of(value);
			return true;
		default:
			return false;
	}
}

/* Comparisons of dates with timestamps, which go through guarded(). */
static const struct
{
	Oid			funcid;
	int			strategy;
}			mixed_comparisons[] =
{
	{F_DATE_LT_TIMESTAMP, BTLessStrategyNumber},
	{F_DATE_LE_TIMESTAMP, BTLessEqualStrategyNumber},
	{F_DATE_EQ_TIMESTAMP, BTEqualStrategyNumber},
	{F_DATE_GE_TIMESTAMP, BTGreaterEqualStrategyNumber},
	{F_DATE_GT_TIMESTAMP, BTGreaterStrategyNumber},
	{F_TIMESTAMP_LT_DATE, BTLessStrategyNumber},
	{F_TIMESTAMP_LE_DATE, BTLessEqualStrategyNumber},
	{F_TIMESTAMP_EQ_DATE, BTEqualStrategyNumber},
	{F_TIMESTAMP_GE_DATE, BTGreaterEqualStrategyNumber},
	{F_TIMESTAMP_GT_DATE, BTGreaterStrategyNumber},
};

/*
 * How a condition compares its two sides, as a btree strategy of the order of values of a type; 0
 * if it does not.
 */
static int
comparison_strategy(Node *condition, Oid type, List **args)
{
	Oid			funcid = called_function(condition, args);

	if (list_length(*args) != 2)
		return 0;
	for (int i = 0; i < (int) lengthof(mixed_comparisons); i++)
	{
		if (mixed_comparisons[i].funcid == funcid)
			return mixed_comparisons[i].strategy;
	}
	if (!IsA(condition, OpExpr) || ((OpExpr *) condition)->opno >= FirstNormalObjectId)
		return 0;
	return get_op_opfamily_strategy(((OpExpr *) condition)->opno, equality_family(type));
}

/* Narrows the range by one condition; *lower and *upper tell which ends there are. */
static void
narrow_range(Node *condition, Node *expr, ValueRange *range, bool *lower, bool *upper)
{
	Oid			type = getBaseType(exprType(expr));
	List	   *args = NIL;
	int			strategy = comparison_strategy(condition, type, &args);
	Node	   *constant;
	int64		end;
	bool		left;

	if (strategy == 0)
		return;
	left = equal(strip_relabel(linitial(args)), expr);
	if (!left && !equal(strip_relabel(lsecond(args)), expr))
		return;
	constant = known_grain_end(strip_relabel(left ? lsecond(args) : linitial(args)));
	if (!left)
		strategy = BTMaxStrategyNumber + 1 - strategy;
	if (strategy >= BTEqualStrategyNumber &&
		range_end(type, constant, true, strategy == BTGreaterStrategyNumber, &end))
	{
		range->lower = *lower ? Max(range->lower, end) : end;
		*lower = true;
	}
	if (strategy <= BTEqualStrategyNumber &&
		range_end(type, constant, false, strategy == BTLessStrategyNumber, &end))
	{
		range->upper = *upper ? Min(range->upper, end) : end;
		*upper = true;
	}
}

/*
 * Do the conditions hold an integer, a date or a timestamp between constant ends?  It is neither
 * NULL nor infinite then.
 */
bool
expression_range(List *conditions, Node *expr, ValueRange *range)
{
	bool		lower = false;
	bool		upper = false;
	ListCell   *lc;

	expr = strip_relabel(expr);
	foreach(lc, conditions)
		narrow_range(lfirst(lc), expr, range, &lower, &upper);
	return lower && upper;
}

/* ----------
 * Lists of values
 * ----------
 */

/* The other side of a condition that an expression equals something; NULL if there is none. */
Node *
equal_expression(List *conditions, Node *expr)
{
	ListCell   *lc;

	expr = strip_relabel(expr);
	foreach(lc, equalities_of((Node *) conditions))
	{
		Equality   *equality = lfirst(lc);
		Node	   *other = equal(equality->left, expr) ? equality->right :
			equal(equality->right, expr) ? equality->left : NULL;

		if (other != NULL && !contain_vars_of_level(other, 0) && !checkExprHasSubLink(other) &&
			!contain_volatile_functions(other) && !contain_agg_clause(other))
			return other;
	}
	return NULL;
}

/* How many elements has an array of constants and parameters?  0 if that is not known. */
static int64
array_values(Node *array)
{
	if (IsA(array, ArrayCoerceExpr))
		array = (Node *) ((ArrayCoerceExpr *) array)->arg;
	array = strip_relabel(array);
	if (IsA(array, Const) && !((Const *) array)->constisnull)
	{
		ArrayType  *values = DatumGetArrayTypeP(((Const *) array)->constvalue);

		return ArrayGetNItems(ARR_NDIM(values), ARR_DIMS(values));
	}
	if (IsA(array, ArrayExpr) && !((ArrayExpr *) array)->multidims &&
		!contain_var_clause(array) && !checkExprHasSubLink(array) &&
		!contain_volatile_functions(array))
		return list_length(((ArrayExpr *) array)->elements);
	return 0;
}

/* The fewest values that x = ANY (constants) leaves; PG_INT64_MAX if there is no such condition. */
int64
listed_values(List *conditions, Node *expr)
{
	int64		result = PG_INT64_MAX;
	ListCell   *lc;

	expr = strip_relabel(expr);
	foreach(lc, conditions)
	{
		ScalarArrayOpExpr *op = lfirst(lc);
		int64		values;

		if (!IsA(op, ScalarArrayOpExpr) || !op->useOr || op->opno >= FirstNormalObjectId ||
			!equal(strip_relabel(linitial(op->args)), expr) || !is_own_equality(op->opno, expr))
			continue;
		values = array_values(lsecond(op->args));
		if (values > 0)
			result = Min(result, values);
	}
	return result;
}
