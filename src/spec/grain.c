/*
 * grain.c
 *		Ends of conditions on time, rounded outwards to the grain of their column.
 *
 * dp_agg.grain_end(x, grain, op, column) is what "column op x" compares with in the place of x: the
 * condition then holds wherever it held before, and its end lies between two grains.
 *
 *		>= x, > x		the beginning of x's grain
 *		< x				the beginning of the next grain, unless x is one
 *		<= x			the last moment before that, unless x is the beginning of one
 *
 * Dates are whole days: "> x" is ">= x + 1", and "<= x" is "< x + 1".
 *
 * Grains of hours and less are counted from 2000-01-01 00:00 UTC (of timestamps and dates: of their
 * own), as date_bin() would; days and weeks begin at midnight, weeks on Monday; months and years on
 * the first, as of date_trunc(); these are of the session's time zone.  A midnight that comes
 * twice where clocks are set back is the second one, as everywhere in PostgreSQL; what is before
 * it belongs to the day before.
 *
 * No value raises an error: one whose grain is outside of the type's range becomes infinite.
 */
#include "postgres.h"

#include "common/int.h"
#include "fmgr.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "core/compat.h"
#include "spec/grain.h"

PG_FUNCTION_INFO_V1(dp_grain_end_date);
PG_FUNCTION_INFO_V1(dp_grain_end_timestamp);
PG_FUNCTION_INFO_V1(dp_grain_end_timestamptz);
PG_FUNCTION_INFO_V1(dp_grain_end_zoned);

/* A Monday, in days since 2000-01-01. */
#define FIRST_MONDAY 2

/* Is it of one kind of months, days, or hours and less, and more than nothing? */
bool
grain_is_valid(const Interval *grain)
{
	return grain->month >= 0 && grain->day >= 0 && grain->time >= 0 &&
		(grain->month > 0) + (grain->day > 0) + (grain->time > 0) == 1;
}

/* Is it made of days, or of months? */
bool
grain_needs_days(const Interval *grain)
{
	return grain->time == 0;
}

/*
 * How far an end is from what was rounded, at most, in microseconds: two grains, where midnights come
 * twice, and clocks that are set meanwhile.
 */
double
grain_longest(const Interval *grain)
{
	return 2.0 * (grain->time + grain->day * (double) USECS_PER_DAY +
				  grain->month * 31.0 * USECS_PER_DAY + (grain->time == 0 ? USECS_PER_DAY : 0));
}

/* x rounded down to a multiple of step, from an origin on. */
static int64
round_down(int64 x, int64 step, int64 origin)
{
	int64		rest = (x - origin) % step;

	return x - (rest < 0 ? rest + step : rest);
}

/* The day (of the Julian calendar that date2j() counts) on which the grain of days or months of a day begins; steps grains later. */
static bool
grain_day(int day, const Interval *grain, int steps, int *result)
{
	int			year;
	int			month;
	int			mday;
	int64		begins;

	if (grain->day > 0)
	{
		begins = round_down(day, grain->day, POSTGRES_EPOCH_JDATE + FIRST_MONDAY) + (int64) steps * grain->day;
		*result = (int) begins;
		return begins >= 0 && begins <= PG_INT32_MAX;
	}
	j2date(day, &year, &month, &mday);
	begins = round_down(year * INT64CONST(12) + month - 1, grain->month, 0) + (int64) steps * grain->month;
	year = (int) round_down(begins, 12, 0) / 12;
	month = (int) (begins - year * INT64CONST(12)) + 1;
	if (begins > PG_INT32_MAX || begins < PG_INT32_MIN || !IS_VALID_JULIAN(year, month, 1))
		return false;
	*result = date2j(year, month, 1);
	return true;
}

/* ----------
 * Timestamps
 * ----------
 */

/*
 * When the grain of a finite moment begins, steps grains later; false if that is out of range.
 * zoned: in the session's time zone.
 */
static bool
grain_begins(Timestamp moment, const Interval *grain, bool zoned, int steps, Timestamp *result)
{
	struct pg_tm tm;
	fsec_t		fsec;
	int			zone;
	int			day;

	if (grain->time > 0)
		return !pg_add_s64_overflow(round_down(moment, grain->time, 0), (int64) steps * grain->time, result) &&
			IS_VALID_TIMESTAMP(*result);
	if (timestamp2tm(moment, zoned ? &zone : NULL, &tm, &fsec, NULL, NULL) != 0 ||
		!grain_day(date2j(tm.tm_year, tm.tm_mon, tm.tm_mday), grain, steps, &day))
		return false;
	MemSet(&tm, 0, sizeof(tm));
	j2date(day, &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
	if (!IS_VALID_JULIAN(tm.tm_year, tm.tm_mon, tm.tm_mday))
		return false;
	if (zoned)
		zone = DetermineTimeZoneOffset(&tm, session_timezone);
	return tm2timestamp(&tm, 0, zoned ? &zone : NULL, result) == 0;
}

/* The beginning of a moment's grain. */
static Timestamp
moment_floor(Timestamp moment, const Interval *grain, bool zoned)
{
	Timestamp	result;

	/* of a midnight that comes twice, the second may be after the moment */
	for (int steps = 0; steps >= -1; steps--)
	{
		if (!grain_begins(moment, grain, zoned, steps, &result))
			break;
		if (result <= moment)
			return result;
	}
	return DT_NOBEGIN;
}

/* The beginning of the first grain that does not begin before the moment. */
static Timestamp
moment_ceil(Timestamp moment, const Interval *grain, bool zoned)
{
	Timestamp	result;

	for (int steps = 0; steps <= 2; steps++)
	{
		if (!grain_begins(moment, grain, zoned, steps, &result))
		{
			if (steps == 0)
				continue;		/* its own begins out of range, the next one may not */
			break;
		}
		if (result >= moment)
			return result;
	}
	return DT_NOEND;
}

/* The end of a condition on moments, whose operator is <, <=, > or >=. */
static Timestamp
moment_end(Timestamp moment, const Interval *grain, const char *op, bool zoned)
{
	Timestamp	next;

	if (TIMESTAMP_NOT_FINITE(moment) || !grain_is_valid(grain))
		return moment;
	if (op[0] == '>')
		return moment_floor(moment, grain, zoned);
	next = moment_ceil(moment, grain, zoned);
	if (op[1] != '=' || TIMESTAMP_NOT_FINITE(next) || next == moment)
		return next;
	return next - 1;
}

/* ----------
 * Dates
 * ----------
 */

/* The beginning of a day's grain, steps grains later; infinite, by their sign, if it is out of range. */
static DateADT
date_begins(int64 date, const Interval *grain, int steps)
{
	DateADT		infinite = steps > 0 ? DATEVAL_NOEND : DATEVAL_NOBEGIN;
	int			day;

	if (!IS_VALID_DATE(date) || !grain_day((int) date + POSTGRES_EPOCH_JDATE, grain, steps, &day) ||
		!IS_VALID_DATE((int64) day - POSTGRES_EPOCH_JDATE))
		return infinite;
	return day - POSTGRES_EPOCH_JDATE;
}

/* The beginning of the first grain that does not begin before a day. */
static DateADT
date_ceil(int64 date, const Interval *grain)
{
	DateADT		begins = date_begins(date, grain, 0);

	return begins == date ? begins : date_begins(date, grain, 1);
}

/* The end of a condition on dates. */
static DateADT
date_end(DateADT date, const Interval *grain, const char *op)
{
	bool		equal = op[1] == '=';
	DateADT		result;

	if (DATE_NOT_FINITE(date) || !grain_is_valid(grain) || !grain_needs_days(grain))
		return date;
	if (op[0] == '>')
	{
		/* the last day of all has none after it */
		equal = equal || !IS_VALID_DATE((int64) date + 1);
		result = date_begins((int64) date + (equal ? 0 : 1), grain, 0);
		return equal || DATE_NOT_FINITE(result) ? result : result - 1;
	}
	result = date_ceil((int64) date + (equal ? 1 : 0), grain);
	return !equal || DATE_NOT_FINITE(result) ? result : result - 1;
}

/* ----------
 * The functions
 * ----------
 */

/* The operator, an argument; raises an error for any but four. */
static const char *
operator_of(FunctionCallInfo fcinfo)
{
	text	   *given = PG_GETARG_TEXT_PP(2);
	Size		length = VARSIZE_ANY_EXHDR(given);
	const char *op = VARDATA_ANY(given);

	if ((length != 1 && length != 2) || (op[0] != '<' && op[0] != '>') || (length == 2 && op[1] != '='))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the operator must be <, <=, > or >=")));
	return op[0] == '<' ? (length == 2 ? "<=" : "<") : (length == 2 ? ">=" : ">");
}

/* dp_agg.grain_end(date, interval, text, text) */
PGDLLEXPORT Datum
dp_grain_end_date(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATEADT(date_end(PG_GETARG_DATEADT(0), PG_GETARG_INTERVAL_P(1), operator_of(fcinfo)));
}

/* dp_agg.grain_end(timestamp, interval, text, text) */
PGDLLEXPORT Datum
dp_grain_end_timestamp(PG_FUNCTION_ARGS)
{
	PG_RETURN_TIMESTAMP(moment_end(PG_GETARG_TIMESTAMP(0), PG_GETARG_INTERVAL_P(1), operator_of(fcinfo), false));
}

/* What a column is compared with in every row is the same value: it is rounded once. */
typedef struct LastEnd
{
	const char *op;				/* NULL: nothing is known yet */
	Interval	grain;
	TimestampTz asked;
	TimestampTz became;
} LastEnd;

/* dp_agg.grain_end(timestamptz, interval, text, text) */
PGDLLEXPORT Datum
dp_grain_end_timestamptz(PG_FUNCTION_ARGS)
{
	TimestampTz asked = PG_GETARG_TIMESTAMPTZ(0);
	const Interval *grain = PG_GETARG_INTERVAL_P(1);
	const char *op = operator_of(fcinfo);
	LastEnd    *last = fcinfo->flinfo->fn_extra;

	if (last == NULL)
		last = fcinfo->flinfo->fn_extra = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(LastEnd));
	/* operator_of() has four results, each of them always the same pointer */
	if (last->op != op || last->asked != asked || memcmp(&last->grain, grain, sizeof(Interval)) != 0)
		*last = (LastEnd) {.op = op,.grain = *grain,.asked = asked,.became = moment_end(asked, grain, op, true)};
	PG_RETURN_TIMESTAMPTZ(last->became);
}

/* A finite local time of the session's time zone as a moment; infinite, by its sign, if it is out of range. */
static TimestampTz
moment_of(Timestamp local)
{
	struct pg_tm tm;
	fsec_t		fsec;
	int			zone;
	TimestampTz result;

	if (timestamp2tm(local, NULL, &tm, &fsec, NULL, NULL) == 0)
	{
		zone = DetermineTimeZoneOffset(&tm, session_timezone);
		if (tm2timestamp(&tm, fsec, &zone, &result) == 0)
			return result;
	}
	return local < 0 ? DT_NOBEGIN : DT_NOEND;
}

/*
 * dp_agg.grain_end_zoned(timestamp, interval, text, text): of a local time that is compared with moments.
 * Local times are not in their order where clocks are set forward, so it becomes a moment first.
 */
PGDLLEXPORT Datum
dp_grain_end_zoned(PG_FUNCTION_ARGS)
{
	Timestamp	local = PG_GETARG_TIMESTAMP(0);

	if (!TIMESTAMP_NOT_FINITE(local))
		local = moment_of(local);
	PG_RETURN_TIMESTAMPTZ(moment_end(local, PG_GETARG_INTERVAL_P(1), operator_of(fcinfo), true));
}
