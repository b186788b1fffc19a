/*
 * test_rank.c
 *		Order statistics: laws, privacy by enumeration, gate, accuracy.
 *
 * Statistical checks have a false-alarm rate of ALPHA each; the others have
 * none, but for accuracy, whose error probabilities are stated.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "choose_law.h"
#include "mechanism/noise.h"
#include "mechanism/noise_internal.h"
#include "mechanism/rank.h"
#include "tap.h"

#define NANO INT64_C(1000000000)
#define ATTO INT64_C(1000000000000000000)
#define UNIT DP_QUANTILE_UNIT
#define MOST_CELLS 4096

static dp_random rng;
static dp_uint128 work_deficits[MOST_CELLS + 1];
static int32_t work_order[MOST_CELLS + 1];
static int32_t work_starts[MOST_CELLS + 2];
static const dp_choose_work work = {work_deficits, work_order, work_starts};

/* weights[] from numbers of individuals; returns their sum. */
static int64_t
fill(const int *counts, int m, int64_t *weights)
{
	int64_t		individuals = 0;

	for (int v = 0; v < m; v++)
	{
		weights[v] = counts[v] * DP_CELL_SCALE;
		individuals += counts[v];
	}
	return individuals;
}

/*
 * The law of one selection from its definition: law[0 .. m-1] of the cells and,
 * if individuals >= 0, law[m] of "none".  Weights, shift and threshold in
 * individuals; lambda per individual of score.
 */
static void
rank_law(const double *weights, int m, double p, double shift, double epsilon,
		 double individuals, double threshold, double *law)
{
	double		scores[LAW_MAX] = {0.0};
	double		side = fmax(p, 1.0 - p);
	double		rank = shift;
	double		below = 0.0;

	for (int v = 0; v < m; v++)
		rank += p * weights[v];
	for (int v = 0; v < m; v++)
	{
		scores[v] = -fmax(fmax(below - rank, rank - below - weights[v]), 0.0);
		below += weights[v];
	}
	if (individuals >= 0.0)
		scores[m] = side * (threshold - individuals);
	choose_law(scores, individuals >= 0.0 ? m + 1 : m, epsilon / (2.0 * side), law);
}

/* T_0 in individuals, and what the counts of a recursion must reach. */
static double
gate_thresholds(int64_t epsilon_nano, int64_t delta_atto, int64_t groups, int64_t minimum,
				int m, int ntargets, bool shifted, double *total)
{
	dp_rank_gate gate = {0, 0, 0.0};

	if (dp_rank_gate_thresholds(epsilon_nano, delta_atto, groups, minimum, m,
								ntargets, shifted, &gate) != DP_OK)
		return NAN;
	if (total != NULL)
		*total = (double) gate.total / (double) DP_SCALE;
	return (double) gate.none / (double) DP_CELL_SCALE;
}

/*
 * Draws of one target, gate and all, against the law.  Weights in quarters of
 * an individual.
 */
static void
test_law(const int *quarters, int m, int individuals, dp_rank_target target,
		 double epsilon, double delta, int64_t groups, int64_t minimum, long draws,
		 const char *name)
{
	int64_t		weights[64];
	double		sizes[64];
	double		law[65];
	long		seen[65] = {0};
	int64_t		epsilon_nano = llround(epsilon * 1e9);
	int64_t		delta_atto = llround(delta * 1e18);
	long		n = tap_draws(draws);

	for (int v = 0; v < m; v++)
	{
		weights[v] = quarters[v] * (DP_CELL_SCALE / 4);
		sizes[v] = 0.25 * quarters[v];
	}
	rank_law(sizes, m, (double) target.p / UNIT,
			 (double) target.shift / (double) DP_CELL_SCALE,
			 epsilon / (double) groups, individuals,
			 gate_thresholds(epsilon_nano, delta_atto, groups, minimum, m, 1,
							 target.shift != 0, NULL), law);
	for (long i = 0; i < n; i++)
	{
		int			cell;
		bool		passed;

		if (dp_rank_choose(&rng, epsilon_nano, delta_atto, groups, minimum,
						   weights, m, individuals, &target, 1, &work, &cell,
						   &passed) == DP_OK)
			seen[passed ? cell : m]++;
	}
	tap_fits(seen, law, m + 1, n, "%s", name);
}

static void
test_laws(void)
{
	static const int spread[] = {4, 0, 8, 4, 12, 0, 4, 16, 4};
	static const int mass[] = {4, 4, 200, 4, 4};
	static const int constant[] = {0, 0, 0, 120, 0, 0};
	static const int ends[] = {60, 0, 0, 0, 0, 60};
	static const int parts[] = {1, 3, 2, 5, 0, 7, 6};
	const dp_rank_target median = {UNIT / 2, 0};
	const dp_rank_target ninth = {900000, 0};
	const dp_rank_target third = {333333, 0};
	const dp_rank_target least = {0, 3 * DP_CELL_SCALE};
	const dp_rank_target most = {UNIT, -3 * DP_CELL_SCALE};

	test_law(spread, 9, 13, median, 1.0, 0.3, 1, 2, 150000, "median of a few");
	test_law(spread, 9, 13, median, 1.0, 0.3, 3, 2, 150000, "median, 3 groups");
	test_law(spread, 9, 13, ninth, 1.0, 0.3, 1, 2, 150000, "0.9 quantile");
	test_law(spread, 9, 13, third, 2.0, 0.3, 1, 2, 150000, "0.333333 quantile");
	test_law(spread, 9, 13, least, 1.0, 0.3, 1, 2, 150000, "min");
	test_law(spread, 9, 13, most, 1.0, 0.3, 1, 2, 150000, "max");
	test_law(mass, 5, 54, third, 0.5, 0.05, 1, 20, 150000, "a point mass");
	test_law(constant, 6, 30, median, 1.0, 0.05, 1, 20, 150000, "constant data");
	test_law(ends, 6, 30, median, 1.0, 0.05, 1, 20, 150000, "data at both ends");
	test_law(parts, 7, 8, median, 1.0, 0.3, 1, 2, 150000, "parts of individuals");
	test_law(parts, 7, 8, third, 1e-6, 0.3, 1, 2, 100000, "epsilon 1e-6");
	test_law(parts, 7, 8, ninth, 50.0, 0.01, 1, 2, 100000, "epsilon 50");
	test_law(ends, 6, 30, third, 20.0, 0.01, 100, 2, 100000, "100 groups");
}

/*
 * Neighbours by enumeration: 5 cells with 0, 2 or 7 individuals each, and one
 * more individual with weight in quarters over them, in all ways of total weight
 * w4/4.  Without "none" the loss is at most w epsilon; with it, epsilon.
 */
static void
test_privacy(int w4, bool gated, double p, double shift, double epsilon)
{
	enum
	{
		M = 5
	};
	double		greatest = 0.0;
	double		bound = gated ? epsilon : 0.25 * w4 * epsilon;

	for (int code = 0; code < 3 * 3 * 3 * 3 * 3; code++)
	{
		double		weights[M];
		double		law[M + 1];
		double		n = 0.0;

		for (int v = 0, rest = code; v < M; v++, rest /= 3)
			n += weights[v] = rest % 3 == 2 ? 7 : 2 * (rest % 3);
		rank_law(weights, M, p, shift, epsilon, gated ? n : -1.0, 6.0, law);
		for (int parts = 0; parts < 5 * 5 * 5 * 5 * 5; parts++)
		{
			double		others[M];
			double		other_law[M + 1];
			int			sum = 0;

			for (int v = 0, rest = parts; v < M; v++, rest /= 5)
			{
				others[v] = weights[v] + 0.25 * (rest % 5);
				sum += rest % 5;
			}
			if (sum != w4)
				continue;
			rank_law(others, M, p, shift, epsilon, gated ? n + 1.0 : -1.0, 6.0, other_law);
			greatest = fmax(greatest, greatest_loss(law, other_law, gated ? M + 1 : M));
		}
	}
	tap_ok(greatest <= bound * (1.0 + 1e-9) && greatest >= 0.7 * bound,
		   "p = %g, shift %g, weight %g%s, epsilon %g: loss %.4f of at most %.4f",
		   p, shift, 0.25 * w4, gated ? " with none" : "", epsilon, greatest, bound);
}

/*
 * The range is reached: a far cell on the left against as many on the right as
 * take over from the cells in the middle.
 */
static void
test_range_is_reached(double p)
{
	enum
	{
		M = 250
	};
	double		weights[M] = {0.0, 4.0 * p, 4.0 * (1.0 - p)};
	double		law[M];
	double		other_law[M];
	double		epsilon = 0.5;
	double		loss;

	rank_law(weights, M, p, 0.0, epsilon, -1.0, 0.0, law);
	weights[M - 1] += 1.0;
	rank_law(weights, M, p, 0.0, epsilon, -1.0, 0.0, other_law);
	loss = greatest_loss(law, other_law, M) / epsilon;
	tap_ok(loss <= 1.0 && loss >= 0.9, "p = %g: a loss of %.4f epsilon", p, loss);
}

/*
 * P(pass) with exactly the minimum, by the law, at the data that are hardest to
 * hold: every empty cell between two halves has the best score.
 */
static void
test_gate_law(void)
{
	static const int64_t groups[] = {1, 3, 100};
	static const double epsilons[] = {0.1, 1.0, 10.0};
	static const double deltas[] = {0.05, 1e-3, 1e-8};
	double		greatest = 0.0;

	for (int g = 0; g < 3; g++)
		for (int e = 0; e < 3; e++)
			for (int k = 0; k < 3; k++)
				for (int ntargets = 1; ntargets <= 4; ntargets++)
				{
					enum
					{
						M = 60
					};
					double		weights[M] = {0};
					double		law[M + 1];
					int64_t		epsilon_nano = llround(epsilons[e] * 1e9);
					int64_t		delta_atto = llround(deltas[k] * 1e18);
					double		allowed = dp_gate_group_delta(delta_atto, groups[g]);
					double		cells = 0.0;
					double		pass;

					weights[0] = weights[M - 1] = 10.0;
					rank_law(weights, M, 0.5, 0.0,
							 epsilons[e] / ntargets / (double) groups[g], 20.0,
							 gate_thresholds(epsilon_nano, delta_atto, groups[g],
											 20, M, ntargets, true, NULL), law);
					for (int v = 0; v < M; v++)
						cells += law[v];
					pass = pow(cells, ntargets);
					greatest = fmax(greatest, pass / allowed);
				}
	tap_ok(greatest <= 1.0 && greatest > 0.9,
		   "20 individuals pass with at most delta', and up to %.4f of it", greatest);
}

/* Measured: 19 never and without a draw, 20 rarely, many always. */
static void
test_gate(int ntargets, double epsilon)
{
	dp_rank_target targets[DP_RANK_MAX_TARGETS];
	int			cells[DP_RANK_MAX_TARGETS];
	int64_t		weights[41] = {0};
	const double delta = 0.05;
	long		n = tap_draws(60000);
	double		band = 5.6 * sqrt(delta * (1.0 - delta) / (double) n);
	constant_source no_source = {0, 0};
	dp_random	nothing;
	long		passes = 0;
	bool		passed = true;
	bool		closed;
	bool		open = true;

	for (int i = 0; i < ntargets; i++)
	{
		targets[i].p = UNIT / (ntargets + 1) * (i + 1);
		targets[i].shift = 0;
	}
	weights[0] = 10 * DP_CELL_SCALE;
	weights[40] = 9 * DP_CELL_SCALE;
	dp_random_init(&nothing, constant_bytes, &no_source);
	closed = dp_rank_choose(&nothing, llround(epsilon * 1e9), ATTO / 20, 1, 20,
							weights, 41, 19, targets, ntargets, &work, cells,
							&passed) == DP_OK && !passed;
	for (int i = 0; i < ntargets; i++)
		closed = closed && cells[i] == -1;
	tap_ok(closed, "%d targets: 19 individuals: nothing is drawn, nothing passes", ntargets);

	weights[40] = 10 * DP_CELL_SCALE;
	for (long i = 0; i < n; i++)
		if (dp_rank_choose(&rng, llround(epsilon * 1e9), ATTO / 20, 1, 20, weights, 41,
						   20, targets, ntargets, &work, cells, &passed) != DP_OK ||
			passed)
			passes++;
	tap_ok((double) passes / (double) n <= delta + band,
		   "%d targets: 20 pass at %.4f of at most %.4f", ntargets,
		   (double) passes / (double) n, delta);

	/* So far above T_0 that each "none" is chosen with less than e^-90. */
	weights[20] = (int64_t) (200.0 * ntargets / epsilon) * DP_CELL_SCALE;
	for (int i = 0; i < 100; i++)
		open = open &&
			dp_rank_choose(&rng, llround(epsilon * 1e9), ATTO / 20, 1, 20, weights, 41,
						   20 + (int64_t) (200.0 * ntargets / epsilon), targets,
						   ntargets, &work, cells, &passed) == DP_OK && passed;
	tap_ok(open, "%d targets: many individuals pass", ntargets);
}

/*
 * Another gate has decided (a delta of 0): the law has no "none", 20 individuals always
 * pass, and 19 never do, without a draw.
 */
static void
test_ungated(void)
{
	enum
	{
		M = 12
	};
	static const int counts[M] = {1, 0, 3, 0, 0, 4, 2, 1, 5, 0, 2, 2};
	static const int numbers[] = {1, 2, 3, 4, 7};
	constant_source no_source = {0, 0};
	dp_random	nothing;
	int64_t		weights[M];
	double		sizes[M];
	double		law[M];
	long		seen[M] = {0};
	dp_rank_target targets[7];
	int			cells[7];
	long		n = tap_draws(150000);
	bool		passed = true;
	bool		closed = true;
	bool		open = true;

	for (int v = 0; v < M; v++)
		sizes[v] = counts[v];
	for (int i = 0; i < 7; i++)
		targets[i] = (dp_rank_target) {UNIT / 8 * (i + 1), 0};
	rank_law(sizes, M, 0.125, 0.0, 0.8 / 3, -1.0, 0.0, law);
	(void) fill(counts, M, weights);
	for (long i = 0; i < n; i++)
		if (dp_rank_choose(&rng, llround(0.8e9), 0, 3, 20, weights, M, 20, targets, 1, &work,
						   cells, &passed) == DP_OK && passed)
			seen[cells[0]]++;
	tap_fits(seen, law, M, n, "a group that has passed another gate");

	dp_random_init(&nothing, constant_bytes, &no_source);
	for (int i = 0; i < 5; i++)
	{
		for (int run = 0; run < 500; run++)
			open = open && dp_rank_choose(&rng, NANO, 0, 1, 20, weights, M, 20, targets, numbers[i],
										  &work, cells, &passed) == DP_OK && passed;
		weights[2] -= DP_CELL_SCALE;
		closed = closed && dp_rank_choose(&nothing, NANO, 0, 1, 20, weights, M, 19, targets,
										  numbers[i], &work, cells, &passed) == DP_OK && !passed;
		weights[2] += DP_CELL_SCALE;
	}
	tap_ok(open, "there, 20 individuals always pass, whatever the number of targets");
	tap_ok(closed, "and of 19 nothing is drawn");
}

/* Distance of target rank and chosen cell, in individuals. */
static double
rank_distance(const int64_t *weights, int m, int cell, int p)
{
	double		total = 0.0;
	double		below = 0.0;
	double		rank;

	for (int v = 0; v < m; v++)
		total += (double) weights[v];
	for (int v = 0; v < cell; v++)
		below += (double) weights[v];
	rank = total * p / UNIT;
	return fmax(fmax(below - rank, rank - below - (double) weights[cell]), 0.0) /
		(double) DP_CELL_SCALE;
}

/*
 * Accuracy of ntargets even quantiles.  The error of each is at most `allowed`
 * individuals; allowed is so generous that a sound build fails with probability
 * below 10^-8 for each check.
 */
static void
test_accuracy(const int *counts, int m, int ntargets, double epsilon,
			  double allowed, const char *name)
{
	static int64_t weights[MOST_CELLS];
	dp_rank_target targets[DP_RANK_MAX_TARGETS];
	int			cells[DP_RANK_MAX_TARGETS];
	int64_t		individuals = fill(counts, m, weights);
	double		greatest = 0.0;
	bool		fine = true;

	/* In any order: descending. */
	for (int i = 0; i < ntargets; i++)
	{
		targets[i].p = (int32_t) ((int64_t) UNIT * (ntargets - i) / (ntargets + 1));
		targets[i].shift = 0;
	}
	for (long run = tap_draws(200); run > 0; run--)
	{
		bool		passed;

		fine = fine &&
			dp_rank_choose(&rng, llround(epsilon * 1e9), ATTO / 1000000, 1, 20,
						   weights, m, individuals, targets, ntargets, &work, cells,
						   &passed) == DP_OK && passed;
		for (int i = 0; fine && i < ntargets; i++)
		{
			greatest = fmax(greatest, rank_distance(weights, m, cells[i], targets[i].p));
			fine = i == 0 || cells[i] <= cells[i - 1];
		}
	}
	tap_ok(fine && greatest <= allowed,
		   "%s, %d targets: ascending, ranks within %.1f (allowed %.1f)",
		   name, ntargets, greatest, allowed);
}

static void
test_accuracies(void)
{
	static int	even[MOST_CELLS];
	static int	mass[MOST_CELLS];
	static int	ends[MOST_CELLS];
	static int	constant[MOST_CELLS];
	static const int numbers[] = {1, 3, 4, 9, 99, DP_RANK_MAX_TARGETS};

	for (int v = 0; v < 1000; v++)
	{
		even[v] = 100;
		/* 30 percent in one cell, 30 percent in another, the rest spread. */
		mass[v] = v == 200 || v == 700 ? 30000 : 40;
		ends[v] = v == 0 || v == 999 ? 50000 : 0;
		constant[v] = v == 321 ? 100000 : 0;
	}
	for (int i = 0; i < 6; i++)
	{
		int			levels = 1;
		double		allowed;

		/*
		 * A selection of share e exceeds (2/e)(ln m + 24) with probability e^-24/2, a count
		 * of share e/2 exceeds 2 * 25/e with e^-25: there are fewer than 200 * 128 * 16 of
		 * them.
		 */
		double		share = (double) dp_rank_share(NANO, numbers[i], false) * 1e-9;

		while (numbers[i] >> levels != 0)
			levels++;
		allowed = (2.0 * (log(1000) + 30.0) + (numbers[i] > 2 ? 2.0 * 32.0 * 2 * levels : 0.0)) / share;
		test_accuracy(even, 1000, numbers[i], 1.0, allowed, "even data");
		test_accuracy(mass, 1000, numbers[i], 1.0, allowed, "two point masses");
		test_accuracy(ends, 1000, numbers[i], 1.0, allowed, "data at both ends");
		test_accuracy(constant, 1000, numbers[i], 1.0, 0.0, "constant data");
	}
}

/* 9,999 individuals evenly on 101 cells: the median is right. */
static void
test_median(void)
{
	int64_t		weights[101];
	const dp_rank_target median = {UNIT / 2, 0};
	long		n = tap_draws(20000);
	long		right = 0;

	for (int v = 0; v < 101; v++)
		weights[v] = 99 * DP_CELL_SCALE;
	for (long i = 0; i < n; i++)
	{
		int			cell;
		bool		passed;

		if (dp_rank_choose(&rng, NANO, ATTO / 1000000, 1, 20, weights, 101, 9999,
						   &median, 1, &work, &cell, &passed) == DP_OK &&
			passed && cell == 50)
			right++;
	}
	tap_ok(right == n, "the median of 9,999 is right %ld times of %ld (e^-49 otherwise)",
		   right, n);
}

/* The first selection of a recursion follows the law of its share. */
static void
test_recursion_law(void)
{
	enum
	{
		M = 24
	};
	int64_t		weights[M];
	double		sizes[M];
	double		law[M + 1];
	double		total = 0.0;
	long		seen[M] = {0};
	dp_rank_target targets[7];
	long		n = tap_draws(50000);
	double		epsilon = 0.02;
	double		share = (double) dp_rank_share(llround(epsilon * 1e9), 7, false) * 1e-9;

	for (int v = 0; v < M; v++)
	{
		sizes[v] = 400.0 + 30.0 * (v % 5);
		weights[v] = (int64_t) sizes[v] * DP_CELL_SCALE;
	}
	for (int i = 0; i < 7; i++)
	{
		targets[i].p = UNIT / 10 * (i + 1);
		targets[i].shift = 0;
	}
	rank_law(sizes, M, 0.4, 0.0, share, -1.0, 0.0, law);
	for (int v = 0; v < M; v++)
		total += law[v];
	for (long i = 0; i < n; i++)
	{
		int			cells[7];
		bool		passed;

		/* T_0 is thousands below the individuals there are: none has e^-20. */
		if (dp_rank_choose(&rng, llround(epsilon * 1e9), ATTO / 2, 1, 20, weights, M,
						   11000, targets, 7, &work, cells, &passed) == DP_OK && passed)
			seen[cells[3]]++;
	}
	tap_fits(seen, law, M, n, "the middle one of 7 targets (law sums to %.3f)", total);
}

/*
 * The whole recursion against a second one, in floating point and written from
 * the description: FEW cells, 5 targets, of which two lie on either side of the
 * middle one; one "none", and the counts.
 */
#define FEW 4

typedef struct second_rank
{
	double		weights[FEW];
	double		unit;			/* epsilon of counts, and half of that of a selection */
	int			cells[5];
} second_rank;

static double
uniform(void)
{
	uint64_t	bits;

	if (dp_random_u64(&rng, &bits) != DP_OK)
		return 0.5;
	return ((double) (bits >> 11) + 0.5) * 0x1p-53;
}

/* A cell of lower .. upper by the law; -1 for "none", if individuals >= 0. */
static int
second_choice(const second_rank *data, int lower, int upper, double p,
			  double individuals, double threshold)
{
	double		law[FEW + 1];
	double		u = uniform();
	int			n = upper - lower + 1;

	rank_law(data->weights + lower, n, p, 0.0, 2.0 * data->unit, individuals, threshold, law);
	for (int v = 0; v < n; v++)
		if ((u -= law[v]) < 0.0)
			return lower + v;
	return individuals >= 0.0 ? -1 : upper;
}

static double
second_count(const second_rank *data, int lower, int upper)
{
	double		u = uniform();
	double		sum = (u < 0.5 ? log(2.0 * u) : -log(2.0 * (1.0 - u))) / data->unit;

	for (int v = lower; v <= upper; v++)
		sum += data->weights[v];
	return sum;
}

/*
 * The two targets from `first` on, in lower .. upper, whose weight was counted: those
 * whose ranks, as distances from the end that does not move, are not within it have the
 * cell of the middle one.  One that is left alone has all of the budget.
 */
static void
second_side(second_rank *data, int first, int lower, int upper, const double *distances,
			bool from_below, double weight)
{
	bool		inside[2];
	double		unit = data->unit;

	for (int i = 0; i < 2; i++)
	{
		inside[i] = upper >= lower && distances[i] < weight;
		data->cells[first + i] = data->cells[2];
	}
	if (inside[0] != inside[1])
		data->unit *= 2.0;
	for (int i = 0; i < 2; i++)
		if (inside[i])
			data->cells[first + i] =
				second_choice(data, lower, upper,
							  (from_below ? distances[i] : weight - distances[i]) / weight, -1.0, 0.0);
	data->unit = unit;
	if (inside[0] && inside[1] && data->cells[first] > data->cells[first + 1])
	{
		int			cell = data->cells[first];

		data->cells[first] = data->cells[first + 1];
		data->cells[first + 1] = cell;
	}
}

/* FEW^5 if it does not pass, else the cells as digits. */
static int
second_outcome(second_rank *data, const int *p, double individuals, double threshold,
			   double least)
{
	double		ranks[5];
	double		left;
	double		inside;
	double		right;
	double		total;
	int			mid;
	int			code = 0;

	mid = data->cells[2] = second_choice(data, 0, FEW - 1, (double) p[2] / UNIT,
										 individuals, threshold);
	if (mid < 0)
		return FEW * FEW * FEW * FEW * FEW;
	left = second_count(data, 0, mid - 1);
	inside = second_count(data, mid, mid);
	right = second_count(data, mid + 1, FEW - 1);
	if (left + inside + right < least)
		return FEW * FEW * FEW * FEW * FEW;
	left = fmax(left, 0.0);
	right = fmax(right, 0.0);
	total = left + fmax(inside, 0.0) + right;
	for (int i = 0; i < 5; i++)
		ranks[i] = i < 2 ? total * p[i] / UNIT : total - total * p[i] / UNIT;
	second_side(data, 0, 0, mid - 1, ranks, true, left);
	second_side(data, 3, mid + 1, FEW - 1, ranks + 3, false, right);
	for (int i = 0; i < 5; i++)
		code = code * FEW + data->cells[i];
	return code;
}

/* Two samples of n each, by outcome: the p-value that they are of one law. */
static double
two_samples_p(const long *a, const long *b, int outcomes)
{
	double		statistic = 0.0;
	double		pooled[2] = {0.0, 0.0};
	int			used = 0;

	for (int i = 0; i < outcomes; i++)
	{
		double		sum = (double) (a[i] + b[i]);
		double		difference = (double) (a[i] - b[i]);

		if (sum < 20.0)
		{
			pooled[0] += sum;
			pooled[1] += difference;
			continue;
		}
		statistic += difference * difference / sum;
		used++;
	}
	if (pooled[0] >= 20.0)
	{
		statistic += pooled[1] * pooled[1] / pooled[0];
		used++;
	}
	return used < 2 ? 0.0 : upper_gamma(0.5 * (used - 1), 0.5 * statistic);
}

/*
 * The recursion by its outcomes: those of the second one, and, for neighbours,
 * none of them more than e^epsilon times as frequent as with the other, beyond
 * 7 standard deviations (normal approximation where 100 or more are seen: 10^-11
 * each, 10^-8 for all).
 */
static void
test_recursion(double epsilon, long draws)
{
	enum
	{
		OUTCOMES = FEW * FEW * FEW * FEW * FEW + 1,
		DATA = 4
	};
	static const int quarters[DATA][FEW] = {
		{8, 12, 4, 16}, {8, 16, 4, 16}, {9, 13, 5, 17}, {8, 12, 4, 20}
	};
	static const int p[5] = {100000, 300000, 500000, 650000, 900000};
	static long seen[DATA][OUTCOMES];
	static long second_seen[OUTCOMES];
	long		n = tap_draws(draws);
	int64_t		epsilon_nano = llround(epsilon * 1e9);
	double		unit = (double) (epsilon_nano / 7) * 1e-9;
	double		least = 0.0;
	double		threshold = gate_thresholds(epsilon_nano, ATTO / 2, 1, 3, FEW, 5, false, &least);
	dp_rank_target targets[5];
	bool		within = true;
	double		fit;

	memset(seen, 0, sizeof(seen));
	memset(second_seen, 0, sizeof(second_seen));
	for (int i = 0; i < 5; i++)
	{
		targets[i].p = p[i];
		targets[i].shift = 0;
	}
	for (int d = 0; d < DATA; d++)
	{
		int64_t		weights[FEW];
		int64_t		individuals = d == 0 ? 10 : 11;

		for (int v = 0; v < FEW; v++)
			weights[v] = quarters[d][v] * (DP_CELL_SCALE / 4);
		for (long i = 0; i < n; i++)
		{
			int			cells[5];
			int			code = 0;
			bool		passed;

			if (dp_rank_choose(&rng, epsilon_nano, ATTO / 2, 1, 3, weights, FEW,
							   individuals, targets, 5, &work, cells, &passed) != DP_OK)
				continue;
			for (int k = 0; k < 5; k++)
				code = code * FEW + cells[k];
			seen[d][passed ? code : OUTCOMES - 1]++;
		}
	}
	for (long i = 0; i < n; i++)
	{
		second_rank data = {{2.0, 3.0, 1.0, 4.0}, unit, {0}};

		second_seen[second_outcome(&data, p, 10.0, threshold, least)]++;
	}
	fit = two_samples_p(seen[0], second_seen, OUTCOMES);
	tap_ok(fit >= ALPHA, "recursion at epsilon %g: as the second one (p = %.3g), %.3f held back",
		   epsilon, fit, (double) second_seen[OUTCOMES - 1] / (double) n);

	for (int d = 1; d < DATA; d++)
		for (int i = 0; i < OUTCOMES; i++)
		{
			double		a = (double) seen[0][i];
			double		b = (double) seen[d][i];
			double		factor = exp(epsilon);

			if (a >= 100.0)
				within = within && a <= factor * b + 7.0 * sqrt(a + factor * factor * b);
			if (b >= 100.0)
				within = within && b <= factor * a + 7.0 * sqrt(b + factor * factor * a);
		}
	tap_ok(within, "and neighbours differ by at most e^epsilon in every outcome seen");
}

static void
test_shares(void)
{
	tap_ok(dp_rank_share(NANO, 1, false) == NANO &&
		   dp_rank_share(NANO, 2, false) == NANO / 2 &&
		   dp_rank_share(NANO, 4, true) == NANO / 4 &&
		   dp_rank_share(NANO, 9, true) == NANO / 9,
		   "independent targets share epsilon evenly");
	tap_ok(dp_rank_share(NANO, 3, false) == NANO / 5 * 2 &&
		   dp_rank_share(NANO, 4, false) == NANO / 7 * 2 &&
		   dp_rank_share(NANO, 5, false) == NANO / 7 * 2 &&
		   dp_rank_share(NANO, 7, false) == NANO / 8 * 2 &&
		   dp_rank_share(NANO, 8, false) == NANO / 10 * 2 &&
		   dp_rank_share(NANO, 127, false) == NANO / 20 * 2 &&
		   dp_rank_share(NANO, 128, false) == NANO / 22 * 2,
		   "more of them share it by levels");
}

/* Min and max: how often the cells outside the data win, and the bound. */
static void
test_extremes(void)
{
	static int64_t weights[MOST_CELLS];
	int64_t		shift = dp_rank_extreme_shift(NANO, 2, MOST_CELLS);
	dp_rank_target targets[2] = {{UNIT, -shift}, {0, shift}};
	long		n = tap_draws(2000);
	long		outside = 0;
	long		errors = 0;
	double		bound = (double) dp_rank_error(NANO, 2, MOST_CELLS, 0, 1e-3) /
		(double) DP_CELL_SCALE;

	tap_ok(fabs((double) shift / (double) DP_CELL_SCALE -
				4.0 * (log(MOST_CELLS) + 6.0)) < 1e-3, "the shift of an extreme");
	tap_ok(dp_rank_extreme_shift(1, DP_MAX_GROUPS, DP_RANK_MAX_CELLS) == DP_RANK_MAX_SHIFT &&
		   dp_rank_extreme_shift(DP_MAX_EPSILON_NANO, 1, 1) > 0 &&
		   dp_rank_extreme_shift(0, 1, 1) == -1 && dp_rank_extreme_shift(NANO, 0, 1) == -1 &&
		   dp_rank_extreme_shift(NANO, 1, 0) == -1, "its range");
	tap_ok(fabs((double) dp_rank_error(NANO, 3, 1000, 250000, 0.05) /
				(double) DP_CELL_SCALE - 4.5 * log(10000.0)) < 1e-3 &&
		   dp_rank_error(NANO, 1, 1, UNIT / 2, 0.6) == 0 &&
		   dp_rank_error(NANO, 1, 1000, UNIT / 2, 0.0) == -1 &&
		   dp_rank_error(NANO, 1, 1000, UNIT / 2, 1.0) == -1 &&
		   dp_rank_error(NANO, 1, 1000, UNIT / 2, NAN) == -1 &&
		   dp_rank_error(NANO, 1, 1000, UNIT + 1, 0.5) == -1 &&
		   dp_rank_error(NANO, 1, 1000, -1, 0.5) == -1, "the error in closed form");

	/* Data in the middle third, 100 per cell. */
	for (int v = 0; v < MOST_CELLS; v++)
		weights[v] = v >= 1400 && v < 2800 ? 100 * DP_CELL_SCALE : 0;
	for (long i = 0; i < n; i++)
	{
		int			cells[2];
		bool		passed;

		if (dp_rank_choose(&rng, 2 * NANO, ATTO / 1000000, 2, 20, weights, MOST_CELLS,
						   140000, targets, 2, &work, cells, &passed) != DP_OK || !passed)
			errors++;
		else
		{
			if (cells[0] > 2799)
				outside++;
			if (cells[1] < 1400)
				outside++;
			if (cells[0] < 2790 || cells[1] > 1410)
				errors++;
		}
	}

	/*
	 * Expected at most e^-6/2 of them each, by halves: a head beside that of the best wins at
	 * most half the time.  5.6 standard deviations, and none that errs by 1,000 individuals
	 * within (e^-250).
	 */
	tap_ok(errors == 0 && (double) outside / (2.0 * (double) n) <
		   0.5 * exp(-6.0) + 5.6 * sqrt(0.00125 * 0.99875 / (2.0 * (double) n)),
		   "min and max lie outside the data %.4f of the time (bound of error %.1f)",
		   (double) outside / (2.0 * (double) n), bound);
}

/* The bound of error holds, and is not more than some orders off. */
static void
test_error_bound(void)
{
	enum
	{
		M = 200
	};
	double		weights[M];
	double		law[M];
	double		beyond = 0.0;
	double		below = 0.0;
	double		bound = (double) dp_rank_error(NANO, 1, M, 300000, 0.01) /
		(double) DP_CELL_SCALE;

	for (int v = 0; v < M; v++)
		weights[v] = v % 60 == 59 ? 100.0 : 0.0;
	rank_law(weights, M, 0.3, 0.0, 1.0, -1.0, 0.0, law);
	for (int v = 0; v < M; v++)
	{
		double		rank = 0.3 * 300.0;

		if (below - rank > bound || rank - below - weights[v] > bound)
			beyond += law[v];
		below += weights[v];
	}
	tap_ok(beyond > 0.0 && beyond <= 0.01,
		   "the rank errs by more than %.2f with probability %.2g, at most 0.01",
		   bound, beyond);
}

/* Runs with one argument changed. */
static dp_status
try(int64_t epsilon, int64_t delta, int64_t groups, int64_t minimum, int m,
	int64_t individuals, int32_t p, int64_t shift, int ntargets)
{
	static int64_t weights[DP_RANK_MAX_CELLS + 1];
	dp_rank_target targets[DP_RANK_MAX_TARGETS + 1];
	int			cells[DP_RANK_MAX_TARGETS + 1];
	bool		passed = true;
	dp_status	status;

	for (int i = 0; i <= DP_RANK_MAX_TARGETS; i++)
	{
		targets[i].p = p;
		targets[i].shift = shift;
	}
	weights[0] = weights[1] = 15 * DP_CELL_SCALE;
	cells[0] = 7;
	status = dp_rank_choose(&rng, epsilon, delta, groups, minimum, weights, m,
							individuals, targets, ntargets, &work, cells, &passed);
	if (status != DP_OK && (passed || (ntargets > 0 && cells[0] != -1)))
		return DP_OK;
	return status;
}

static void
test_arguments(void)
{
	const int64_t most = DP_RANK_MAX_INDIVIDUALS;
	int64_t		weights[2] = {DP_CELL_SCALE, -1};
	dp_rank_target target = {0, 0};
	int			cell;
	bool		passed;
	bool		refused;

	refused = try(0, 1, 1, 20, 2, 30, 0, 0, 1) == DP_ERR_RANGE &&
		try(DP_MAX_EPSILON_NANO + 1, 1, 1, 20, 2, 30, 0, 0, 1) == DP_ERR_RANGE &&
		try(NANO, -1, 1, 20, 2, 30, 0, 0, 1) == DP_ERR_RANGE &&
		try(NANO, ATTO, 1, 20, 2, 30, 0, 0, 1) == DP_ERR_RANGE &&
		try(NANO, 1, 0, 20, 2, 30, 0, 0, 1) == DP_ERR_RANGE &&
		try(NANO, 1, DP_MAX_GROUPS + 1, 20, 2, 30, 0, 0, 1) == DP_ERR_RANGE &&
		try(NANO, 1, 1, 0, 2, 30, 0, 0, 1) == DP_ERR_RANGE &&
		try(NANO, 1, 1, most + 1, 2, 30, 0, 0, 1) == DP_ERR_RANGE &&
		try(NANO, 1, 1, 20, 0, 30, 0, 0, 1) == DP_ERR_RANGE &&
		try(NANO, 1, 1, 20, DP_RANK_MAX_CELLS + 1, 30, 0, 0, 1) == DP_ERR_RANGE &&
		try(NANO, 1, 1, 20, 2, -1, 0, 0, 1) == DP_ERR_RANGE &&
		try(NANO, 1, 1, 20, 2, most + 1, 0, 0, 1) == DP_ERR_RANGE &&
		try(NANO, 1, 1, 20, 2, 30, -1, 0, 1) == DP_ERR_RANGE &&
		try(NANO, 1, 1, 20, 2, 30, UNIT + 1, 0, 1) == DP_ERR_RANGE &&
		try(NANO, 1, 1, 20, 2, 30, 0, DP_RANK_MAX_SHIFT + 1, 1) == DP_ERR_RANGE &&
		try(NANO, 1, 1, 20, 2, 30, 0, INT64_MIN, 1) == DP_ERR_RANGE &&
		try(NANO, 1, 1, 20, 2, 30, 0, 0, 0) == DP_ERR_RANGE &&
		try(NANO, 1, 1, 20, 2, 30, 0, 0, DP_RANK_MAX_TARGETS + 1) == DP_ERR_RANGE;
	tap_ok(refused, "parameters out of range are refused");
	tap_ok(try(6, 1, 1, 20, 2, 30, 0, 0, 4) == DP_ERR_RANGE &&
		   try(3, 1, 1, 20, 2, 30, 0, 1, 4) == DP_ERR_RANGE &&
		   try(4, 1, 1, 20, 2, 30, 0, 1, 4) == DP_OK &&
		   try(7, 1, 1, 20, 2, 30, 0, 0, 5) == DP_OK, "an epsilon too small to share is refused");
	tap_ok(try(NANO, 1, 1, 20, 2, 29, 0, 0, 1) == DP_ERR_RANGE &&
		   dp_rank_choose(&rng, NANO, 1, 1, 1, weights, 2, 2, &target, 1, &work,
						  &cell, &passed) == DP_ERR_RANGE,
		   "weights of more individuals than there are, and negative ones, are refused");

	refused = false;
	for (int e = 0; e < 2; e++)
		for (int g = 0; g < 2; g++)
			for (int s = 0; s < 3; s++)
				for (int i = 0; i < 2; i++)
					for (int p = 0; p < 2; p++)
						refused = refused ||
							try(e ? DP_MAX_EPSILON_NANO : 31, g ? 1 : ATTO - 1,
								g ? DP_MAX_GROUPS : 1, i ? most : 1, 2,
								i ? most : 30, p ? UNIT : 0,
								(s - 1) * DP_RANK_MAX_SHIFT,
								s == 1 ? DP_RANK_MAX_TARGETS : 31) != DP_OK;
	tap_ok(!refused, "the ends of every range are accepted");
}

static void
test_bad_sources(void)
{
	int64_t		weights[50];
	dp_rank_target targets[9];
	int			cells[9];
	constant_source source;
	bool		failed = true;
	bool		bounded = true;
	bool		passed;

	for (int v = 0; v < 50; v++)
		weights[v] = 10 * DP_CELL_SCALE;
	for (int i = 0; i < 9; i++)
	{
		targets[i].p = UNIT / 10 * (i + 1);
		targets[i].shift = 0;
	}
	for (int ntargets = 1; ntargets <= 9; ntargets += 8)
		for (int fills = 0; fills < 6; fills++)
		{
			dp_status	status = DP_OK;

			source.value = 0x35;
			source.fills = fills;
			dp_random_init(&rng, constant_bytes, &source);
			for (int i = 0; i < 10000 && status == DP_OK; i++)
				status = dp_rank_choose(&rng, NANO, ATTO / 100, 1, 20, weights, 50, 500,
										targets, ntargets, &work, cells, &passed);
			failed = failed && status == DP_ERR_RANDOM && !passed;
			for (int i = 0; i < ntargets; i++)
				failed = failed && cells[i] == -1;
		}
	tap_ok(failed, "a failing source is an error, and no cell is left");

	for (int byte = 0; byte < 256; byte++)
	{
		dp_status	status;

		source.value = (unsigned char) byte;
		source.fills = -1;
		dp_random_init(&rng, constant_bytes, &source);
		status = dp_rank_choose(&rng, NANO, ATTO / 100, 1, 20, weights, 50, 500, targets,
								9, &work, cells, &passed);
		bounded = bounded && (status == DP_OK || (status == DP_ERR_RANDOM && !passed));
	}
	tap_ok(bounded, "a constant source ends in cells or an error");
	dp_random_init(&rng, dp_openssl_bytes, NULL);
}

int
main(void)
{
	tap_plan(13 + 9 + 2 + 1 + 9 + 3 + 24 + 1 + 1 + 4 + 2 + 4 + 1 + 4 + 2);
	dp_random_init(&rng, dp_openssl_bytes, NULL);

	test_laws();
	test_privacy(4, false, 0.5, 0.0, 1.0);
	test_privacy(4, true, 0.5, 0.0, 1.0);
	test_privacy(4, false, 0.25, 0.0, 1.0);
	test_privacy(4, true, 0.9, 0.0, 2.0);
	test_privacy(4, false, 0.0, 2.0, 1.0);
	test_privacy(4, true, 1.0, -2.0, 1.0);
	test_privacy(2, false, 0.5, 0.0, 1.0);
	test_privacy(1, false, 0.5, 0.0, 4.0);
	test_privacy(2, false, 0.8, 0.5, 2.0);
	test_range_is_reached(0.5);
	test_range_is_reached(0.8);
	test_gate_law();
	test_gate(1, 1.0);
	test_gate(3, 1.0);
	test_gate(6, 1.0);
	test_ungated();
	test_accuracies();
	test_median();
	test_recursion_law();
	test_recursion(1.0, 60000);
	test_recursion(8.0, 60000);
	test_shares();
	test_extremes();
	test_error_bound();
	test_arguments();
	test_bad_sources();
	return tap_done();
}
