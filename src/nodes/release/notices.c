/*
 * notices.c
 *		What a release tells beside its rows: why it shows nothing, and what limits leave out.
 *
 * Both are functions of what is public already.  That nothing was shown is what was released; how
 * many individuals it takes follows from epsilon, delta and limits; what limits leave out from
 * these and from a figure that stands in the relation's label.  Notices are raised when the drain
 * has ended and the session is no longer quiet, once for each release and never
 * while another one is drained: inside that, whether a release runs may depend on rows.
 */
#include "postgres.h"

#include <math.h>

#include "utils/hsearch.h"
#include "utils/lsyscache.h"

#include "core/settings.h"
#include "nodes/release/notices.h"
#include "nodes/release/state.h"
#include "policy/cache.h"
#include "policy/measured.h"
#include "spec/spec.h"

/*
 * What a release is asked for, by which the client may tell it from others of the statement and
 * from other grouping sets.
 */
static const char *
names_of(const ReleaseSpec *spec)
{
	const char *names = spec->noutputs > 0 ? spec->output_names : "group keys";

	return spec->grouping.number > 0 ? psprintf("%s by %s", names, spec->grouping.name) : names;
}

/* Says from how many individuals on something would have been shown. */
static void
tell_nothing_shown(ReleaseState *state)
{
	const ReleaseSpec *spec = state->spec;
	const ReleaseParams *params = &state->params;
	double		epsilon = (double) params->epsilon_nano * 1e-9;
	double		delta = (double) params->delta_atto * 1e-18;
	int64		smallest = spec->noutputs == 1 ? state->smallest[0] : state->smallest_group;

	if (!spec->grouped || state->groups > 0)
		ereport(NOTICE,
				(errmsg("the release of %s shows no value: it takes about " INT64_FORMAT " individuals to show one, and NULL is not 0",
						names_of(spec), smallest),
				 errdetail("At epsilon %g and delta %g, a value appears from about " INT64_FORMAT " individuals on.",
						   epsilon, delta, smallest),
				 errhint("It takes fewer with more epsilon, or with fewer outputs of different kinds.")));
	else if (spec->by_total)
		ereport(NOTICE,
				(errmsg("the release of %s shows no group: it takes about " INT64_FORMAT " individuals to show one",
						names_of(spec), smallest),
				 errdetail("At epsilon %g, delta %g, max_rows " INT64_FORMAT " and max_total " INT64_FORMAT ", a group appears from about " INT64_FORMAT " individuals with " INT64_FORMAT " rows each on.",
						   epsilon, delta, params->rows, params->total, smallest, params->rows),
				 errhint("Groups may be smaller with more epsilon, or a smaller max_total; coarser groups are larger.")));
	else
		ereport(NOTICE,
				(errmsg("the release of %s shows no group: it takes about " INT64_FORMAT " individuals to show one",
						names_of(spec), smallest),
				 errdetail("At epsilon %g, delta %g and max_groups " INT64_FORMAT ", a group appears from about " INT64_FORMAT " individuals on.",
						   epsilon, delta, params->groups, smallest),
				 errhint("Groups may be smaller with more epsilon, a smaller max_groups, or fewer outputs of different kinds; coarser groups are larger.")));
}

/* Does the output have a gate, or a number of values that it needs, beside the group's gate? */
static bool
may_stay_null(const ReleaseSpec *spec, const SpecOutput *output)
{
	return is_boolean_output(output) ||
		(output->part != DP_NONE && spec_part_is_gated(spec, output->part));
}

/* Says which outputs of a release show no value, while others do. */
static void
tell_output_not_shown(ReleaseState *state)
{
	const ReleaseSpec *spec = state->spec;
	StringInfoData names;
	int64		smallest = 0;

	initStringInfo(&names);
	for (int i = 0; i < spec->noutputs; i++)
	{
		if (state->shown[i] || !may_stay_null(spec, &spec->outputs[i]))
			continue;
		appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "", spec->outputs[i].name);
		smallest = Max(smallest, state->smallest[i]);
	}
	if (names.len > 0)
		ereport(NOTICE,
				(errmsg("%s shows no value beside the others: it takes about " INT64_FORMAT " individuals who have one, and for a text, of one and the same",
						names.data, smallest),
				 errhint("It takes fewer with more epsilon, or in a release of its own.")));
}

/* What a notice of rows left out was about. */
typedef struct Told
{
	Oid			relid;
	int64		rows;
} Told;

/* Was this told before in the session?  From here on it was. */
static bool
already_told(Oid relid, int64 rows)
{
	static HTAB *table = NULL;
	Told		key;
	bool		found;

	if (table == NULL)
	{
		HASHCTL		control = {.keysize = sizeof(Told),.entrysize = sizeof(Told)};

		table = hash_create("dp_agg notices", 16, &control, HASH_ELEM | HASH_BLOBS);
	}
	memset(&key, 0, sizeof(key));
	key.relid = relid;
	key.rows = rows;
	(void) hash_search(table, &key, HASH_ENTER, &found);
	return found;
}

/*
 * Tells what share of the relation's rows is beyond the limits, if that was measured and is more
 * than dp_agg.notice_cut; once in a session for a relation and limits.
 */
static void
tell_left_out(const ReleaseState *state)
{
	const ReleaseParams *params = &state->params;
	const ProtectedRelation *rel = policy_lookup(state->spec->relid);
	int64		rows = spec_most_rows(state->spec, params);
	double		share;

	if (!spec_may_bound(state->spec) || rel == NULL || !measured_share(rel, rows, &share) ||
		share <= dp_setting_notice_cut || already_told(rel->relid, rows))
		return;
	ereport(NOTICE,
			(errmsg("limits leave out about %.0f %% of the rows of %s, as they were measured",
					rint(100 * share), get_rel_name(rel->relid)),
			 errdetail("The rows of an individual count as " INT64_FORMAT " at most. Intervals and standard errors are about the noise, not about what is left out.",
					   rows),
			 errhint("Larger limits (max_groups, max_rows, max_total) leave out less and add noise. This is told once in a session for a relation and limits, and not below dp_agg.notice_cut.")));
}

/* Raises the notices of a release that has run. */
void
raise_notices(ReleaseState *state)
{
	if (!state->shows)
		tell_nothing_shown(state);
	else
		tell_output_not_shown(state);
	tell_left_out(state);
}
