/*
 * drain.c
 *		The release that is being drained: how deep it is nested, and its secret.
 *
 * A release that stands below another one is drained while that one is.
 */
#include "postgres.h"

#include "nodes/drain.h"

static Drain current = {0, 0};

/* Begins a drain with a secret of its own; the one around it is kept in *outer. */
void
drain_begin(Drain *outer, uint64 secret)
{
	*outer = current;
	current.depth++;
	current.secret = secret;
}

/* Ends it, also after an error, and forgets its secret. */
void
drain_end(Drain *outer)
{
	current = *outer;
	explicit_bzero(outer, sizeof(*outer));
}

/*
 * Is the drain under way one that no other is around?  Whether an inner one runs at all may
 * depend on exact rows, so last_release() does not know it.
 */
bool
drain_is_outermost(void)
{
	return current.depth == 1;
}

/*
 * The secret of the release that is drained, for choices among an individual's groups.
 * Raises ERRCODE_FEATURE_NOT_SUPPORTED if none is.
 */
uint64
drain_secret(void)
{
	if (current.depth == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("this function is only used inside releases of dp_agg")));
	return current.secret;
}
