/*
 * instants.c
 *		Intervals of what functions make of dates, timestamps and lengths of time.
 *
 * Time zones are at most a day from UTC, and a plan outlives SET timezone: what depends on the zone
 * is taken to be up to a day off.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/fmgroids.h"
#include "utils/timestamp.h"

#include "query/equalities.h"
#include "query/fields.h"
#include "query/functions.h"
#include "query/grains.h"
#include "query/instants.h"

#define ONE_DAY ((double) USECS_PER_DAY)

/* Widens an interval that is something. */
static Range
widened(Range a, double below, double above)
{
	return range_is_nothing(a) ? a : (Range) {a.lower - below, a.upper + above, 0};
}

/*
 * The time, for a plan that may be kept: this year and the next, and a day around them for time
 * zones, so that the same question has the same bounds all year.
 */
Range
now_range(Oid type)
{
	int			year;
	int			month;
	int			day;
	Range		dates;

	j2date((int) floor((double) GetCurrentTimestamp() / ONE_DAY) + POSTGRES_EPOCH_JDATE, &year, &month, &day);
	dates = (Range) {date2j(year, 1, 1) - POSTGRES_EPOCH_JDATE - 1,
		date2j(year + 2, 1, 1) - POSTGRES_EPOCH_JDATE + 1, 1};
	return type == DATEOID ? dates : date_cast_range(DATEOID, TIMESTAMPOID, dates);
}

/* ----------
 * Ages
 * ----------
 */

/*
 * The most that age() makes of a distance in time, whole months of 30 days as intervals are
 * compared.  Months of the calendar have 28 days and more; years have 365, and months that are
 * no whole year less than 7 days fewer than those of 30 days.
 */
static double
longest_age(double distance)
{
	return Min(distance * 30 / 28 + 3 * ONE_DAY, distance * 360 / 365 + 7 * ONE_DAY);
}

/* The least: years have 366 days and months 31, as many in a row as there are. */
static double
shortest_age(double distance)
{
	return Max(distance * 360 / 366 - 3 * ONE_DAY, 0);
}

/* age() of times that are a distance (a) apart. */
static Range
age_range(Range a)
{
	if (range_is_nothing(a))
		return a;
	return (Range) {a.lower < 0 ? -longest_age(-a.lower) : shortest_age(a.lower),
		a.upper > 0 ? longest_age(a.upper) : -shortest_age(-a.upper), 0};
}

/* age(a, b) */
static Range
age_of(Range a, Range b)
{
	Range		args[] = {a, b};

	return age_range(range_of_operation(RANGE_SUBTRACT, args, 2));
}

/* ----------
 * Sums of times and intervals
 * ----------
 */

/* Is the expression a constant interval without months?  *days: it has days. */
static bool
is_time_span(Scope *scope, Node *node, bool *days)
{
	const Interval *interval;

	if (contain_var_clause(node))
		return false;
	node = strip_relabel(eval_const_expressions(scope->root, node));
	if (!IsA(node, Const) || ((Const *) node)->constisnull)
		return false;
	interval = DatumGetIntervalP(((Const *) node)->constvalue);
	*days = interval->day != 0;
	return interval->month == 0;
}

/*
 * By how much a time is moved by an interval: months of 28 to 31 days and days of 23 to 25 hours
 * are not those of 30 days and 24 hours that its length counts.
 */
static Range
shift_range(Scope *scope, Oid resulttype, Node *interval)
{
	Range		length = scope->derive(scope, interval);
	bool		days;

	if (range_is_nothing(length))
		return length;
	if (is_time_span(scope, interval, &days))
		return days && resulttype == TIMESTAMPTZOID ? widened(length, ONE_DAY, ONE_DAY) : length;
	return (Range) {Min(length.lower * 31 / 30, length.lower * 28 / 30) - 3 * ONE_DAY,
		Max(length.upper * 31 / 30, length.upper * 28 / 30) + 3 * ONE_DAY, 0};
}

/* A date or timestamp plus or minus an interval. */
static Range
moved(Scope *scope, RangeOperation operation, Oid resulttype, List *args)
{
	Oid			type = exprType(linitial(args));
	Range		terms[2] = {scope->derive(scope, linitial(args))};

	if (type == DATEOID)
		terms[0] = date_cast_range(DATEOID, TIMESTAMPOID, terms[0]);
	terms[1] = shift_range(scope, resulttype, lsecond(args));
	return range_of_operation(operation, terms, 2);
}

/*
 * An interval times or divided by a number, whose fractions of months are rounded to a millionth of
 * a day twice.
 */
static Range
stretched(Scope *scope, RangeOperation operation, List *args)
{
	const double rounding = 0.2 * USECS_PER_SEC;
	Range		factors[] = {scope->derive(scope, linitial(args)), scope->derive(scope, lsecond(args))};
	Range		result = range_of_operation(operation, factors, 2);

	if (operation == RANGE_MULTIPLY &&
		factors[exprType(linitial(args)) == INTERVALOID ? 1 : 0].step >= 1)
		return result;			/* by a whole number */
	return widened(result, rounding, rounding);
}

/* A time that is cut down to the beginning of a bin as wide as an interval. */
static Range
binned(Scope *scope, Node *stride, Node *time)
{
	Range		width = scope->derive(scope, stride);

	return range_is_nothing(width) ? width : widened(scope->derive(scope, time), width.upper, 0);
}

/* A time (range) that is rounded to a grain, up or down: see grains.c. */
Range
grain_end_range(const FuncExpr *call, Range range)
{
	Oid			type = exprType(linitial(call->args));
	double		reach = grain_reach(call);

	if (type == DATEOID)
		reach = ceil(reach / ONE_DAY);
	if (type != call->funcresulttype)
		range = date_cast_range(type, call->funcresulttype, range);
	return widened(range, reach, reach);
}

/* ----------
 * Fields
 * ----------
 */

/* The name of a field, a constant; NULL if it is none. */
static char *
field_name(Scope *scope, Node *node)
{
	if (contain_var_clause(node))
		return NULL;
	node = strip_relabel(eval_const_expressions(scope->root, node));
	return !IsA(node, Const) || ((Const *) node)->constisnull ? NULL :
		TextDatumGetCString(((Const *) node)->constvalue);
}

/* extract(field FROM a) */
static Range
extracted(Scope *scope, List *args)
{
	char	   *field = field_name(scope, linitial(args));

	return field == NULL ? range_everything() :
		field_range(field, exprType(lsecond(args)), scope->derive(scope, lsecond(args)));
}

/* date_trunc(field, a) */
static Range
truncated(Scope *scope, List *args)
{
	char	   *field = field_name(scope, linitial(args));

	return field == NULL ? range_everything() :
		truncated_range(field, exprType(lsecond(args)), scope->derive(scope, lsecond(args)));
}

/* ----------
 * Calls
 * ----------
 */

/*
 * The interval of a call about times; false if it is none, or arithmetic that is the same for
 * numbers (operations.c).
 */
bool
instant_call(Scope *scope, Oid funcid, Oid resulttype, List *args, Range *result)
{
	if (gives_field(funcid))
	{
		*result = extracted(scope, args);
		return true;
	}
	switch (funcid)
	{
		case F_NOW:
		case F_TRANSACTION_TIMESTAMP:
		case F_STATEMENT_TIMESTAMP:
			*result = now_range(resulttype);
			return true;
		case F_AGE_TIMESTAMP_TIMESTAMP:
		case F_AGE_TIMESTAMPTZ_TIMESTAMPTZ:
			*result = age_of(scope->derive(scope, linitial(args)), scope->derive(scope, lsecond(args)));
			return true;
		case F_AGE_TIMESTAMP:
		case F_AGE_TIMESTAMPTZ:
			*result = age_of(now_range(exprType(linitial(args))), scope->derive(scope, linitial(args)));
			return true;
		case F_DATE_TIMESTAMP:
		case F_DATE_TIMESTAMPTZ:
		case F_TIMESTAMP_DATE:
		case F_TIMESTAMP_TIMESTAMPTZ:
		case F_TIMESTAMPTZ_DATE:
		case F_TIMESTAMPTZ_TIMESTAMP:
			*result = date_cast_range(exprType(linitial(args)), resulttype,
									  scope->derive(scope, linitial(args)));
			return true;
		case F_TIMEZONE_TEXT_TIMESTAMP:
		case F_TIMEZONE_TEXT_TIMESTAMPTZ:
			*result = widened(scope->derive(scope, lsecond(args)), ONE_DAY, ONE_DAY);
			return true;
		case F_TIMESTAMP_PL_INTERVAL:
		case F_TIMESTAMPTZ_PL_INTERVAL:
		case F_DATE_PL_INTERVAL:
			*result = moved(scope, RANGE_ADD, resulttype, args);
			return true;
		case F_TIMESTAMP_MI_INTERVAL:
		case F_TIMESTAMPTZ_MI_INTERVAL:
		case F_DATE_MI_INTERVAL:
			*result = moved(scope, RANGE_SUBTRACT, resulttype, args);
			return true;
		case F_INTERVAL_MUL:
		case F_MUL_D_INTERVAL:
			*result = stretched(scope, RANGE_MULTIPLY, args);
			return true;
		case F_INTERVAL_DIV:
			*result = stretched(scope, RANGE_DIVIDE, args);
			return true;
		case F_TIME_MI_TIME:
			*result = (Range) {-ONE_DAY, ONE_DAY, 0};
			return true;
		case F_DATE_BIN_INTERVAL_TIMESTAMP_TIMESTAMP:
		case F_DATE_BIN_INTERVAL_TIMESTAMPTZ_TIMESTAMPTZ:
			*result = binned(scope, linitial(args), lsecond(args));
			return true;
		case F_DATE_TRUNC_TEXT_TIMESTAMP:
		case F_DATE_TRUNC_TEXT_TIMESTAMPTZ:
		case F_DATE_TRUNC_TEXT_TIMESTAMPTZ_TEXT:
		case F_DATE_TRUNC_TEXT_INTERVAL:
			*result = truncated(scope, args);
			return true;
		default:
			return false;
	}
}
