/*
 * draw.c
 *		What leaves of a group: the gate, noise, and outputs.
 *
 * A group leaves only if it has min_individuals individuals and its noisy number of individuals
 * passes the threshold; all outputs of its vector come from one joint draw.  Nothing is drawn
 * for smaller groups.  Without a vector it leaves if any of its parts released something
 * (parts.c).
 */
#include "postgres.h"

#include <math.h>

#include "executor/tuptable.h"
#include "utils/builtins.h"

#include "aggregate/collect.h"
#include "aggregate/sketch.h"
#include "aggregate/sum.h"
#include "core/settings.h"
#include "mechanism/gaussian_noise.h"
#include "mechanism/noise.h"
#include "mechanism/random.h"
#include "mechanism/status.h"
#include "mechanism/whole_noise.h"
#include "nodes/release/draw.h"
#include "nodes/release/last.h"
#include "nodes/release/parts.h"
#include "nodes/release/parts_output.h"
#include "nodes/release/state.h"
#include "nodes/release/values.h"
#include "spec/canonical.h"
#include "spec/layout.h"
#include "spec/spec.h"
#include "tier/facts.h"
#include "tier/grade.h"

/* Looks up how the group keys are shown; the rows of the child are as "desc" says. */
void
open_keys(ReleaseState *state, TupleDesc desc)
{
	state->keys = palloc0(state->spec->nkeys * sizeof(Canonical));
	for (int i = 0; i < state->spec->nkeys; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, release_key_column(state->spec, i));

		canonical_open(&state->keys[i], attribute->atttypid, attribute->atttypmod,
					   CurrentMemoryContext);
	}
}

/* The threshold of the vector's gate. */
static void
compute_tau(ReleaseState *state)
{
	const ReleaseParams *params = &state->params;
	int			d = state->spec->dimensions;
	int			minimum = setting_min_individuals();
	dp_status	status;

	if (params->gaussian)
		status = dp_gaussian_gate_threshold(&params->law, params->delta_share, params->kept, minimum,
											spec_gate_weight(state->spec, params), &state->tau);
	else if (params->whole_noise)
		status = dp_whole_gate_threshold(params->epsilon_share, params->delta_share, params->groups,
										 d, minimum, &state->tau);
	else
		status = dp_gate_threshold(params->vector_epsilon, params->delta_share, params->groups,
								   params->kept, d, minimum,
								   spec_gate_weight(state->spec, params), &state->tau);
	if (status != DP_OK)
		elog(ERROR, "threshold of the gate could not be computed");
}

/* Prepares what all groups share: threshold, work space, simulated noise. */
void
begin_drawing(ReleaseState *state)
{
	const ReleaseSpec *spec = state->spec;

	if (spec->numeric)
		compute_tau(state);
	state->parts = parts_begin(spec, &state->params);
	for (int i = 0; i < spec->noutputs && state->simulated == NULL; i++)
	{
		if (spec->outputs[i].end != SPEC_END_NONE && spec->outputs[i].part == DP_NONE)
			state->simulated = values_simulate(spec, &state->params);
	}
}

/*
 * The coordinate of a number D of distinct values: 2D/r minus individuals, which
 * one individual changes by something in [-1, 1], and not in [0, 1] only.
 */
static dp_int128
distinct_coordinate(ReleaseState *state, int i, TupleTableSlot *row, const CollectState *group)
{
	int			column = release_sketch_column(state->spec, state->spec->coordinates[i].sketch);
	dp_int128	distinct = row->tts_isnull[column] ? 0 :
		sketch_distinct(row->tts_values[column]);

	return 2 * distinct * DP_SCALE / state->params.rows -
		(dp_int128) collect_individuals(group) * DP_SCALE;
}

/* Raises an error unless noise has been drawn. */
static void
check_drawn(dp_status status)
{
	if (status == DP_ERR_RANDOM)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("the source of random bytes failed")));
	if (status != DP_OK)
		elog(ERROR, "noise could not be drawn");
}

/* Does a noisy number of individuals reach the threshold?  Between whole numbers, at times. */
static bool
passes_gate(ReleaseState *state, dp_random *rng, dp_int128 individuals)
{
	dp_uint128	fraction = 0;

	if (state->params.whole_noise)
		check_drawn(dp_random_below(rng, DP_SCALE, &fraction));
	return individuals + (dp_int128) fraction >= state->tau;
}

/* Draws an average alone around its centre, if the group looks large; else false. */
static bool
release_centred(ReleaseState *state, dp_random *rng, const CollectState *group, dp_int128 *noisy)
{
	const ReleaseParams *params = &state->params;

	if (params->look == 0)
		return false;
	check_drawn(dp_average_draw(rng, params->epsilon_share, params->groups,
								setting_min_individuals(), collect_coordinate(state->spec, group, 0),
								collect_coordinate(state->spec, group, 1), noisy, &state->law));
	return state->law.centred;
}

/* The joint noise of a group's vector. */
static dp_status
draw_noise(const ReleaseState *state, dp_random *rng, dp_int128 *noise)
{
	const ReleaseParams *params = &state->params;
	int			d = state->spec->dimensions;

	if (params->gaussian)
		return dp_gaussian_noise_draw(rng, &params->law, noise);
	if (params->whole_noise)
		return dp_whole_draw(rng, params->epsilon_share, params->groups, d, noise);
	return dp_noise_draw(rng, params->vector_epsilon, params->groups, d, noise);
}

/* Adds noise to a group's vector; false if the gate holds the group back. */
static bool
release_vector(ReleaseState *state, dp_random *rng, const CollectState *group,
			   TupleTableSlot *row, dp_int128 *noisy)
{
	const ReleaseSpec *spec = state->spec;

	if (release_centred(state, rng, group, noisy))
		return true;
	check_drawn(draw_noise(state, rng, noisy));
	for (int i = 0; i < spec->dimensions; i++)
		noisy[i] += i > 0 && spec->coordinates[i].sketch != DP_NONE ?
			distinct_coordinate(state, i, row, group) : collect_coordinate(spec, group, i);
#if defined(DP_FAULT_GATE_OFF) || defined(DP_FAULT_NOISELESS)
	return true;
#endif
	return passes_gate(state, rng, noisy[0]);
}

#ifdef DP_FAULT_NOISELESS
/* Notes the exact vector of a group, below its first key as a number: what tests compare. */
static void
note_vector(ReleaseState *state, const CollectState *group, TupleTableSlot *row)
{
	const ReleaseSpec *spec = state->spec;
	int			key = release_key_column(spec, 0);
	MemoryContext old = MemoryContextSwitchTo(state->css.ss.ps.state->es_query_cxt);

	if (state->vectors == NULL)
		state->vectors = makeStringInfo();
	MemoryContextSwitchTo(old);
	if (spec->nkeys > 0 && row->tts_isnull[key])
		appendStringInfoString(state->vectors, " NULL:");
	else
		appendStringInfo(state->vectors, " " INT64_FORMAT ":", spec->nkeys == 0 ? 0 :
						 DatumGetInt64(row->tts_values[key]));
	for (int i = 0; i < spec->dimensions; i++)
	{
		dp_int128	u = i > 0 && spec->coordinates[i].sketch != DP_NONE ?
			distinct_coordinate(state, i, row, group) : collect_coordinate(spec, group, i);

		appendStringInfo(state->vectors, "%s" INT64_FORMAT, i > 0 ? "," : "", (int64) u);
	}
}
#endif

/* Draws all a group releases; false if nothing leaves. */
static bool
release_group(ReleaseState *state, dp_random *rng, TupleTableSlot *row, dp_int128 *noisy)
{
	const ReleaseSpec *spec = state->spec;
	int			state_column = release_state_column(spec);
	int			sketches = release_sketch_column(spec, 0);
	const CollectState *group;
	bool		released = false;

	if (row->tts_isnull[state_column])
		return false;
	group = collect_read_state(row->tts_values[state_column], spec_sums(spec));
#ifdef DP_FAULT_NOISELESS
	if (spec->numeric)
		note_vector(state, group, row);
#endif
#ifndef DP_FAULT_GATE_OFF
	if (collect_individuals(group) < setting_min_individuals())
		return false;
#endif
	if (spec->numeric)
	{
		released = release_vector(state, rng, group, row, noisy);
		if (!released)
			return false;
	}
	if (spec->nparts > 0 &&
		parts_draw(state->parts, rng, row->tts_values + sketches, row->tts_isnull + sketches))
		released = true;
	return released;
}

/*
 * The keys of a group, rebuilt in canonical form: those of the row are the datums of whichever
 * row came first, which may be compressed or stored elsewhere, and a NaN has bits of its own.
 */
static void
release_keys(ReleaseState *state, TupleTableSlot *row, TupleTableSlot *out)
{
	for (int i = 0; i < state->spec->nkeys; i++)
	{
		int			column = release_key_column(state->spec, i);

		out->tts_isnull[column] = row->tts_isnull[column];
		if (!row->tts_isnull[column])
			out->tts_values[column] = canonical_datum(&state->keys[i], row->tts_values[column]);
	}
}

/*
 * The risk tier of a row.  As many individuals as it covers are very many if the released
 * number says so, rounded as count(DISTINCT unit) shows it; of a release that is bounded by total it is
 * the number of rows, which are not fewer.  Where none is released, what is declared of the
 * population stands for it.
 */
static Datum
row_tier(ReleaseState *state, const dp_int128 *noisy)
{
	TierCodes	codes = state->codes;

	if (state->spec->numeric)
		codes = tier_with_scale(codes, rint((double) noisy[0] / (double) DP_SCALE *
											(state->spec->by_total ? state->params.unit : 1)));
	return CStringGetTextDatum(tier_name(tier_grade(codes)));
}

/* An output of a group that is released. */
static Datum
group_output(ReleaseState *state, const SpecOutput *output, dp_int128 *noisy, bool *isnull)
{
	*isnull = false;
	if (output->kind == SPEC_OUT_TIER)
		return row_tier(state, noisy);
	if (output->part == DP_NONE)
		return values_output(state->spec, &state->params, output, noisy, &state->law,
							 state->simulated, isnull);
	return parts_output(state->parts, output, isnull);
}

/* Puts the outputs of a group into their columns. */
static void
put_outputs(ReleaseState *state, dp_random *rng, TupleTableSlot *row, dp_int128 *noisy,
			TupleTableSlot *out)
{
	const ReleaseSpec *spec = state->spec;

	for (int i = 0; i < spec->noutputs; i++)
	{
		const SpecOutput *output = &spec->outputs[i];
		int			column = release_output_column(spec, i);

#ifdef DP_FAULT_TWO_DRAWS
		if (i % 2 == 1)
			(void) release_group(state, rng, row, noisy);
#endif
		out->tts_values[column] = group_output(state, output, noisy, &out->tts_isnull[column]);
	}
}

/* Notes that a group was released, and what of it shows. */
static void
note_released(ReleaseState *state, const dp_int128 *noisy, const TupleTableSlot *out)
{
	const ReleaseSpec *spec = state->spec;

	state->groups++;
	state->shows |= spec->noutputs == 0;
	for (int i = 0; i < spec->noutputs; i++)
	{
		if (out->tts_isnull[release_output_column(spec, i)] || state->shown[i])
			continue;
		state->shows = state->shown[i] = true;
	}
	if (state->last != NULL)
		last_group(state->last, spec, &state->params, &state->law, noisy);
}

/* Turns one row of the child into a released row; false if it is held back. */
bool
draw_row(ReleaseState *state, dp_random *rng, TupleTableSlot *row, TupleTableSlot *out)
{
	const ReleaseSpec *spec = state->spec;
	int			natts = out->tts_tupleDescriptor->natts;
	dp_int128	noisy[DP_MAX_DIMENSIONS] = {0};
	bool		released;

	slot_getallattrs(row);
	ExecClearTuple(out);
	memset(out->tts_isnull, true, natts * sizeof(bool));
	memset(out->tts_values, 0, natts * sizeof(Datum));

	released = release_group(state, rng, row, noisy);
	if (released)
	{
		release_keys(state, row, out);
		put_outputs(state, rng, row, noisy, out);
		note_released(state, noisy, out);
	}
	explicit_bzero(noisy, sizeof(noisy));
	ExecStoreVirtualTuple(out);
	return released || spec->nkeys == 0;
}
