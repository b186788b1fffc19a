/*
 * last.c
 *		What the session's last releases were: dp_agg.last_release().
 *
 * Kept by the backend that computed them: all releases of the last statement that had any, in
 * the order in which they were paid for.  Everything here is public to that session: the
 * descriptions of its own releases and functions of released values.  Another role, which a
 * function of its owner's rights may become, sees nothing.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "core/amounts.h"
#include "mechanism/status.h"
#include "nodes/release/last.h"
#include "nodes/release/precision.h"
#include "nodes/release/state.h"
#include "policy/extension.h"
#include "spec/domain.h"
#include "spec/spec.h"
#include "tier/arrays.h"
#include "tier/grade.h"
#include "tier/texts.h"

PG_FUNCTION_INFO_V1(dp_last_release);

/* Most groups whose standard errors are looked at. */
#define LAST_GROUPS 1000

/* Columns of last_release(). */
#define LAST_COLUMNS 21

/* Of each output. */
typedef struct LastOutput
{
	char		name[NAMEDATALEN];
	double		squares;		/* of standard errors, added up; NAN: it has none */
	int64		smallest;		/* number of individuals from which it appears */
	bool		gaussian;		/* its noise is Gaussian */
} LastOutput;

/* A grid of order statistics of whole numbers in steps of more than 1. */
typedef struct LastGrid
{
	double		lower;
	double		upper;
	double		step;
} LastGrid;

/* A release of the last statement. */
typedef struct LastRelease
{
	Oid			user;			/* who ran it */
	int			number;			/* in the statement, from 1 */
	int			set;			/* number of its grouping set, or 0 */
	char		set_name[DP_SET_NAME];
	bool		complete;		/* it came to its end */
	bool		reused;			/* an earlier answer was handed out again, at no price */
	NameData	population;
	int64		epsilon_nano;
	int64		delta_atto;
	SpecLimits	limits;
	bool		bounded;		/* the limits may have left out rows */
	int64		groups;			/* released */
	int64		measured;		/* whose errors were added up */
	TierCodes	codes;			/* what the release reveals */
	int			ngrids;
	LastGrid	grids[DP_MAX_SKETCHES];
	int			nquasi_keys;	/* quasi-identifiers that its keys are made of */
	char		quasi_keys[sizeof(((ReleaseSpec *) NULL)->quasi_keys)];
	List	   *grains;			/* texts: conditions that were rounded */
	int			noutputs;
	LastOutput	outputs[FLEXIBLE_ARRAY_MEMBER];
} LastRelease;

static struct
{
	uint64		statement;		/* its number */
	List	   *releases;		/* of LastRelease, by number */
	MemoryContext context;		/* in which they are */
}			last;

/* Notes where order statistics of whole numbers are chosen among fewer numbers than there are. */
static void
note_grids(LastRelease *release, const ReleaseSpec *spec, const ReleaseParams *params)
{
	for (int i = 0; i < spec->nsketches; i++)
	{
		const SpecSketch *sketch = &spec->sketches[i];
		Grid		grid;

		if (sketch->kind != SPEC_SKETCH_CELLS || sketch->scheme != SPEC_SCHEME_GRID ||
			!domain_is_whole(sketch->type))
			continue;
		grid_open(&grid, sketch, params->values);
		if (grid.step > 1)
			release->grids[release->ngrids++] = (LastGrid) {
				grid.lower, grid.upper, grid.step
			};
	}
}

/* Is a release that was kept to be shown before another one: by number, and by grouping set? */
static bool
stands_before(const LastRelease *release, int number, int set)
{
	return release->number < number || (release->number == number && release->set < set);
}

/* A place for one more release of a statement; those of another one are forgotten. */
static LastRelease *
new_release(uint64 statement, int number, int set, int noutputs)
{
	LastRelease *release;
	MemoryContext old;
	int			place = 0;

	if (last.context == NULL)
		last.context = AllocSetContextCreate(TopMemoryContext, "dp_agg last releases",
											 ALLOCSET_SMALL_SIZES);
	if (last.statement != statement)
	{
		last.releases = NIL;
		MemoryContextReset(last.context);
		last.statement = statement;
	}
	old = MemoryContextSwitchTo(last.context);
	release = palloc0(offsetof(LastRelease, outputs) + noutputs * sizeof(LastOutput));
	while (place < list_length(last.releases) &&
		   stands_before(list_nth(last.releases, place), number, set))
		place++;
	last.releases = list_insert_nth(last.releases, place, release);
	MemoryContextSwitchTo(old);
	return release;
}

/* A copy of a list of texts that lives as long as what is kept. */
static List *
kept_texts(List *texts)
{
	MemoryContext old = MemoryContextSwitchTo(last.context);
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, texts)
		result = lappend(result, pstrdup(lfirst(lc)));
	MemoryContextSwitchTo(old);
	return result;
}

/*
 * A release begins to be computed; its gate and parts are ready.  The result is good until
 * last_end(), for no other release of the session begins before, but those inside this one
 * that nobody may know of (drain.c).
 */
LastRelease *
last_begin(ReleaseState *state)
{
	const ReleaseSpec *spec = state->spec;
	const ReleaseParams *params = &state->params;
	LastRelease *release = new_release(state->statement, state->number, spec->grouping.number,
									   spec->noutputs);

	release->user = GetUserId();
	release->number = state->number;
	release->set = spec->grouping.number;
	strlcpy(release->set_name, spec->grouping.name, sizeof(release->set_name));
	release->population = spec->population;
	release->epsilon_nano = params->epsilon_nano;
	release->delta_atto = params->delta_atto;
	release->limits = spec_limits(spec, params);
	release->bounded = spec_may_bound(spec);
	release->codes = state->codes;
	note_grids(release, spec, params);
	release->nquasi_keys = spec->nquasi_keys;
	strlcpy(release->quasi_keys, spec->quasi_keys, sizeof(release->quasi_keys));
	release->grains = kept_texts(state->grains);
	release->noutputs = spec->noutputs;
	for (int i = 0; i < spec->noutputs; i++)
	{
		LastOutput *output = &release->outputs[i];

		strlcpy(output->name, spec->outputs[i].name, NAMEDATALEN);
		output->squares = has_standard_error(&spec->outputs[i]) ? 0 : NAN;
		output->smallest = state->smallest[i];
		output->gaussian = params->gaussian && is_moment_output(&spec->outputs[i]);
	}
	return release;
}

/* One more group was released, with this noisy vector, drawn by that law. */
void
last_group(LastRelease *release, const ReleaseSpec *spec, const ReleaseParams *params,
		   const dp_average_law *law, const dp_int128 *noisy)
{
	release->groups++;
	if (release->measured >= LAST_GROUPS)
		return;
	release->measured++;
	for (int i = 0; i < spec->noutputs; i++)
	{
		double		error;

		if (isnan(release->outputs[i].squares))
			continue;
		error = standard_error(spec, params, &spec->outputs[i], law, noisy);
		release->outputs[i].squares += isnan(error) ? 0 : error * error;
	}
}

/* The release is complete. */
void
last_end(LastRelease *release)
{
	release->complete = true;
}

/* Number of groups whose standard errors are added up. */
int64
last_measured(const LastRelease *release)
{
	return release->measured;
}

/* What is known of an output: squares of standard errors, added up, and whether its noise is Gaussian. */
void
last_read_error(const LastRelease *release, int output, double *squares, bool *gaussian)
{
	*squares = release->outputs[output].squares;
	*gaussian = release->outputs[output].gaussian;
}

/* The same of an answer that was kept. */
void
last_write_error(LastRelease *release, int output, double squares, bool gaussian)
{
	release->outputs[output].squares = squares;
	release->outputs[output].gaussian = gaussian;
}

/* The release is an answer that was kept, with so many groups; it costs nothing. */
void
last_reuse(LastRelease *release, int64 groups, int64 measured)
{
	release->reused = true;
	release->epsilon_nano = release->delta_atto = 0;
	release->groups = groups;
	release->measured = measured;
}

/*
 * The warnings of the last release, as text[]: quasi-identifiers that are combined single out
 * fewer and fewer people, and order statistics between wide bounds are rounded.
 */
static Datum
warnings_array(const LastRelease *release)
{
	Datum		warnings[1 + DP_MAX_SKETCHES];
	TierLanguage language = tier_language(NULL);
	int			n = 0;

	if (release->nquasi_keys >= 2)
		warnings[n++] = CStringGetTextDatum(tier_quasi_warning(release->nquasi_keys, release->quasi_keys,
															   language));
	for (int i = 0; i < release->ngrids; i++)
		warnings[n++] = CStringGetTextDatum(tier_grid_warning(release->grids[i].lower,
															  release->grids[i].upper,
															  release->grids[i].step, language));
	return PointerGetDatum(construct_array(warnings, n, TEXTOID, -1, false, TYPALIGN_INT));
}

/* The conditions that were rounded, as text[]. */
static Datum
grains_array(List *grains)
{
	Datum	   *texts = palloc((list_length(grains) + 1) * sizeof(Datum));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, grains)
		texts[n++] = CStringGetTextDatum(lfirst(lc));
	return PointerGetDatum(construct_array(texts, n, TEXTOID, -1, false, TYPALIGN_INT));
}

/* Columns of last_release() about the tier of a release, from "tier" on. */
static void
put_tier(const LastRelease *release, Datum *values)
{
	DpTier		tier = tier_grade(release->codes);

	values[0] = CStringGetTextDatum(tier_name(tier));
	values[1] = tier_reasons_array(release->codes);
	values[2] = tier_codes_array(release->codes);
	values[3] = CStringGetTextDatum(tier_obligation(tier, tier_language(NULL)));
	values[4] = warnings_array(release);
}

/* A row of last_release(). */
static void
put_output(ReturnSetInfo *result, const LastRelease *release, const LastOutput *output)
{
	Datum		values[LAST_COLUMNS] = {0};
	bool		nulls[LAST_COLUMNS] = {false};

	values[0] = CStringGetTextDatum(output->name);
	values[1] = NameGetDatum(&release->population);
	values[2] = amount_numeric(release->epsilon_nano, 9);
	values[3] = amount_numeric(release->delta_atto, 18);
	values[4] = Int64GetDatum(release->groups);
	nulls[5] = isnan(output->squares) || release->measured == 0;
	values[5] = Float8GetDatum(nulls[5] ? 0 : sqrt(output->squares / (double) release->measured));
	put_tier(release, &values[6]);
	values[11] = Int32GetDatum(release->number);
	values[12] = BoolGetDatum(release->bounded);
	values[13] = Int64GetDatum(output->smallest);
	nulls[14] = release->limits.groups == 0;
	values[14] = Int64GetDatum(release->limits.groups);
	values[15] = Int64GetDatum(release->limits.rows);
	nulls[16] = release->limits.total == 0;
	values[16] = Int64GetDatum(release->limits.total);
	nulls[17] = release->set == 0;
	if (release->set > 0)
		values[17] = CStringGetTextDatum(release->set_name);
	values[18] = BoolGetDatum(output->gaussian);
	values[19] = BoolGetDatum(release->reused);
	values[20] = grains_array(release->grains);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/*
 * last_release() returns table (output text, population name, epsilon numeric,
 * delta numeric, groups bigint, standard_error double precision, tier text,
 * tier_reasons text[], tier_codes text[], obligation text, warnings text[],
 * release integer, bounded boolean, smallest_group bigint, max_groups bigint, max_rows bigint,
 * max_total bigint, grouping_set text, gaussian boolean, reused boolean, grain text[])
 */
PGDLLEXPORT Datum
dp_last_release(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell   *lc;

	extension_check_version();	/* it had other columns once */
	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, last.releases)
	{
		const LastRelease *release = lfirst(lc);

		if (!release->complete || release->user != GetUserId())
			continue;
		for (int i = 0; i < release->noutputs; i++)
			put_output(result, release, &release->outputs[i]);
	}
	return (Datum) 0;
}
