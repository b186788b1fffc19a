/*
 * last.c
 *		What the session's last release was: dp_agg.last_release().
 *
 * Kept by the backend that computed it.  Everything here is public to that
 * session: the description of its own release and functions of released values.
 * Another role, which a function of its owner's rights may become, sees nothing.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/tuplestore.h"

#include "mechanism/noise.h"
#include "mechanism/status.h"
#include "nodes/release/last.h"
#include "nodes/release/values.h"
#include "spec/domain.h"
#include "spec/spec.h"
#include "tier/arrays.h"
#include "tier/grade.h"
#include "tier/texts.h"

PG_FUNCTION_INFO_V1(dp_last_release);

/* Most groups whose standard errors are looked at. */
#define LAST_GROUPS 1000

static struct
{
	bool		valid;
	Oid			user;			/* who ran it */
	NameData	population;
	int64		epsilon_nano;
	int64		delta_atto;
	int64		groups;			/* released */
	int64		measured;		/* whose errors were added up */
	TierCodes	codes;			/* what the release reveals */
	int			noutputs;
	char		names[DP_MAX_OUTPUTS][NAMEDATALEN];
	double		squares[DP_MAX_OUTPUTS];	/* NAN: no standard error */
	int			ngrids;			/* order statistics of whole numbers in steps of more than 1 */
	struct
	{
		double		lower;
		double		upper;
		double		step;
	}			grids[DP_MAX_SKETCHES];
	int			nquasi_keys;	/* quasi-identifiers that its keys are made of */
	char		quasi_keys[sizeof(((ReleaseSpec *) NULL)->quasi_keys)];
}			last;

/* Does the noise law give a standard error: for what is added up, not chosen? */
static bool
has_error(const SpecOutput *output)
{
	return output->end == SPEC_END_NONE && output->kind != SPEC_OUT_TIER &&
		(output->part == DP_NONE || output->kind == SPEC_OUT_TOP ||
		 output->kind == SPEC_OUT_HISTOGRAM);	/* of each of its counts */
}

/* Notes where order statistics of whole numbers are chosen among fewer numbers than there are. */
static void
note_grids(const ReleaseSpec *spec, const ReleaseParams *params)
{
	for (int i = 0; i < spec->nsketches; i++)
	{
		const SpecSketch *sketch = &spec->sketches[i];
		Grid		grid;

		if (sketch->kind != SPEC_SKETCH_CELLS || sketch->scheme != SPEC_SCHEME_GRID ||
			!domain_is_whole(sketch->type))
			continue;
		grid_open(&grid, sketch, params->values);
		if (grid.step <= 1)
			continue;
		last.grids[last.ngrids].lower = grid.lower;
		last.grids[last.ngrids].upper = grid.upper;
		last.grids[last.ngrids++].step = grid.step;
	}
}

/* A release begins to be computed; what was there is forgotten. */
void
last_begin(const ReleaseSpec *spec, const ReleaseParams *params, TierCodes codes)
{
	memset(&last, 0, sizeof(last));
	last.user = GetUserId();
	last.population = spec->population;
	last.epsilon_nano = params->epsilon_nano;
	last.delta_atto = params->delta_atto;
	last.codes = codes;
	last.noutputs = spec->noutputs;
	note_grids(spec, params);
	last.nquasi_keys = spec->nquasi_keys;
	strlcpy(last.quasi_keys, spec->quasi_keys, sizeof(last.quasi_keys));
	for (int i = 0; i < spec->noutputs; i++)
	{
		strlcpy(last.names[i], spec->outputs[i].name, NAMEDATALEN);
		if (!has_error(&spec->outputs[i]))
			last.squares[i] = NAN;
	}
}

/* One more group was released, with this noisy vector, drawn by that law. */
void
last_group(const ReleaseSpec *spec, const ReleaseParams *params, const dp_average_law *law,
		   const dp_int128 *noisy)
{
	last.groups++;
	if (last.measured >= LAST_GROUPS)
		return;
	last.measured++;
	for (int i = 0; i < spec->noutputs; i++)
	{
		double		error;

		if (isnan(last.squares[i]))
			continue;
		error = spec->outputs[i].part == DP_NONE ?
			values_standard_error(spec, params, &spec->outputs[i], law, noisy) :
			dp_noise_stddev(params->epsilon_share, params->groups, 1) * (double) params->rows;
		last.squares[i] += isnan(error) ? 0 : error * error;
	}
}

/* The release is complete. */
void
last_end(void)
{
	last.valid = true;
}

/* A price in units of 10^-digits as numeric. */
static Datum
scaled_numeric(int64 value, int digits)
{
	Datum		unit = DirectFunctionCall3(numeric_in, CStringGetDatum(psprintf("1e-%d", digits)),
										   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));

	return DirectFunctionCall2(numeric_mul, DirectFunctionCall1(int8_numeric, Int64GetDatum(value)),
							   unit);
}

/*
 * The warnings of the last release, as text[]: quasi-identifiers that are combined single out
 * fewer and fewer people, and order statistics between wide bounds are rounded.
 */
static Datum
warnings_array(void)
{
	Datum		warnings[1 + DP_MAX_SKETCHES];
	TierLanguage language = tier_language(NULL);
	int			n = 0;

	if (last.nquasi_keys >= 2)
		warnings[n++] = CStringGetTextDatum(tier_quasi_warning(last.nquasi_keys, last.quasi_keys,
															   language));
	for (int i = 0; i < last.ngrids; i++)
		warnings[n++] = CStringGetTextDatum(tier_grid_warning(last.grids[i].lower,
															  last.grids[i].upper,
															  last.grids[i].step, language));
	return PointerGetDatum(construct_array(warnings, n, TEXTOID, -1, false, TYPALIGN_INT));
}

/* Columns of last_release() that are the same for all outputs, from "tier" on. */
static void
put_tier(Datum *values)
{
	DpTier		tier = tier_grade(last.codes);

	values[0] = CStringGetTextDatum(tier_name(tier));
	values[1] = tier_reasons_array(last.codes);
	values[2] = tier_codes_array(last.codes);
	values[3] = CStringGetTextDatum(tier_obligation(tier, tier_language(NULL)));
	values[4] = warnings_array();
}

/*
 * last_release() returns table (output text, population name, epsilon numeric,
 * delta numeric, groups bigint, standard_error double precision, tier text,
 * tier_reasons text[], tier_codes text[], obligation text, warnings text[])
 */
PGDLLEXPORT Datum
dp_last_release(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; last.valid && last.user == GetUserId() && i < last.noutputs; i++)
	{
		Datum		values[11];
		bool		nulls[11] = {false};

		values[0] = CStringGetTextDatum(last.names[i]);
		values[1] = NameGetDatum(&last.population);
		values[2] = scaled_numeric(last.epsilon_nano, 9);
		values[3] = scaled_numeric(last.delta_atto, 18);
		values[4] = Int64GetDatum(last.groups);
		nulls[5] = isnan(last.squares[i]) || last.measured == 0;
		values[5] = Float8GetDatum(nulls[5] ? 0 : sqrt(last.squares[i] / last.measured));
		put_tier(&values[6]);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
