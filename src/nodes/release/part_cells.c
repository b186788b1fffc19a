/*
 * part_cells.c
 *		Histograms and bounds of a group, from the noisy weights of cells.
 */
#include "postgres.h"

#include "aggregate/sketch.h"
#include "core/settings.h"
#include "mechanism/random.h"
#include "mechanism/sparse.h"
#include "mechanism/status.h"
#include "nodes/release/part_cells.h"
#include "nodes/release/parts_state.h"
#include "spec/spec.h"

/*
 * Adds noise to the weights of the group's cells, in state->noisy; false, and
 * nothing drawn, if too few individuals have a value.
 */
static bool
noisy_cells(PartsState *state, int part, dp_random *rng, Datum sketch)
{
	const ReleaseParams *params = state->params;
	int			m = state->grids[part].cells;
	bool		enough = sketch_cells(sketch, m, state->weights) >= setting_min_individuals();

	if (enough)
		parts_check(dp_sparse_noise(rng, params->epsilon_share, params->groups,
									state->weights, m, state->noisy));
	sketch_clear_cells(sketch, state->weights);
	return enough;
}

/* Does a histogram with these noisy weights leave: by another gate, or by its own? */
static bool
histogram_passes(PartsState *state, int part)
{
	const dp_histogram_gate *gate = &state->histogram_gates[part];
	dp_int128	sum = 0;
	dp_int128	largest = 0;

	if (!spec_part_is_gated(state->spec, part))
		return true;
	for (int i = 0; i < state->grids[part].cells; i++)
	{
		sum += state->noisy[i];
		largest = Max(largest, state->noisy[i]);
	}
	return sum >= gate->sum || largest >= gate->largest;
}

/* Draws all buckets, if the histogram leaves. */
void
draw_histogram(PartsState *state, int part, dp_random *rng, Datum sketch)
{
	PartResult *result = &state->results[part];
	int			m = state->grids[part].cells;

	if (!noisy_cells(state, part, rng, sketch))
		return;
	result->passed = histogram_passes(state, part);
	if (!result->passed)
		return;
	result->counts = palloc(sizeof(dp_int128) * m);
	memcpy(result->counts, state->noisy, sizeof(dp_int128) * m);
}

/* Draws the lowest and the highest bin that surely are not empty. */
void
draw_bounds(PartsState *state, int part, dp_random *rng, Datum sketch)
{
	PartResult *result = &state->results[part];
	int			m = state->grids[part].cells;

	if (!noisy_cells(state, part, rng, sketch))
		return;
	for (int i = 0; i < m; i++)
	{
		if (state->noisy[i] < state->thresholds[part])
			continue;
		if (!result->passed)
			result->lowest = i;
		result->highest = i;
		result->passed = true;
	}
}
