/*
 * part_ranks.c
 *		Order statistics of a group, chosen among the points of a grid.
 */
#include "postgres.h"

#include <math.h>

#include "aggregate/sketch.h"
#include "core/settings.h"
#include "mechanism/random.h"
#include "mechanism/rank.h"
#include "nodes/release/part_ranks.h"
#include "nodes/release/parts_state.h"
#include "spec/domain.h"
#include "spec/spec.h"

/* p of a quantile, in 1 / DP_QUANTILE_UNIT. */
static int32
quantile_unit(const ReleaseParams *params, const SpecTarget *target)
{
	int32		p = (int32) rint(params->values[target->fraction] * DP_QUANTILE_UNIT);

	return target->reversed ? DP_QUANTILE_UNIT - p : p;
}

/* Does the target aim beside p * n? */
static bool
is_shifted(const ReleaseParams *params, const SpecTarget *target)
{
	int32		p;

	if (target->kind != SPEC_TARGET_QUANTILE || target->end != SPEC_END_NONE)
		return true;
	p = quantile_unit(params, target);
	return p == 0 || p == DP_QUANTILE_UNIT;
}

/* What one target asks the mechanism for, at this epsilon, among m cells. */
static void
rank_target(const ReleaseParams *params, const SpecTarget *target, int64 epsilon, int m,
			dp_rank_target *wanted)
{
	int64		extreme = dp_rank_extreme_shift(epsilon, params->groups, m);
	int64		error;

	switch (target->kind)
	{
		case SPEC_TARGET_QUANTILE:
			wanted->p = quantile_unit(params, target);
			break;
		case SPEC_TARGET_MIN:
			wanted->p = 0;
			break;
		case SPEC_TARGET_MAX:
			wanted->p = DP_QUANTILE_UNIT;
			break;
	}
	/* the ends of the data have nothing but empty cells beyond them */
	wanted->shift = wanted->p == 0 ? extreme : wanted->p == DP_QUANTILE_UNIT ? -extreme : 0;
	if (target->end == SPEC_END_NONE)
		return;
	error = dp_rank_error(epsilon, params->groups, m, wanted->p,
						  (1 - params->values[target->level]) / 2);
	wanted->shift += target->end == SPEC_END_LOW ? -error : error;
	wanted->shift = Max(-DP_RANK_MAX_SHIFT, Min(DP_RANK_MAX_SHIFT, wanted->shift));
}

/* What the mechanism is asked for, from the targets of a part. */
static void
rank_targets(PartsState *state, int part, dp_rank_target *targets)
{
	const ReleaseSpec *spec = state->spec;
	const ReleaseParams *params = state->params;
	bool		shifted = false;
	int64		epsilon;

	for (int i = 0; i < spec->ntargets; i++)
		shifted = shifted || (spec->targets[i].part == part && is_shifted(params, &spec->targets[i]));
	epsilon = dp_rank_share(params->epsilon_share, spec->parts[part].ntargets, shifted);
	for (int i = 0; i < spec->ntargets; i++)
	{
		if (spec->targets[i].part == part)
			rank_target(params, &spec->targets[i], epsilon, state->grids[part].cells, targets++);
	}
}

/* Draws all order statistics of a part. */
void
draw_ranks(PartsState *state, int part, dp_random *rng, Datum sketch)
{
	const ReleaseParams *params = state->params;
	const Grid *grid = &state->grids[part];
	PartResult *result = &state->results[part];
	int			ntargets = state->spec->parts[part].ntargets;
	dp_rank_target *targets = palloc0(sizeof(dp_rank_target) * ntargets);
	int		   *cells = palloc0(sizeof(int) * ntargets);
	int64		individuals = sketch_cells(sketch, grid->cells, state->weights);

	rank_targets(state, part, targets);
	parts_check(dp_rank_choose(rng, params->epsilon_share, parts_gate_delta(state, part),
							   params->groups, setting_min_individuals(),
							   state->weights, grid->cells, individuals,
							   targets, ntargets, &state->work, cells,
							   &result->passed));
	for (int i = 0; result->passed && i < ntargets; i++)
		result->ranks[i] = grid_point(grid, cells[i]);
	sketch_clear_cells(sketch, state->weights);
}
