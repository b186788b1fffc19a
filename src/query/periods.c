/*
 * periods.c
 *		How many values fields and periods of dates and times can have.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/int.h"
#include "utils/datetime.h"
#include "utils/date.h"
#include "utils/timestamp.h"

#include "query/conditions.h"
#include "query/periods.h"

/*
 * The most that the local time of a moment can be from its time in UTC, or from a midnight that
 * does not exist where a clock is set.  Zones of this world are within 16 hours, but those that
 * are written as in POSIX may be up to 167 hours away.
 */
#define ZONE_MARGIN (7 * USECS_PER_DAY)

/* Moments within these years can be truncated, in all zones. */
#define FIRST_YEAR 2
#define LAST_YEAR 9998

/* A field and how many values it has. */
typedef struct FieldValues
{
	const char *field;
	int			values;
} FieldValues;

static const FieldValues moment_fields[] = {
	{"month", 12}, {"quarter", 4}, {"week", 53}, {"day", 31}, {"dow", 7}, {"isodow", 7},
	{"doy", 366}, {"hour", 24}, {"minute", 60}
};

/* 24:00 is a time of the day. */
static const FieldValues time_fields[] = {
	{"hour", 25}, {"minute", 60}
};

/* Those of an interval have its sign, and its days and hours no limit. */
static const FieldValues interval_fields[] = {
	{"month", 23}, {"quarter", 23}, {"minute", 119}
};

/* The number of values in a table; PG_INT64_MAX if the field is not there. */
static int64
look_up_field(const FieldValues *fields, int nfields, const char *field)
{
	for (int i = 0; i < nfields; i++)
	{
		if (pg_strcasecmp(fields[i].field, field) == 0)
			return fields[i].values;
	}
	return PG_INT64_MAX;
}

/*
 * How many values extract(field from ...) has, beside NULL, for any value of a type.  PG_INT64_MAX
 * for fields without such a limit, and for names of fields that are not the usual ones.
 */
int64
field_values(const char *field, Oid type)
{
	switch (type)
	{
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return look_up_field(moment_fields, lengthof(moment_fields), field);
		case TIMEOID:
		case TIMETZOID:
			return look_up_field(time_fields, lengthof(time_fields), field);
		case INTERVALOID:
			return look_up_field(interval_fields, lengthof(interval_fields), field);
		default:
			return PG_INT64_MAX;
	}
}

/* The quotient, rounded down. */
static int64
divide_down(int64 dividend, int64 divisor)
{
	int64		quotient = dividend / divisor;

	return dividend % divisor < 0 ? quotient - 1 : quotient;
}

/* The month of a moment, counted from the year 0; false outside of FIRST_YEAR .. LAST_YEAR. */
static bool
month_of(int64 moment, int64 *month)
{
	struct pg_tm tm;
	fsec_t		fsec;

	if (timestamp2tm(moment, NULL, &tm, &fsec, NULL, NULL) != 0 ||
		tm.tm_year < FIRST_YEAR || tm.tm_year > LAST_YEAR)
		return false;
	*month = tm.tm_year * INT64CONST(12) + tm.tm_mon - 1;
	return true;
}

/* The number of a period that a moment is in; both are counted from somewhere. */
static int64
number_of_period(const char *period, int64 moment, int64 month)
{
	/* 2000-01-03 was a Monday */
	if (pg_strcasecmp(period, "week") == 0)
		return divide_down(moment - 2 * USECS_PER_DAY, 7 * USECS_PER_DAY);
	if (pg_strcasecmp(period, "second") == 0)
		return divide_down(moment, USECS_PER_SEC);
	if (pg_strcasecmp(period, "minute") == 0)
		return divide_down(moment, USECS_PER_MINUTE);
	if (pg_strcasecmp(period, "hour") == 0)
		return divide_down(moment, USECS_PER_HOUR);
	if (pg_strcasecmp(period, "day") == 0)
		return divide_down(moment, USECS_PER_DAY);
	if (pg_strcasecmp(period, "month") == 0)
		return month;
	if (pg_strcasecmp(period, "quarter") == 0)
		return month / 3;
	return month / 12;
}

/* Is it a period that number_of_period() knows?  Those of a clock show a zone's odd minutes. */
static bool
is_period(const char *period, bool of_clock)
{
	static const char *const periods[] = {"day", "week", "month", "quarter", "year"};
	static const char *const clock[] = {"second", "minute", "hour"};

	for (int i = 0; i < (int) lengthof(periods); i++)
	{
		if (pg_strcasecmp(period, periods[i]) == 0)
			return true;
	}
	for (int i = 0; of_clock && i < (int) lengthof(clock); i++)
	{
		if (pg_strcasecmp(period, clock[i]) == 0)
			return true;
	}
	return false;
}

/*
 * How many values date_trunc(period, ...), or the year, has for timestamps in the range, of a type
 * with a time zone or without.  In which zone one is cut is the session's, and may change until
 * the query runs: so there is a margin.  PG_INT64_MAX if it is not known.
 */
int64
period_values(const char *period, Oid type, const ValueRange *range)
{
	int64		margin = type == TIMESTAMPOID ? 0 : ZONE_MARGIN;
	int64		lower = range->lower;
	int64		upper = range->upper;
	int64		first;
	int64		last;

	if (!is_period(period, type == TIMESTAMPOID))
		return PG_INT64_MAX;
	if (lower > upper)
		return 1;
	if (!IS_VALID_TIMESTAMP(lower) || !IS_VALID_TIMESTAMP(upper) ||
		!month_of(lower - margin, &first) || !month_of(upper + margin, &last))
		return PG_INT64_MAX;
	return number_of_period(period, upper + margin, last) -
		number_of_period(period, lower - margin, first) + 1;
}
