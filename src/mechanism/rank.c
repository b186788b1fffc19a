/*
 * rank.c
 *		Private order statistics: the cells that hold given ranks.
 *
 * The values of a group are known by the weight in each of m cells, in
 * ascending order, and the number of individuals that have any.  A target is a
 * rank T = p * n + shift, n being the sum of the weights.  Let b_v be the
 * weight strictly below cell v and a_v = b_v + weight in v.  The score of v is
 *
 *		u_v = -max(b_v - T, T - a_v, 0),
 *
 * minus the distance of T from what v holds: 0 for each cell that contains the
 * target, however much lies in that one cell.  Cells are chosen by
 * permute-and-flip (choose.c).
 *
 * The range of a change.  An individual of weight w <= 1, of which B_v lies
 * below v and A_v = B_v + its weight in v, changes T by p w and
 *
 *		b_v - T		by B_v - p w,	in [-p w, (1-p) w],
 *		T - a_v		by p w - A_v,	in [-(1-p) w, p w],
 *
 * as 0 <= B_v <= A_v <= w.  Both lie in [-c w, c w] with c = max(p, 1-p), and
 * the maximum of numbers that change by at most c w changes by at most c w.  So
 * scores change with a range of at most 2 c w.  (It is reached.  Let all its
 * weight be in cell s.  If s is below T, the cells below s have p w - 0, those
 * from s up to T have p w - w, and those above T have w - p w: from -(1-p) w to
 * c w.  If s is above T, the cells from T to s have -p w, all others up to
 * c w.  One of the two is 2 c w.)  By choose.c the coins
 *
 *		exp(-epsilon * deficit / (2 c * groups))
 *
 * cost each group w * epsilon/groups, and an individual in `groups` groups at
 * most epsilon.  The median has c = 1/2: there the range of a change is 1.
 *
 * The gate.  Below min_individuals nothing is drawn and nothing passes.
 * Otherwise the selection has one candidate more, "none", with the score
 * c * (T_0 - individuals): if it is chosen, the group does not pass.  An
 * individual that has a value lowers it by exactly c, one that has none changes
 * no score at all; -c lies within the bounds of the changes above, so the range
 * stays 2 c and the gate costs no epsilon.  T_0 makes a group of exactly
 * min_individuals pass with probability at most delta' = 1-(1-delta)^(1/groups)
 * (gate.c says why this is what delta has to pay for, and no more).  The scores
 * of cells are at most 0 and none's is then c * (T_0 - min_individuals) >= 0,
 * so each cell exceeds it with probability at most
 * exp(-epsilon (T_0 - min_individuals)/(2 groups))/2 (choose.c, b), and any of
 * them with at most m times that.  If s selections of one release each have a
 * "none", and the group passes only if none of them chooses it, the probability
 * of passing is at most the s-th power, as their coins are independent:
 *
 *		T_0 = min_individuals +
 *			  (2 groups/epsilon) * (ln(m/2) + ln(1/delta')/s).
 *
 * Without a gate.  Where something else has decided that the group may leave, by the
 * number of individuals that have a value, there is no "none": the selections alone are
 * epsilon-DP, and no delta is spent.
 *
 * Up to DP_RANK_MAX_INDEPENDENT targets, or if any has a shift: each target is
 * chosen on all the data with epsilon/ntargets, and each of the selections has
 * a "none".  The release is a function of all of them.
 *
 * More targets are split recursively, after Kaplan, Schnapp and Stemmer,
 * "Differentially Private Approximate Quantiles" (2022): the middle target is
 * chosen, and those on its left are then chosen among the cells below it, those
 * on its right among the cells above it.  Let an individual have the weight w_I
 * in the cells of an interval I.  A selection on I with epsilon_1 costs it
 * w_I * epsilon_1/groups by the range above.
 *
 * Every interval has a budget b, and what is done on it costs an individual at
 * most w_I * b/groups.  With one or two targets these are chosen independently, by
 * b or b/2 each.  With more, the selection and the counts below are paid from
 * b, and each of the two intervals that remain has what is left: they are
 * disjoint, so that together they cost no more than that.  Which intervals and
 * targets these are depends on the data only through earlier outputs, so that
 * all of it composes adaptively.
 *
 * That paper takes the rank of a target within an interval to be
 * (p - p_left)/(p_right - p_left) of its data.  This supposes that values differ: if
 * much of the data is one value v, the data below or above v is not the share
 * that the p of v says, and the quantiles beside it come out wrong by a
 * constant share of n.  Here, before an interval is split, the weights below,
 * in and above the cell that was chosen are counted with Laplace noise.  These
 * three are disjoint, so the counts cost epsilon_2 once, by the
 * same argument (noise.c: the change of the three in the l1-norm is at most
 * w_I).  A target that the counts place within the cell is that cell, and takes
 * no selection; the others carry their ranks on as counted from the end of the
 * interval that does not move.  epsilon_1 = 2 epsilon_2: a selection errs by
 * (2 c/epsilon_1) ln m, a count by 1/epsilon_2, and more of epsilon for either makes
 * quartiles worse.
 *
 * Within an interval whose weight is n and was counted as N, the target rank is
 * t = p' n + (t - p' N) with p' = t/N rounded: a target like any other, whose
 * shift is a public number.
 *
 * The gate of a recursion is the first selection with its "none", and the three
 * counts after it: the group passes only if their sum reaches a threshold, too.  The
 * noise of the counts is independent of what was chosen, so that the probability of
 * passing with exactly min_individuals is at most the product of the two.  delta' is
 * divided so that both thresholds are at about the same number of individuals.
 *
 * The cells are ascending in the order of the targets: in the recursion by
 * itself, in the independent form by sorting the cells that were chosen, which
 * depends on nothing but these and is free.  Sorting makes no error larger than
 * the largest was: if T_1 <= T_2 were given cells v > w, then
 * b_w - T_1 <= b_v - T_1 and T_1 - a_w <= T_2 - a_w, and likewise for the other.
 *
 * All scores are integers, in units of DP_CELL_SCALE * DP_QUANTILE_UNIT per
 * individual.  The sum of weights is below 2^57 and |shift| <= 2^60, so scores
 * stay below 2^81; none's is at most 2^78 in T_0 = min_individuals, and what is
 * added to that is largest where epsilon is smallest, with 2^101 for
 * epsilon_nano * score.  With epsilon_nano < 2^40, deficit * rate_p < 2^122; the
 * denominator is at most 10^9 * 2 * 10^6 * 2^24 * 10^6 < 2^95.
 */
#include <math.h>
#include <string.h>

#include <openssl/crypto.h>

#include "mechanism/noise.h"
#include "mechanism/noise_internal.h"
#include "mechanism/rank.h"

/* Slack on logarithms of probabilities, as in gate.c. */
#define SAFETY 1e-9

/* epsilon_1 : epsilon_2, each as a number of shares. */
#define SELECTION_SHARES 2
#define COUNT_SHARES 1

/* Lattice units of the noise per unit of weight. */
#define LATTICE_PER_WEIGHT (DP_SCALE / DP_CELL_SCALE)

/* The data, what each step may spend, and room to work. */
typedef struct rank_data
{
	const int64_t *weights;
	int			m;
	int64_t		total;			/* sum of all weights */
	int64_t		groups;			/* most groups of an individual */
	bool		gated;			/* there is a "none" */
	dp_int128	short_of_gate;	/* T_0 - individuals, in weight, if gated */
	dp_int128	least_total;	/* what the counts must reach, in lattice units, if gated */
	const dp_choose_work *work;
} rank_data;

/* The targets of a recursion in ascending order, and what is known of them. */
typedef struct rank_recursion
{
	dp_rank_target targets[DP_RANK_MAX_TARGETS];
	int64_t		below[DP_RANK_MAX_TARGETS]; /* weight of its interval below a target */
	int64_t		above[DP_RANK_MAX_TARGETS]; /* weight of its interval above a target */
	int			cells[DP_RANK_MAX_TARGETS]; /* cell that was chosen for a target */
} rank_recursion;

/* The targets first_target .. last_target lie in first_cell .. last_cell. */
typedef struct rank_interval
{
	int			first_target;
	int			last_target;
	int			first_cell;
	int			last_cell;
	int64_t		budget_nano;	/* epsilon of all that is done on it, nano-epsilon */
	bool		whole;			/* it is all the data, of which nothing was counted yet */
	int64_t		count;			/* its noisy weight, if it is not */
} rank_interval;

/* max(p, 1 - p), in 1 / DP_QUANTILE_UNIT. */
static int32_t
larger_side(int32_t p)
{
	return p > DP_QUANTILE_UNIT - p ? p : DP_QUANTILE_UNIT - p;
}

/*
 * What a recursion over ntargets targets costs, as a number of shares: a selection and counts
 * for each split, of which the larger side has half of the targets, rounded down, and
 * selections of those that are left.
 */
static int
recursion_cost(int ntargets)
{
	int			cost = 0;

	for (; ntargets > DP_RANK_MAX_INDEPENDENT; ntargets /= 2)
		cost += SELECTION_SHARES + COUNT_SHARES;
	return cost + SELECTION_SHARES * ntargets;
}

/* Is each target chosen on all the data, and not by the recursion? */
static bool
is_independent(int ntargets, bool shifted)
{
	return shifted || ntargets <= DP_RANK_MAX_INDEPENDENT;
}

/*
 * dp_rank_share
 *		The epsilon (1e-9) with which each of ntargets targets is chosen; in a
 *		recursion the first, and the others with no less.
 *
 * shifted: whether any target has a shift.  ntargets in 1 ..
 * DP_RANK_MAX_TARGETS, epsilon_nano >= 0.  0 if nothing is left for each.
 */
int64_t
dp_rank_share(int64_t epsilon_nano, int ntargets, bool shifted)
{
	if (is_independent(ntargets, shifted))
		return epsilon_nano / ntargets;
	return SELECTION_SHARES * (epsilon_nano / recursion_cost(ntargets));
}

/* Whether the parameters of a selection, but for delta, are within their documented ranges. */
static bool
parameters_in_range(int64_t epsilon_nano, int64_t groups, int64_t min_individuals,
					int m, int ntargets, bool shifted)
{
	return epsilon_nano >= DP_MIN_EPSILON_NANO &&
		epsilon_nano <= DP_MAX_EPSILON_NANO &&
		groups >= 1 && groups <= DP_MAX_GROUPS &&
		min_individuals >= 1 && min_individuals <= DP_RANK_MAX_INDIVIDUALS &&
		m >= 1 && m <= DP_RANK_MAX_CELLS &&
		ntargets >= 1 && ntargets <= DP_RANK_MAX_TARGETS &&
		dp_rank_share(epsilon_nano, ntargets, shifted) >= 1;
}

/*
 * A distance above the minimum, in weight: a selection of this share, of m cells and "none",
 * passes with probability at most exp(-log_odds) if "none" has it as its distance.
 */
static dp_int128
none_distance(int64_t share, int64_t groups, int m, double log_odds)
{
	log_odds += log(0.5 * m) + SAFETY;
	/* At most 2 * 10^6 * 10^9 * (11 + 56) * 2^24 < 2^82. */
	return log_odds > 0.0 ?
		(dp_int128) ceil(2.0 * (double) groups / ((double) share * 1e-9) * log_odds *
						 (1.0 + 1e-12) * (double) DP_CELL_SCALE) : 0;
}

/*
 * How much of log_odds the "none" of a recursion has; its counts have the rest.  In units
 * of groups/epsilon_2 the thresholds lie about (2/SELECTION_SHARES) (ln(m/2) + part) and
 * rest + 3 above the minimum (the latter is close for the sum of three Laplace
 * variables where it matters); they are equal at this part.
 */
static double
none_part(int m, double log_odds)
{
	const double slope = 2.0 * COUNT_SHARES / SELECTION_SHARES;
	double		part = (log_odds + 3.0 - slope * log(0.5 * m)) / (1.0 + slope);

	return fmin(fmax(part, 0.0), log_odds);
}

/*
 * dp_rank_gate_thresholds
 *		Where groups begin to pass the gate of dp_rank_choose: gate->none is T_0 in
 *		weight (DP_CELL_SCALE is one individual), and gate->total what the counts of a
 *		recursion must reach, in lattice units; without a recursion there are none,
 *		and it is 0.
 *
 * Parameters and ranges as for dp_rank_choose, but that there is a gate, so that
 * delta_atto is at least 1; shifted as for dp_rank_share.  Otherwise
 * DP_ERR_RANGE, and *gate is not touched.
 */
dp_status
dp_rank_gate_thresholds(int64_t epsilon_nano, int64_t delta_atto, int64_t groups,
						int64_t min_individuals, int m, int ntargets,
						bool shifted, dp_rank_gate *gate)
{
	int64_t		share;
	double		log_odds;

	if (!parameters_in_range(epsilon_nano, groups, min_individuals, m, ntargets, shifted) ||
		delta_atto < 1 || delta_atto >= INT64_C(1000000000000000000))
		return DP_ERR_RANGE;

	gate->none = gate->total = 0;
	gate->scale = 0.0;
#ifdef DP_FAULT_NOISELESS
	return DP_OK;
#endif
	share = dp_rank_share(epsilon_nano, ntargets, shifted);
	log_odds = -log(dp_gate_group_delta(delta_atto, groups));
	gate->none = (dp_int128) min_individuals * DP_CELL_SCALE;
	if (is_independent(ntargets, shifted))
		gate->none += none_distance(share, groups, m, log_odds / ntargets);
	else
	{
		double		part = none_part(m, log_odds);
		double		rate = (double) (share / SELECTION_SHARES * COUNT_SHARES) * 1e-9 /
			(double) groups / (double) DP_SCALE;

		gate->none += none_distance(share, groups, m, part);
		gate->scale = 1.0 / (rate * (double) DP_SCALE);
		gate->total = (dp_int128) min_individuals * DP_SCALE +
			dp_sum_offset(rate, part - log_odds, 3);
	}
	return DP_OK;
}

/* The weight of the cells first .. last, below 2^57. */
static int64_t
total_weight(const rank_data *data, int first, int last)
{
	int64_t		total = 0;

	if (first == 0 && last == data->m - 1)
		return data->total;
	for (int v = first; v <= last; v++)
		total += data->weights[v];
	return total;
}

/* The first cell from v on that is not empty, or last + 1. */
static inline int
after_empty_cells(const int64_t *weights, int v, int last)
{
	while (v + 3 <= last &&
		   (weights[v] | weights[v + 1] | weights[v + 2] | weights[v + 3]) == 0)
		v += 4;
	while (v <= last && weights[v] == 0)
		v++;
	return v;
}

/* What cells cost in a selection: cell v costs max(b_v - T, T - a_v, 0). */
typedef struct rank_costs
{
	dp_int128	rank;			/* T, the rank that is aimed at */
	dp_int128	least;			/* the least of all costs; a deficit is what exceeds it */
	dp_int128	limit;			/* a cell of this cost or more is never chosen */
} rank_costs;

/*
 * The first cell from v on that may be chosen, as its cost is below the limit, or
 * last + 1; *below becomes the weight below it.
 */
static int
first_near_cell(const int64_t *weights, int v, int last, const rank_costs *costs,
				int64_t *below)
{
	/* rank - above < limit, above being a multiple of DP_QUANTILE_UNIT */
	dp_int128	far = costs->rank - costs->limit;
	int64_t		enough = far < 0 ? 0 : (int64_t) (far / DP_QUANTILE_UNIT + 1);
	int64_t		above = *below;

	while (v <= last && above + weights[v] < enough)
		above += weights[v++];
	*below = above;
	return v;
}

/*
 * Puts the deficits of the cells that may be chosen into the work area, and returns the
 * number of their runs.  Empty cells that follow each other cost the same and are one
 * run.  Costs fall up to the target and rise after it, so the cells that may be chosen
 * follow each other: the first of them is *near, from which starts[] are counted.
 */
static int
cell_deficits(const rank_data *data, int first, int last, const rank_costs *costs,
			  int *near)
{
	const int64_t *weights = data->weights;
	int64_t		below_weight = 0;
	int			v = first_near_cell(weights, first, last, costs, &below_weight);
	dp_int128	below = (dp_int128) below_weight * DP_QUANTILE_UNIT;
	int			runs = 0;

	*near = v;
	while (v <= last && below - costs->rank < costs->limit)
	{
		dp_int128	above = below + (dp_int128) weights[v] * DP_QUANTILE_UNIT;
		dp_int128	cost = 0;

		if (below > costs->rank)
			cost = below - costs->rank;
		else if (above < costs->rank)
			cost = costs->rank - above;
		data->work->deficits[runs] = (dp_uint128) (cost - costs->least);
		data->work->starts[runs] = v - *near;
		runs++;
		v = weights[v] != 0 ? v + 1 : after_empty_cells(weights, v + 1, last);
		below = above;
	}
	data->work->starts[runs] = v - *near;
	return runs;
}

/*
 * The cell of a target, among the cells of an interval and on their data alone, with
 * that epsilon; -1 if the interval is gated and "none" is chosen.
 */
static dp_status
choose_cell(dp_random *rng, const rank_data *data, const rank_interval *interval,
			const dp_rank_target *target, int64_t epsilon_nano, int *cell)
{
	int			first = interval->first_cell;
	int			last = interval->last_cell;
	bool		gated = interval->whole && data->gated;
	dp_uint128 *deficits = data->work->deficits;
	int32_t    *starts = data->work->starts;
	int32_t		side = larger_side(target->p);
	dp_uint128	rate_p = (dp_uint128) epsilon_nano;
	dp_uint128	rate_q = (dp_uint128) 1000000000 * (dp_uint128) DP_CELL_SCALE *
		2 * (dp_uint128) side * (dp_uint128) data->groups;
	dp_int128	whole = (dp_int128) total_weight(data, first, last);
	dp_int128	none = -side * data->short_of_gate;
	rank_costs	costs;
	int			near;
	int			runs;
	int			chosen;
	dp_status	status;

	*cell = -1;
	costs.rank = whole * target->p + (dp_int128) target->shift * DP_QUANTILE_UNIT;

	/*
	 * A cell that holds the target costs 0; if none does, it is before the first or after the
	 * last.
	 */
	costs.least = costs.rank < 0 ? -costs.rank :
		costs.rank > whole * DP_QUANTILE_UNIT ? costs.rank - whole * DP_QUANTILE_UNIT : 0;
	if (gated && none < costs.least)
		costs.least = none;
	costs.limit = costs.least + (dp_int128) dp_choose_farthest(rate_p, rate_q) + 1;

	runs = cell_deficits(data, first, last, &costs, &near);
	if (gated)
	{
		deficits[runs] = (dp_uint128) (none - costs.least);
		starts[runs + 1] = starts[runs] + 1;
		runs++;
	}
	status = dp_choose_runs(rng, deficits, starts, runs, rate_p, rate_q,
							data->work->order, &chosen);
	if (status == DP_OK && (!gated || chosen < starts[runs - 1]))
		*cell = near + chosen;
	return status;
}

/* The noisy weight of the cells first .. last (none if last < first), in lattice units. */
static dp_status
count_cells(dp_random *rng, const rank_data *data, int first, int last,
			int64_t epsilon_nano, dp_int128 *noisy)
{
	dp_status	status = dp_noise_draw(rng, epsilon_nano, data->groups, 1, noisy);

	for (int v = first; status == DP_OK && v <= last; v++)
		*noisy += (dp_int128) data->weights[v] * LATTICE_PER_WEIGHT;
	return status;
}

/* A noisy weight in units of weights, between nothing and DP_RANK_MAX_INDIVIDUALS individuals. */
static int64_t
counted_weight(dp_int128 noisy)
{
	const int64_t most = DP_RANK_MAX_INDIVIDUALS * DP_CELL_SCALE;

	noisy /= LATTICE_PER_WEIGHT;
	return noisy <= 0 ? 0 : noisy < most ? (int64_t) noisy : most;
}

static dp_status choose_interval(dp_random *rng, const rank_data *data,
								 rank_recursion *run, const rank_interval *interval);

/* Target i of an interval: as it is asked for, or by what was counted below it. */
static dp_rank_target
interval_target(const rank_recursion *run, const rank_interval *interval, int i)
{
	int64_t		below = run->below[i];
	dp_rank_target target;

	if (interval->whole)
		return run->targets[i];
	target.p = (int32_t) ((dp_int128) below * DP_QUANTILE_UNIT / interval->count);
	target.shift = below -
		(int64_t) ((dp_int128) target.p * interval->count / DP_QUANTILE_UNIT);
	return target;
}

/*
 * Chooses the cells of the targets first .. mid - 1, which have that budget.  count is the
 * noisy weight of the interval below the cell of mid.
 *
 * Targets that count does not place below that cell get the cell itself.  They are the
 * last of these targets, as `below` ascends.
 */
static dp_status
choose_left(dp_random *rng, const rank_data *data, rank_recursion *run,
			const rank_interval *interval, int mid, int64_t count, int64_t budget_nano)
{
	int			cell = run->cells[mid];
	rank_interval left = {interval->first_target, mid - 1,
		interval->first_cell, cell - 1, budget_nano, false, count};

	if (left.last_cell < left.first_cell)
		count = 0;
	while (left.last_target >= left.first_target &&
		   run->below[left.last_target] >= count)
		run->cells[left.last_target--] = cell;
	if (left.last_target < left.first_target)
		return DP_OK;

	for (int i = left.first_target; i <= left.last_target; i++)
		run->above[i] = count - run->below[i];
	return choose_interval(rng, data, run, &left);
}

/* Chooses the cells of the targets mid + 1 .. last; count is the weight above, in the same way. */
static dp_status
choose_right(dp_random *rng, const rank_data *data, rank_recursion *run,
			 const rank_interval *interval, int mid, int64_t count, int64_t budget_nano)
{
	int			cell = run->cells[mid];
	rank_interval right = {mid + 1, interval->last_target,
		cell + 1, interval->last_cell, budget_nano, false, count};

	if (right.last_cell < right.first_cell)
		count = 0;
	while (right.first_target <= right.last_target &&
		   run->above[right.first_target] >= count)
		run->cells[right.first_target++] = cell;
	if (right.last_target < right.first_target)
		return DP_OK;

	for (int i = right.first_target; i <= right.last_target; i++)
		run->below[i] = count - run->above[i];
	return choose_interval(rng, data, run, &right);
}

/*
 * Counts the interval below, above and, if it is all the data, in the cell of mid, of which
 * *left and *right become the first two.  All the data then has its ranks, or, if it does
 * not pass the gate, mid loses its cell.
 */
static dp_status
count_interval(dp_random *rng, const rank_data *data, rank_recursion *run,
			   const rank_interval *interval, int mid, int64_t epsilon_nano,
			   int64_t *left, int64_t *right)
{
	int			cell = run->cells[mid];
	dp_int128	below = 0;
	dp_int128	inside = 0;
	dp_int128	above = 0;
	int64_t		total;
	dp_status	status;

	status = count_cells(rng, data, interval->first_cell, cell - 1, epsilon_nano, &below);
	if (status == DP_OK)
		status = count_cells(rng, data, cell + 1, interval->last_cell, epsilon_nano, &above);
	if (status == DP_OK && interval->whole)
		status = count_cells(rng, data, cell, cell, epsilon_nano, &inside);
	*left = counted_weight(below);
	*right = counted_weight(above);
	if (status != DP_OK || !interval->whole)
		return status;

	if (data->gated && below + inside + above < data->least_total)
		run->cells[mid] = -1;
	/* below 2^59 */
	total = *left + counted_weight(inside) + *right;
	for (int i = interval->first_target; i <= interval->last_target; i++)
	{
		run->below[i] = (int64_t) ((dp_int128) total * run->targets[i].p /
								   DP_QUANTILE_UNIT);
		run->above[i] = total - run->below[i];
	}
	return DP_OK;
}

/*
 * Chooses the cells of more than DP_RANK_MAX_INDEPENDENT targets of an interval: the middle
 * one, then those on either side.  If the gate holds all the data back, the middle one has
 * the cell -1, and the others keep theirs, which is -1 before.
 */
static dp_status
split_interval(dp_random *rng, const rank_data *data, rank_recursion *run,
			   const rank_interval *interval)
{
	int			mid = (interval->first_target + interval->last_target) / 2;
	int			ntargets = interval->last_target - interval->first_target + 1;
	int64_t		share = interval->budget_nano / recursion_cost(ntargets);
	int64_t		rest = interval->budget_nano - (SELECTION_SHARES + COUNT_SHARES) * share;
	dp_rank_target target = interval_target(run, interval, mid);
	int64_t		left;
	int64_t		right;
	dp_status	status;

	status = choose_cell(rng, data, interval, &target, SELECTION_SHARES * share, &run->cells[mid]);
	if (status != DP_OK || run->cells[mid] < 0)
		return status;
	status = count_interval(rng, data, run, interval, mid, COUNT_SHARES * share, &left, &right);
	if (status != DP_OK || run->cells[mid] < 0)
		return status;
	status = choose_left(rng, data, run, interval, mid, left, rest);
	if (status == DP_OK)
		status = choose_right(rng, data, run, interval, mid, right, rest);
	return status;
}

/* Sorts n cells, ascending. */
static void
sort_cells(int *cells, int n)
{
	for (int i = 1; i < n; i++)
	{
		int			cell = cells[i];
		int			place = i;

		for (; place > 0 && cells[place - 1] > cell; place--)
			cells[place] = cells[place - 1];
		cells[place] = cell;
	}
}

/*
 * Chooses each target of an interval by itself; stops with a cell of -1 where "none" is
 * chosen.
 */
static dp_status
choose_each(dp_random *rng, const rank_data *data, rank_recursion *run,
			const rank_interval *interval)
{
	int			ntargets = interval->last_target - interval->first_target + 1;

	for (int i = interval->first_target; i <= interval->last_target; i++)
	{
		dp_rank_target target = interval_target(run, interval, i);
		dp_status	status = choose_cell(rng, data, interval, &target,
										 interval->budget_nano / ntargets, &run->cells[i]);

		if (status != DP_OK || run->cells[i] < 0)
			return status;
	}
	sort_cells(run->cells + interval->first_target, ntargets);
	return DP_OK;
}

/* Chooses the cells of all targets of an interval. */
static dp_status
choose_interval(dp_random *rng, const rank_data *data, rank_recursion *run,
				const rank_interval *interval)
{
	if (interval->last_target - interval->first_target < DP_RANK_MAX_INDEPENDENT)
		return choose_each(rng, data, run, interval);
	return split_interval(rng, data, run, interval);
}

/* Whether the target a comes after b. */
static bool
target_after(const dp_rank_target *a, const dp_rank_target *b)
{
	return a->p > b->p || (a->p == b->p && a->shift > b->shift);
}

/* order[0 .. ntargets - 1]: the targets in ascending order. */
static void
order_targets(const dp_rank_target *targets, int ntargets, int *order)
{
	for (int i = 0; i < ntargets; i++)
	{
		int			place = i;

		for (; place > 0 && target_after(&targets[order[place - 1]], &targets[i]); place--)
			order[place] = order[place - 1];
		order[place] = i;
	}
}

/* Whether every target is in range; *shifted: whether any has a shift. */
static bool
targets_in_range(const dp_rank_target *targets, int ntargets, bool *shifted)
{
	*shifted = false;
	if (ntargets < 1 || ntargets > DP_RANK_MAX_TARGETS)
		return false;
	for (int i = 0; i < ntargets; i++)
	{
		if (targets[i].p < 0 || targets[i].p > DP_QUANTILE_UNIT ||
			targets[i].shift > DP_RANK_MAX_SHIFT ||
			targets[i].shift < -DP_RANK_MAX_SHIFT)
			return false;
		*shifted = *shifted || targets[i].shift != 0;
	}
	return true;
}

/*
 * Whether the weights can be those of that number of individuals, and their sum in
 * *total.
 *
 * They are added up in four sums, so that no addition waits for the one before, and
 * without branches.  Each sum is kept as the room that is left for it, which is below
 * 2^57 and gets a sign as soon as it is exceeded.
 */
static bool
weights_in_range(const int64_t *weights, int m, int64_t individuals, int64_t *total)
{
	int64_t		most;
	uint64_t	rooms[4];
	uint64_t	signs = 0;
	int64_t		sum = 0;
	int			v = 0;

	if (individuals < 0 || individuals > DP_RANK_MAX_INDIVIDUALS)
		return false;
	most = individuals * DP_CELL_SCALE;
	for (int i = 0; i < 4; i++)
		rooms[i] = (uint64_t) most;
	for (; v + 4 <= m; v += 4)
		for (int i = 0; i < 4; i++)
		{
			rooms[i] -= (uint64_t) weights[v + i];
			signs |= rooms[i] | (uint64_t) weights[v + i];
		}
	for (; v < m; v++)
	{
		rooms[0] -= (uint64_t) weights[v];
		signs |= rooms[0] | (uint64_t) weights[v];
	}
	if (signs >> 63 != 0)
		return false;
	for (int i = 0; i < 4; i++)
		sum += most - (int64_t) rooms[i];
	*total = sum;
	return sum <= most;
}

/*
 * dp_rank_choose
 *		The cells of ntargets order statistics of one group, in cells[], if
 *		*passed: if the group passes the gate.
 *
 * epsilon_nano (1e-9) and delta_atto (1e-18) are those of all the targets and
 * the gate together, over all the `groups` groups an individual may appear in:
 * ranges as for dp_gate_threshold, and dp_rank_share must be at least 1.  A
 * delta_atto of 0 says that the group has passed another gate, which looked at the
 * individuals that have a value: there is no "none", and with min_individuals the
 * group passes.
 * weights[0 .. m-1] in units of DP_CELL_SCALE per individual, m in 1 ..
 * DP_RANK_MAX_CELLS; individuals is the number of those that have any value,
 * 0 .. DP_RANK_MAX_INDIVIDUALS, and not less than the weights add up to;
 * min_individuals >= 1.  ntargets in 1 .. DP_RANK_MAX_TARGETS, in any order.
 * Otherwise DP_ERR_RANGE.  work has room for m + 1 candidates.  DP_ERR_RANDOM if the
 * source failed.  cells[] is -1 everywhere and *passed false on error and where the
 * group does not pass.
 *
 * A greater target never has a smaller cell; targets are ordered by p, then by
 * shift.
 */
dp_status
dp_rank_choose(dp_random *rng, int64_t epsilon_nano, int64_t delta_atto,
			   int64_t groups, int64_t min_individuals, const int64_t *weights,
			   int m, int64_t individuals, const dp_rank_target *targets,
			   int ntargets, const dp_choose_work *work, int *cells,
			   bool *passed)
{
	rank_data	data = {.weights = weights,.m = m,.groups = groups,.work = work};
	rank_recursion run;
	rank_interval all = {0, ntargets - 1, 0, m - 1, epsilon_nano, true, 0};
	dp_rank_gate gate = {0, 0, 0.0};
	int			order[DP_RANK_MAX_TARGETS];
	bool		shifted;
	dp_status	status;

	*passed = false;
	for (int i = 0; i < ntargets; i++)
		cells[i] = -1;
	if (!targets_in_range(targets, ntargets, &shifted))
		return DP_ERR_RANGE;
	if (!parameters_in_range(epsilon_nano, groups, min_individuals, m, ntargets, shifted) ||
		!weights_in_range(weights, m, individuals, &data.total))
		return DP_ERR_RANGE;
	data.gated = delta_atto != 0;
	if (data.gated &&
		dp_rank_gate_thresholds(epsilon_nano, delta_atto, groups, min_individuals, m,
								ntargets, shifted, &gate) != DP_OK)
		return DP_ERR_RANGE;
	if (individuals < min_individuals)
		return DP_OK;

	data.short_of_gate = gate.none - (dp_int128) individuals * DP_CELL_SCALE;
	data.least_total = gate.total;
	order_targets(targets, ntargets, order);
	for (int i = 0; i < ntargets; i++)
	{
		run.targets[i] = targets[order[i]];
		run.cells[i] = -1;
	}

	status = shifted ? choose_each(rng, &data, &run, &all) :
		choose_interval(rng, &data, &run, &all);
	if (status != DP_OK)
		return status;

	*passed = true;
	for (int i = 0; i < ntargets; i++)
		*passed = *passed && run.cells[i] >= 0;
	if (*passed)
		for (int i = 0; i < ntargets; i++)
			cells[order[i]] = run.cells[i];
	return DP_OK;
}

/*
 * dp_rank_error
 *		A distance of ranks, in weight: the cell chosen for a target of p is
 *		further from its rank than this with probability at most alpha.
 *
 * epsilon_nano is that of the selection (dp_rank_share), m the number of cells;
 * ranges of these and of groups as for dp_rank_choose, p in 0 ..
 * DP_QUANTILE_UNIT, alpha in (0, 1).  -1 otherwise.
 *
 * The utility of permute-and-flip (choose.c; McKenna and Sheldon 2020 show
 * that it is never worse than the exponential mechanism, for which the bound is
 * that of McSherry and Talwar 2007): (2 c groups/epsilon) ln(m/(2 alpha)).  It
 * is that of one selection: the later ones of a recursion add the errors of the
 * counts, and selections beside a "none" are as good, given that they pass.
 * The rank must lie within the data; a target with a shift need not.
 */
int64_t
dp_rank_error(int64_t epsilon_nano, int64_t groups, int m, int32_t p,
			  double alpha)
{
	double		individuals;

	if (epsilon_nano < DP_MIN_EPSILON_NANO ||
		epsilon_nano > DP_MAX_EPSILON_NANO ||
		groups < 1 || groups > DP_MAX_GROUPS ||
		m < 1 || m > DP_RANK_MAX_CELLS ||
		p < 0 || p > DP_QUANTILE_UNIT || !(alpha > 0.0 && alpha < 1.0))
		return -1;
	individuals = 2.0 * larger_side(p) / DP_QUANTILE_UNIT * (double) groups /
		((double) epsilon_nano * 1e-9) * log(0.5 * m / alpha);
	if (individuals <= 0.0)
		return 0;
	if (individuals >= (double) DP_RANK_MAX_INDIVIDUALS)
		return DP_RANK_MAX_SHIFT;
	return (int64_t) ceil(individuals * (double) DP_CELL_SCALE);
}

/*
 * dp_rank_extreme_shift
 *		How far from the ends of the data min (p = 0, + shift) and max
 *		(p = 1, - shift) aim, in weight.
 *
 * Parameters as for dp_rank_error; -1 outside their ranges.
 *
 * (2 groups/epsilon) (ln m + 6) individuals: all the empty cells beyond the end
 * of the data, which have the shift as their deficit, together show fewer than
 * e^-6 < 0.003 heads, whatever there are of them.  A group whose whole weight is
 * less than the shift is mostly taken by "none".
 */
int64_t
dp_rank_extreme_shift(int64_t epsilon_nano, int64_t groups, int m)
{
	/* ln(m / (2 alpha)) = ln m + 6 */
	return dp_rank_error(epsilon_nano, groups, m, 0, 0.5 * exp(-6.0));
}
