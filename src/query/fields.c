/*
 * fields.c
 *		Intervals of parts of dates and times.
 *
 * A plan outlives SET timezone, so a timestamptz is taken to be up to a day to either side of
 * itself.  Of an interval's parts, years, months, days and time have the same sign: one that has
 * not counts as the nearest that the bounds hold.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "parser/scansup.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "query/fields.h"

/* Days of a year as intervals are compared, and microseconds of it as extract(epoch) counts. */
#define COMPARED_YEAR (12.0 * DAYS_PER_MONTH)
#define EPOCH_YEAR 365.25

/* Seconds from the epoch of Unix to that of PostgreSQL. */
#define EPOCH_SECONDS ((double) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY)

/* The fields whose values lie within limits, whatever the date or time. */
static const struct
{
	int			field;
	Range		range;
}			limited[] =
{
	{DTK_MICROSEC, {0, 60000000, 1}}, {DTK_MILLISEC, {0, 60000, 0}}, {DTK_SECOND, {0, 60, 0}},
	{DTK_MINUTE, {0, 59, 1}}, {DTK_HOUR, {0, 23, 1}}, {DTK_DAY, {1, 31, 1}},
	{DTK_DOW, {0, 6, 1}}, {DTK_ISODOW, {1, 7, 1}}, {DTK_DOY, {1, 366, 1}},
	{DTK_WEEK, {1, 53, 1}}, {DTK_MONTH, {1, 12, 1}}, {DTK_QUARTER, {1, 4, 1}},
	{DTK_TZ, {-90000, 90000, 1}}, {DTK_TZ_HOUR, {-25, 25, 1}}, {DTK_TZ_MINUTE, {-59, 59, 1}}
};

/* The number by which PostgreSQL knows a field, or -1; as interval_part() and the like read it. */
static int
field_number(const char *field)
{
	char	   *name = downcase_truncate_identifier(field, (int) strlen(field), false);
	int			value = -1;
	int			type = DecodeUnits(0, name, &value);

	if (type == UNKNOWN_FIELD)
		type = DecodeSpecial(0, name, &value);
	return type == UNITS || type == RESERV ? value : -1;
}

static Range
limited_field(int field)
{
	for (int i = 0; i < (int) lengthof(limited); i++)
	{
		if (limited[i].field == field)
			return limited[i].range;
	}
	return range_everything();
}

/* The field year, decade, century or millennium of a day, a number as of type date. */
static double
year_field(int field, double date)
{
	int			year;
	int			month;
	int			day;

	j2date((int) date + POSTGRES_EPOCH_JDATE, &year, &month, &day);
	switch (field)
	{
		case DTK_DECADE:
			return floor(year / 10.0);
		case DTK_CENTURY:
			return year > 0 ? ceil(year / 100.0) : floor((year - 1) / 100.0);
		case DTK_MILLENNIUM:
			return year > 0 ? ceil(year / 1000.0) : floor((year - 1) / 1000.0);
		default:
			return year > 0 ? year : year - 1;
	}
}

/* A field that follows from the bounds of days (a), which may be infinite. */
static Range
year_range(int field, Range a)
{
	double		slack = field == DTK_ISOYEAR ? 3 : 0;	/* its first day is in the year's
														 * first four */

	if (!isfinite(a.lower) || !isfinite(a.upper))
		return range_everything();
	return (Range) {year_field(field, floor(a.lower) - slack),
		year_field(field, floor(a.upper) + slack), 1};
}

/* A field of a date or timestamp. */
static Range
day_field(int field, Oid type, Range a)
{
	Range		days = date_cast_range(type, DATEOID, a);

	switch (field)
	{
		case DTK_YEAR:
		case DTK_DECADE:
		case DTK_CENTURY:
		case DTK_MILLENNIUM:
		case DTK_ISOYEAR:
			return year_range(field, days);
		case DTK_JULIAN:
			return (Range) {days.lower + POSTGRES_EPOCH_JDATE,
				days.upper + (type == DATEOID ? 0 : 1) + POSTGRES_EPOCH_JDATE, 0};
		case DTK_EPOCH:
			return type == DATEOID ? range_scaled(a, SECS_PER_DAY, EPOCH_SECONDS) :
				range_scaled(a, 1e-6, EPOCH_SECONDS);
		default:
			return limited_field(field);
	}
}

/* A count of units that are at least "unit" microseconds long, within a length; less than "limit". */
static Range
part_of(Range a, double unit, double limit)
{
	return (Range) {a.lower < 0 ? Max(trunc(a.lower / unit), -limit) : 0,
		a.upper > 0 ? Min(trunc(a.upper / unit), limit) : 0, 1};
}

/* A field of an interval, whose length is a. */
static Range
interval_field(int field, Range a)
{
	double		year = COMPARED_YEAR * USECS_PER_DAY;
	Range		limit = limited_field(field);

	switch (field)
	{
		case DTK_EPOCH:
			return (Range) {Min(a.lower, a.lower * EPOCH_YEAR / COMPARED_YEAR) / 1e6,
				Max(a.upper, a.upper * EPOCH_YEAR / COMPARED_YEAR) / 1e6, 0};
		case DTK_MILLENNIUM:
			return part_of(a, 1000 * year, INFINITY);
		case DTK_CENTURY:
			return part_of(a, 100 * year, INFINITY);
		case DTK_DECADE:
			return part_of(a, 10 * year, INFINITY);
		case DTK_YEAR:
			return part_of(a, year, INFINITY);
		case DTK_QUARTER:
			return (Range) {a.lower < 0 ? -4 : 1, 4, 1};
		case DTK_MONTH:
			return part_of(a, (double) DAYS_PER_MONTH * USECS_PER_DAY, 11);
		case DTK_DAY:
			return part_of(a, (double) USECS_PER_DAY, INFINITY);
		case DTK_HOUR:
			return part_of(a, (double) USECS_PER_HOUR, INFINITY);
		case DTK_MINUTE:
		case DTK_SECOND:
		case DTK_MILLISEC:
		case DTK_MICROSEC:
			return (Range) {a.lower < 0 ? -limit.upper : 0, a.upper > 0 ? limit.upper : 0,
				limit.step};
		default:
			return range_everything();
	}
}

/*
 * What extract() and date_part() return of values within a, in the unit of domain_number(); of
 * times of day, which have none, a is not looked at.
 */
Range
field_range(const char *field, Oid type, Range a)
{
	int			number = field_number(field);
	Range		result;

	if (range_is_nothing(a))
		return a;
	switch (type)
	{
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return day_field(number, type, a);
		case INTERVALOID:
			return interval_field(number, a);
		case TIMEOID:
		case TIMETZOID:
			if (number == DTK_EPOCH)	/* of timetz in UTC */
				return type == TIMEOID ? (Range) {0, SECS_PER_DAY, 0} :
					(Range) {-2 * SECS_PER_DAY, 3 * SECS_PER_DAY, 0};
			result = limited_field(number);
			if (number == DTK_HOUR)
				result.upper = 24;	/* 24:00 is a time */
			return result;
		default:
			return range_everything();
	}
}

/* The longest that a field lasts, in days: what date_trunc() takes away is less. */
static double
longest_field(int field)
{
	switch (field)
	{
		case DTK_MILLENNIUM:
			return 366000;
		case DTK_CENTURY:
			return 36600;
		case DTK_DECADE:
			return 3660;
		case DTK_YEAR:
			return 366;
		case DTK_QUARTER:
			return 92;
		case DTK_MONTH:
			return 31;
		case DTK_WEEK:
			return 7;
		default:
			return 1;
	}
}

/* date_trunc() of dates, timestamps and intervals within a; the latter are cut towards 0. */
Range
truncated_range(const char *field, Oid type, Range a)
{
	double		slack = type == TIMESTAMPTZOID ? 1 : 0;

	if (range_is_nothing(a))
		return a;
	if (type == INTERVALOID)
		return (Range) {Min(a.lower, 0), Max(a.upper, 0), 0};
	return (Range) {a.lower - (longest_field(field_number(field)) + slack) * USECS_PER_DAY,
		a.upper + slack * USECS_PER_DAY, 0};
}

/* A date or timestamp within a, cast to another kind of these. */
Range
date_cast_range(Oid source, Oid target, Range a)
{
	double		slack = source != target &&
		(source == TIMESTAMPTZOID || target == TIMESTAMPTZOID) ? (double) USECS_PER_DAY : 0;

	if (range_is_nothing(a))
		return a;
	if (source == DATEOID)
		a = range_scaled(a, (double) USECS_PER_DAY, 0);
	a = (Range) {a.lower - slack, a.upper + slack, 0};
	if (target == DATEOID)
		return (Range) {floor(a.lower / (double) USECS_PER_DAY),
			floor(a.upper / (double) USECS_PER_DAY), 1};
	return a;
}
