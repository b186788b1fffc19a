/*
 * drain.c
 *		The release that is being drained: how deep it is nested, and its secret.
 *
 * A release that stands below another one is drained while that one is.
 */
#include "postgres.h"

#include "nodes/drain.h"

static Drain current = {0, 0, 0};

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

/* From here on the innermost drain asks for protected rows. */
void
drain_reads_rows(void)
{
	current.reading++;
}

/*
 * May the client know of a drain that begins now?  Not inside one that has asked for protected
 * rows: whether an inner one runs at all may depend on them.  One that is read ahead of these rows
 * runs whatever they are.
 */
bool
drain_is_seen(void)
{
	return current.reading == 0;
}

/* Is any release being drained? */
bool
drain_is_under_way(void)
{
	return current.depth > 0;
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
