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

/* Does any target of a part aim beside its p * n? */
static bool
any_shifted(const PartsState *state, int part)
{
	const ReleaseSpec *spec = state->spec;

	for (int i = 0; i < spec->ntargets; i++)
	{
		if (spec->targets[i].part == part && is_shifted(state->params, &spec->targets[i]))
			return true;
	}
	return false;
}

/* What the mechanism is asked for, from the targets of a part. */
static void
rank_targets(const PartsState *state, int part, dp_rank_target *targets)
{
	const ReleaseSpec *spec = state->spec;
	const ReleaseParams *params = state->params;
	int64		epsilon = dp_rank_share(params->epsilon_share, spec->parts[part].ntargets,
										any_shifted(state, part));

	for (int i = 0; i < spec->ntargets; i++)
	{
		if (spec->targets[i].part == part)
			rank_target(params, &spec->targets[i], epsilon, state->grids[part].cells, targets++);
	}
}

/* What bounds an individual in the order statistics of a release. */
static dp_rank_limits
rank_limits(const PartsState *state)
{
	const ReleaseParams *params = state->params;
	int64		weight = spec_gate_weight(state->spec, params) / (DP_SCALE / DP_CELL_SCALE);

	return (dp_rank_limits) {.groups = params->groups,.kept = params->kept,
		.weight = state->spec->by_total ? Max(weight, 1) : 0,
		.min_individuals = setting_min_individuals()};
}

/*
 * The number n of individuals, all with the same value and each of weight one, from which that value and
 * not "none" is chosen for a target with probability 1/2 (rank.c): where both cost nothing, which is at
 * the threshold T_0; or, if the target is beyond the data there, where both cost the same: the
 * target p n + s is s - (1 - p) n above all n of them, "none" costs c (n - T_0) with
 * c = max(p, 1 - p).
 */
static double
target_smallest_group(const dp_rank_target *target, double threshold)
{
	double		p = (double) target->p / DP_QUANTILE_UNIT;
	double		c = Max(p, 1 - p);
	double		shift = (double) target->shift / (double) DP_CELL_SCALE;
	double		side = shift > 0 ? 1 - p : p;

	return Max(threshold, (fabs(shift) + c * threshold) / (side + c));
}

/* The sum of three Laplace variables of scale 1 is below this with probability sqrt(1/2). */
#define SUM_OF_THREE 1.18

/*
 * The number of individuals, all with the same value and with as many rows as count, from which
 * a part releases its order statistics with probability 1/2.  Each of s targets on its own must pass with probability
 * 2^(-1/s) then: "none" is chosen with half the probability of its coin, exp(-epsilon (n - T_0) /
 * (2 k)), where a value costs nothing.
 */
int64
ranks_smallest_group(const PartsState *state, int part)
{
	const ReleaseParams *params = state->params;
	int			ntargets = state->spec->parts[part].ntargets;
	bool		shifted = any_shifted(state, part);
	double		epsilon = (double) dp_rank_share(params->epsilon_share, ntargets, shifted) * 1e-9;
	double		coin;
	dp_rank_target *targets = palloc0(sizeof(dp_rank_target) * ntargets);
	dp_rank_limits limits = rank_limits(state);
	dp_rank_gate gate = {0};
	double		largest = 0;

	parts_check(dp_rank_gate_thresholds(params->epsilon_share, params->delta_share, &limits,
										state->grids[part].cells, ntargets, shifted, &gate));
	/* of a recursion the counts must pass as well as the first selection: sqrt(1/2) each */
	coin = 2 * (1 - pow(0.5, 1.0 / (gate.scale > 0 ? 2 : ntargets)));
	rank_targets(state, part, targets);
	for (int i = 0; i < ntargets; i++)
		largest = Max(largest, target_smallest_group(&targets[i], (double) gate.none /
													 (double) DP_CELL_SCALE));
	return parts_individuals(state, Max(largest - 2 * (double) params->groups / epsilon * log(coin),
										(double) gate.total / (double) DP_SCALE +
										SUM_OF_THREE * gate.scale));
}

/*
 * The number of individuals, with as many rows as count, from the rank that is asked for within which
 * each order statistic of a part is found with probability 1 - alpha, given that it is shown; -1 where
 * no such number is known: of several that are chosen one after the other, and beside the ends of the data.
 */
int64
ranks_error(const PartsState *state, int part, double alpha)
{
	const ReleaseSpec *spec = state->spec;
	const ReleaseParams *params = state->params;
	int			ntargets = spec->parts[part].ntargets;
	int64		epsilon = dp_rank_share(params->epsilon_share, ntargets, false);
	int64		largest = -1;

	if (ntargets > DP_RANK_MAX_INDEPENDENT || any_shifted(state, part))
		return -1;
	for (int i = 0; i < spec->ntargets; i++)
	{
		if (spec->targets[i].part == part)
			largest = Max(largest, dp_rank_error(epsilon, params->groups, state->grids[part].cells,
												 quantile_unit(params, &spec->targets[i]), alpha));
	}
	return largest < 0 ? -1 : parts_individuals(state, (double) largest / (double) DP_CELL_SCALE);
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
	dp_rank_limits limits = rank_limits(state);

	rank_targets(state, part, targets);
	parts_check(dp_rank_choose(rng, params->epsilon_share, parts_gate_delta(state, part),
							   &limits, state->weights, grid->cells, individuals,
							   targets, ntargets, &state->work, cells,
							   &result->passed));
	for (int i = 0; result->passed && i < ntargets; i++)
		result->ranks[i] = grid_point(grid, cells[i]);
	sketch_clear_cells(sketch, state->weights);
}
