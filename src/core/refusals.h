/*
 * refusals.h
 *		Refusals of queries: a name for each, and its text (refusals.c).
 */
#ifndef DP_REFUSALS_H
#define DP_REFUSALS_H

#include "postgres.h"

#include "core/compat.h"

/* The refusals, in the order of the alphabet; refusals.c has a text for each. */
typedef enum Refusal
{
	REFUSE_AGGREGATE,
	REFUSE_AGGREGATE_BELOW,
	REFUSE_AGGREGATE_FORM,
	REFUSE_AWAITING,
	REFUSE_CLIPPED,
	REFUSE_CLIPPED_PLACE,
	REFUSE_COLLATION,
	REFUSE_COLUMN,
	REFUSE_CORRELATED,
	REFUSE_DEBUG_PRINT,
	REFUSE_DIRECT_IDENTIFIER,
	REFUSE_DISTINCT_BELOW,
	REFUSE_DISTINCT_ON,
	REFUSE_DP_AGGREGATE,
	REFUSE_EXPLAIN,
	REFUSE_EXPRESSION,
	REFUSE_FROM_ITEM,
	REFUSE_FULL_JOIN,
	REFUSE_FUNCTION,
	REFUSE_GROUPING_SETS,
	REFUSE_INTERVAL,
	REFUSE_INTERVAL_PLACE,
	REFUSE_LIMIT_BELOW,
	REFUSE_LIST,
	REFUSE_MANY_KEYS,
	REFUSE_MANY_OUTPUTS,
	REFUSE_MANY_SETS,
	REFUSE_MIXED,
	REFUSE_NOT_TIED,
	REFUSE_PADDING,
	REFUSE_PARAMETER,
	REFUSE_PARTITION,
	REFUSE_PATH,
	REFUSE_PATTERN,
	REFUSE_PER_INDIVIDUAL,
	REFUSE_PLAN,
	REFUSE_POPULATIONS,
	REFUSE_RECURSION,
	REFUSE_ROW_MARKS,
	REFUSE_SCAN,
	REFUSE_SERIALIZABLE,
	REFUSE_SETOP_BELOW,
	REFUSE_SETS_OVER_RELEASES,
	REFUSE_SHARDS_APART,
	REFUSE_SHARDS_CARRIED,
	REFUSE_SHARDS_FOREIGN,
	REFUSE_SHARDS_KEYS,
	REFUSE_SHARDS_METHOD,
	REFUSE_SHARDS_OUTSIDE,
	REFUSE_SHARDS_OWNER,
	REFUSE_SHARDS_PLAN,
	REFUSE_SHARDS_PUBLIC,
	REFUSE_SHARDS_RELEASED,
	REFUSE_SHARDS_TYPE,
	REFUSE_SHARDS_UNIT,
	REFUSE_SHARDS_WRITTEN,
	REFUSE_STACK,
	REFUSE_SUBLINK,
	REFUSE_SYSTEM_COLUMN,
	REFUSE_TABLESAMPLE,
	REFUSE_TEXT_SEARCH,
	REFUSE_TIER_FILTER,
	REFUSE_TOO_LARGE,
	REFUSE_TYPE,
	REFUSE_VIRTUAL,
	REFUSE_WIDE_PARAMETER,
	REFUSE_WINDOW_BELOW,
	REFUSE_WITH_ARGUMENTS,
	REFUSE_WITH_PLACE,
	REFUSE_WITH_SHARES,
	REFUSE_WITH_TWICE,
	REFUSE_WORKER
} Refusal;

extern int	cursor_position(const char *source, int location);
DP_NORETURN extern void refuse(Refusal refusal, const char *source, int location);
DP_NORETURN extern void refuse_named(Refusal refusal, const char *name, const char *source, int location);
DP_NORETURN extern void refuse_cast(const char *one, const char *other, const char *comparison, const char *source, int location);
DP_NORETURN extern void refuse_many(int limit, const char *things, const char *source, int location);
DP_NORETURN extern void refuse_with_reason(Refusal refusal, const char *reason);
DP_NORETURN extern void refuse_failing(const char *message, const char *source, int location);
DP_NORETURN extern void refuse_raw(Oid relid, bool previewed);

#endif							/* DP_REFUSALS_H */
