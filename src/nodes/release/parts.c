/*
 * parts.c
 *		The parts of a release that choose or count sparsely, group by group:
 *		order statistics, the most frequent values, histograms, bounds.
 *
 * Each part is a mechanism of its own with its share of epsilon.  It gates
 * itself, with a share of delta, unless the vector's gate has decided about the
 * same individuals (spec_part_is_gated); a part whose argument has too few
 * individuals with a value yields nothing (doc/privacy.md).  What a part leaves
 * here is released; all that follows is post-processing.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "core/settings.h"
#include "mechanism/random.h"
#include "mechanism/sparse.h"
#include "mechanism/status.h"
#include "nodes/release/part_cells.h"
#include "nodes/release/part_ranks.h"
#include "nodes/release/part_values.h"
#include "nodes/release/parts.h"
#include "nodes/release/parts_order.h"
#include "nodes/release/parts_state.h"
#include "spec/domain.h"
#include "spec/spec.h"

/* What a noisy weight must reach, for the parts that release weights. */
static void
compute_threshold(PartsState *state, int part)
{
	const ReleaseParams *params = state->params;
	int64		epsilon = params->epsilon_share;
	int64		delta = params->delta_share;
	int			m = state->grids[part].cells;
	int			minimum = setting_min_individuals();
	dp_int128  *tau = &state->thresholds[part];

	switch (state->spec->parts[part].kind)
	{
		case SPEC_PART_TOP:
			parts_check(dp_category_threshold(values_epsilon(state), delta, params->groups,
											  params->rows, minimum, tau));
			break;
		case SPEC_PART_HISTOGRAM:
			parts_check(dp_histogram_gate_threshold(epsilon, delta, params->groups, params->kept,
													m, minimum, spec_gate_weight(state->spec, params),
													&state->histogram_gates[part]));
			break;
		case SPEC_PART_BOUNDS:
			parts_check(dp_bins_threshold(epsilon, delta, params->groups, m, minimum, tau));
			break;
		default:
			break;
	}
#ifdef DP_FAULT_NOISELESS
	*tau = 1;
	state->histogram_gates[part] = (dp_histogram_gate) {1, 1};
#endif
}

/*
 * Prepares for the groups of one execution, in the current memory context.
 * spec and params must outlive the result.
 */
PartsState *
parts_begin(const ReleaseSpec *spec, const ReleaseParams *params)
{
	PartsState *state = palloc0(sizeof(PartsState));

	state->spec = spec;
	state->params = params;
	state->grids = palloc0(sizeof(Grid) * Max(spec->nparts, 1));
	state->thresholds = palloc0(sizeof(dp_int128) * Max(spec->nparts, 1));
	state->histogram_gates = palloc0(sizeof(dp_histogram_gate) * Max(spec->nparts, 1));
	state->results = palloc0(sizeof(PartResult) * Max(spec->nparts, 1));
	for (int i = 0; i < spec->nparts; i++)
	{
		const SpecSketch *sketch = &spec->sketches[spec->parts[i].sketch];

		if (sketch->kind == SPEC_SKETCH_CELLS)
		{
			grid_open(&state->grids[i], sketch, params->values);
			state->room = Max(state->room, state->grids[i].cells);
		}
		compute_threshold(state, i);
		state->results[i].ranks = palloc0(sizeof(double) * Max(spec->parts[i].ntargets, 1));
	}
	state->weights = palloc0(sizeof(int64) * (state->room + 1));
	state->work = parts_choose_work(state->room + 1);
	state->noisy = palloc(sizeof(dp_int128) * (state->room + 1));
	open_orders(state);
	return state;
}

/*
 * The number of individuals with a value, with as many rows as count, from which a part releases
 * something with probability 1/2: where all of them have the same one.
 */
int64
parts_smallest_group(PartsState *state, int part)
{
	dp_int128	tau = state->thresholds[part];

	switch (state->spec->parts[part].kind)
	{
		case SPEC_PART_RANKS:
			return spec_part_is_gated(state->spec, part) ? ranks_smallest_group(state, part) : 0;
		case SPEC_PART_MODE:
			return mode_smallest_group(state);
		case SPEC_PART_HISTOGRAM:
			if (!spec_part_is_gated(state->spec, part))
				return 0;
			tau = Min(state->histogram_gates[part].sum, state->histogram_gates[part].largest);
			break;
		default:
			break;
	}
	return parts_individuals(state, (double) tau / (double) DP_SCALE);
}

/* ranks_error() of a part that chooses order statistics; -1 of any other. */
int64
parts_rank_error(PartsState *state, int part, double alpha)
{
	return state->spec->parts[part].kind == SPEC_PART_RANKS ? ranks_error(state, part, alpha) : -1;
}

static void
draw_part(PartsState *state, int part, dp_random *rng, Datum sketch)
{
	switch (state->spec->parts[part].kind)
	{
		case SPEC_PART_RANKS:
			draw_ranks(state, part, rng, sketch);
			break;
		case SPEC_PART_MODE:
			draw_mode(state, part, rng, sketch);
			break;
		case SPEC_PART_TOP:
			draw_top(state, part, rng, sketch);
			break;
		case SPEC_PART_HISTOGRAM:
			draw_histogram(state, part, rng, sketch);
			break;
		case SPEC_PART_BOUNDS:
			draw_bounds(state, part, rng, sketch);
			break;
	}
}

/*
 * Draws all parts of one group from its sketches; true if any released
 * something.  Allocates in the current memory context what the outputs need.
 */
bool
parts_draw(PartsState *state, dp_random *rng, const Datum *sketches, const bool *isnull)
{
	bool		any = false;

	for (int i = 0; i < state->spec->nparts; i++)
	{
		int			sketch = state->spec->parts[i].sketch;

		CHECK_FOR_INTERRUPTS();
		state->results[i].passed = false;
		if (isnull[sketch])
			continue;			/* nobody has a value */
		draw_part(state, i, rng, sketches[sketch]);
		any = any || state->results[i].passed;
	}
	return any;
}
