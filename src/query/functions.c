/*
 * functions.c
 *		How many values a function can have, whatever its argument is?
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "query/conditions.h"
#include "query/equalities.h"
#include "query/functions.h"
#include "query/periods.h"

/* The name of a field or period, if it is a constant, else NULL. */
static char *
constant_name(Node *node)
{
	node = strip_relabel(node);
	if (!IsA(node, Const) || ((Const *) node)->constisnull ||
		((Const *) node)->consttype != TEXTOID)
		return NULL;
	return TextDatumGetCString(((Const *) node)->constvalue);
}

/* Does the function give a field of a date or time? */
bool
gives_field(Oid funcid)
{
	switch (funcid)
	{
		case F_EXTRACT_TEXT_DATE:
		case F_EXTRACT_TEXT_TIME:
		case F_EXTRACT_TEXT_TIMETZ:
		case F_EXTRACT_TEXT_TIMESTAMP:
		case F_EXTRACT_TEXT_TIMESTAMPTZ:
		case F_EXTRACT_TEXT_INTERVAL:
		case F_DATE_PART_TEXT_DATE:
		case F_DATE_PART_TEXT_TIME:
		case F_DATE_PART_TEXT_TIMETZ:
		case F_DATE_PART_TEXT_TIMESTAMP:
		case F_DATE_PART_TEXT_TIMESTAMPTZ:
		case F_DATE_PART_TEXT_INTERVAL:
			return true;
		default:
			return false;
	}
}

/*
 * The name of the period that the function cuts a date or timestamp to, or the year that it takes
 * of one, if it is a constant; else NULL.
 */
char *
cut_period(Oid funcid, List *args)
{
	char	   *name;

	if (funcid == F_DATE_TRUNC_TEXT_TIMESTAMP || funcid == F_DATE_TRUNC_TEXT_TIMESTAMPTZ)
		return constant_name(linitial(args));
	if (!gives_field(funcid))
		return NULL;
	name = constant_name(linitial(args));
	return name != NULL && pg_strcasecmp(name, "year") == 0 ? name : NULL;
}

/* How many numbers a remainder can be: of both signs, and NULL. */
static int64
remainders(Node *divisor)
{
	int64		value;

	if (!constant_integer(divisor, &value) || value == 0 || value == PG_INT64_MIN)
		return PG_INT64_MAX;
	value = value < 0 ? -value : value;
	return value > PG_INT32_MAX ? PG_INT64_MAX : 2 * value;
}

/* How many numbers width_bucket(..., count) can be: those below and above, and NULL. */
static int64
buckets(Node *count)
{
	int64		value;

	/* it is an integer */
	return constant_integer(count, &value) && value > 0 ? value + 3 : PG_INT64_MAX;
}

/* The same of width_bucket(..., thresholds). */
static int64
buckets_between(Node *thresholds)
{
	thresholds = strip_relabel(thresholds);
	if (IsA(thresholds, ArrayExpr) && !((ArrayExpr *) thresholds)->multidims)
		return list_length(((ArrayExpr *) thresholds)->elements) + 2;
	if (IsA(thresholds, Const) && !((Const *) thresholds)->constisnull)
	{
		ArrayType  *values = DatumGetArrayTypeP(((Const *) thresholds)->constvalue);

		return ArrayGetNItems(ARR_NDIM(values), ARR_DIMS(values)) + (int64) 2;
	}
	return PG_INT64_MAX;
}

/*
 * How many values a call has because of its function and its constant arguments; NULL is one.
 * PG_INT64_MAX if that is not known.
 */
int64
function_values(Oid funcid, List *args)
{
	int64		values;
	char	   *name;

	if (gives_field(funcid))
	{
		name = constant_name(linitial(args));
		values = name == NULL ? PG_INT64_MAX :
			field_values(name, getBaseType(exprType(lsecond(args))));
		return values == PG_INT64_MAX ? values : values + 1;
	}
	switch (funcid)
	{
		case F_WIDTH_BUCKET_FLOAT8_FLOAT8_FLOAT8_INT4:
		case F_WIDTH_BUCKET_NUMERIC_NUMERIC_NUMERIC_INT4:
			return buckets(llast(args));
		case F_WIDTH_BUCKET_ANYCOMPATIBLE_ANYCOMPATIBLEARRAY:
			return buckets_between(llast(args));
		case F_INT2MOD:
		case F_INT4MOD:
		case F_INT8MOD:
		case F_MOD_INT2_INT2:
		case F_MOD_INT4_INT4:
		case F_MOD_INT8_INT8:
			return remainders(llast(args));
		default:
			return PG_INT64_MAX;
	}
}
