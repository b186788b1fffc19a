/*
 * declare.c
 *		Bodies of the dp_* aggregates, of dp_low(), dp_high(), dp_clipped() and dp_with().
 *
 * dp_count(...) and the others are declarations: the rewriter replaces them before
 * planning.  A body only runs when nothing was rewritten, that is over relations
 * that are not protected.  Then it raises an error, rather than return a number
 * without noise.  In a statement with releases that is told before these are paid for
 * (query/misplaced.c).
 */
#include "postgres.h"

#include "fmgr.h"

#include "core/refusals.h"

PG_FUNCTION_INFO_V1(dp_unreleased);
PG_FUNCTION_INFO_V1(dp_interval_misplaced);
PG_FUNCTION_INFO_V1(dp_clipped_misplaced);
PG_FUNCTION_INFO_V1(dp_with);

/*
 * Transition and final function of every dp_* aggregate.  Always raises
 * ERRCODE_DP_QUERY_REFUSED, also over empty input.
 */
PGDLLEXPORT Datum
dp_unreleased(PG_FUNCTION_ARGS)
{
	refuse(REFUSE_DP_AGGREGATE, NULL, -1);
}

/*
 * dp_low(...) and dp_high(...): ends of an interval around an aggregate, which
 * the rewriter takes together.  Always raises ERRCODE_DP_QUERY_REFUSED.
 */
PGDLLEXPORT Datum
dp_interval_misplaced(PG_FUNCTION_ARGS)
{
	refuse(REFUSE_INTERVAL_PLACE, NULL, -1);
}

/*
 * dp_clipped(...): a share that belongs to an aggregate, which the rewriter takes together.
 * Always raises ERRCODE_DP_QUERY_REFUSED.
 */
PGDLLEXPORT Datum
dp_clipped_misplaced(PG_FUNCTION_ARGS)
{
	refuse(REFUSE_CLIPPED_PLACE, NULL, -1);
}

/*
 * dp_with(...): settings of one release.  Where it may stand the rewriter takes it out,
 * so it always raises ERRCODE_DP_QUERY_REFUSED.
 */
PGDLLEXPORT Datum
dp_with(PG_FUNCTION_ARGS)
{
	refuse(REFUSE_WITH_PLACE, NULL, -1);
}

PG_FUNCTION_INFO_V1(dp_output);

/*
 * output(state bytea, position int, NULL::type) returns type
 *
 * Holds the place of an output in the query of a release until the sealed node
 * fills it; by itself it is NULL.
 */
PGDLLEXPORT Datum
dp_output(PG_FUNCTION_ARGS)
{
	PG_RETURN_NULL();
}
