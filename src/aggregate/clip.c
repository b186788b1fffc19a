/*
 * clip.c
 *		What an individual adds to its groups where contributions are bounded over all of
 *		them together.
 *
 * The noise of such a release is made for individuals whose groups' largest coordinates sum up to
 * one; Gaussian noise, for those whose squared coordinates sum up to the number of coordinates.  So an individual that
 * would add more is scaled down as a whole: all its rows count, each
 * weighs less.  The factor is a function of that individual's rows only.  All numbers are
 * integers, and every division is rounded towards zero, so that the bound holds exactly.
 *
 * A coordinate that tells whether the individual is clipped is its weight in the group, or less than
 * zero by as much, and so never the larger.
 */
#include "postgres.h"

#include <math.h>

#include "aggregate/clip.h"
#include "aggregate/contribution.h"
#include "aggregate/sum.h"
#include "mechanism/noise.h"
#include "mechanism/status.h"
#include "spec/spec.h"

/* No coordinate of a group is larger before it is bounded; far beyond all that count. */
#define LARGEST ((int64) 1 << 60)

/* numerator / divisor, towards zero, within LARGEST; divisor > 0. */
static inline int64
divide(dp_int128 numerator, dp_int128 divisor)
{
	if (numerator == (int64) numerator && divisor == (int64) divisor)
		numerator = (int64) numerator / (int64) divisor;	/* far cheaper than 128 bits */
	else
		numerator /= divisor;
	return (int64) Max(Min(numerator, LARGEST), -LARGEST);
}

/* By what the sums of a group are multiplied. */
typedef struct Factor
{
	dp_int128	to;
	dp_int128	from;
} Factor;

/* A sum of a group by its factor, over a divisor. */
static inline int64
scaled(dp_int128 sum, int64 divisor, const Factor *factor)
{
	if (likely(factor->to == factor->from))
		return divide(sum, divisor);
	return divide(sum * factor->to, divisor * factor->from);
}

/* A sum with bounds of its own; so it is not of max_rows rows. */
static int64
total(const Contributions *contributions, int i, const int64 *sums, const Factor *factor)
{
	return scaled(sums[contributions->spec.coordinates[i].feature], 1, factor);
}

/*
 * By what sums with bounds of their own are multiplied, so that none of their coordinates is larger than one.
 * *largest: the size of the largest of them before.
 */
static Factor
total_factor(const Contributions *contributions, const int64 *sums, int64 *largest)
{
	const Factor whole = {1, 1};
	Factor		result = whole;

	*largest = 0;
	for (int i = 1; i < contributions->spec.dimensions; i++)
	{
		/* released as twice the sum less the weight, or as the sum */
		int64		most = contributions->spec.coordinates[i].imputation == SPEC_IMPUTE_LOWER ?
			(DP_SCALE + contributions->gate_weight) / 2 : DP_SCALE;
		int64		size;

		if (!contributions->totals[i])
			continue;
		size = total(contributions, i, sums, &whole);
		size = Max(size, -size);
		*largest = Max(*largest, size);
		if (size * result.to > most * result.from)
			result = (Factor) {most, size};
	}
	return result;
}

/*
 * The feature's sum over the rows of its set, and what is imputed for the rest of the weight.  But for
 * rounding it is never larger than the weight; were it, even an individual within all limits
 * would cost more than one, and count as clipped.
 */
static int64
coordinate(const Contributions *contributions, int i, const int64 *sums, const Factor *factor,
		   int64 weight)
{
	const SpecFeature *feature = &contributions->spec.features[contributions->spec.coordinates[i].feature];
	int64		imputed = contributions->imputed[i];
	dp_int128	sum = feature_to_lattice(feature->kind, sums[contributions->spec.coordinates[i].feature]);

	sum = scaled(sum - (dp_int128) imputed * sums[feature->ones], contributions->params.total, factor);
	if (imputed != 0)
		sum += divide((dp_int128) imputed * weight, DP_SCALE);
	return (int64) Max(Min(sum, weight), -weight);
}

/* How many of an individual's n rows in a group count. */
static inline int64
counted_rows(const Contributions *contributions, int64 n)
{
#if defined(DP_FAULT_CAPS_OFF) || defined(DP_FAULT_CLIP_OFF)
	return n;
#endif
	return Min(n, contributions->params.rows);
}

/*
 * What the coordinates u cost, in 1/DP_SCALE of what an individual may in all: the size of the largest of
 * them, or, for Gaussian noise, the mean of their squares over the square of norm/T, rounded up.  Each is at most
 * DP_SCALE in size and norm/T is not below 1/DP_MAX_SHORTENING, so that it is 2^40 at most, and that of a million
 * groups 2^60; T is below 2^27.
 */
static int64
cost_of(const Contributions *contributions, const int64 *u)
{
	int			d = contributions->spec.dimensions;
	int64		largest = 0;

	if (contributions->params.gaussian)
	{
		dp_int128	norm = contributions->params.norm;
		dp_int128	total = contributions->params.total;
		dp_int128	most = (dp_int128) DP_SCALE * d * norm * norm;
		dp_int128	squares = 0;

		for (int i = 0; i < d; i++)
			squares += u[i] * u[i];
		return (int64) ((squares * total * total + most - 1) / most);
	}
	for (int i = 0; i < d; i++)
		largest = Max(largest, Max(u[i], -u[i]));
	return largest;
}

/*
 * What an individual would add to a group, by the sums of all features over its rows there, if
 * it were in no other: the coordinates u, in lattice units, and its cost.
 * u[0] is at most contributions->gate_weight.
 */
int64
clip_group(const Contributions *contributions, const int64 *sums, int64 *u)
{
	const ReleaseSpec *spec = &contributions->spec;
	int64		n = sums[spec->rows];
	Factor		rows = {counted_rows(contributions, n), n};
	Factor		totals = {1, 1};
	bool		clipped;

	u[0] = scaled((dp_int128) n * DP_SCALE, contributions->params.total, &rows);
	if (spec->weighed)
	{
		int64		largest;

		totals = total_factor(contributions, sums, &largest);
		u[0] = Max(u[0], largest);
	}
	clipped = rows.to < rows.from || totals.to < totals.from ||
		(!spec->weighed && u[0] > contributions->gate_weight);
	u[0] = Min(u[0], contributions->gate_weight);
	for (int i = 1; i < spec->dimensions; i++)
	{
		if (spec->coordinates[i].clipped)
			u[i] = clipped ? u[0] : -u[0];
		else if (!contributions->totals[i])
			u[i] = coordinate(contributions, i, sums, &rows, u[0]);
		else
		{
			u[i] = total(contributions, i, sums, &totals);
			if (spec->coordinates[i].imputation == SPEC_IMPUTE_LOWER)
				u[i] = 2 * Max(u[i], 0) - u[0];
		}
	}
	return cost_of(contributions, u);
}

/* The least whole number whose square is at least x. */
static int64
root_above(dp_uint128 x)
{
	dp_uint128	root = (dp_uint128) sqrt((double) x);

	while (root * root < x)
		root++;
	while (root > 0 && (root - 1) * (root - 1) >= x)
		root--;
	return (int64) root;
}

/*
 * By what an individual is divided, in 1/DP_SCALE, whose groups cost so much in all; not if that is one at
 * most.  Squares that sum up to `cost` are those of numbers that are to be divided by the root of it.
 */
static inline int64
scaling_cost(const Contributions *contributions, int64 cost)
{
#if defined(DP_FAULT_CAPS_OFF) || defined(DP_FAULT_CLIP_OFF)
	return 0;
#endif
#ifdef DP_FAULT_CLIP_BY_OTHERS
	{
		static int64 others = 0;	/* the largest cost of whoever came before */

		others = cost = Max(cost, others);
	}
#endif
	if (contributions->params.gaussian && cost > DP_SCALE)
		return root_above((dp_uint128) cost * DP_SCALE);
	return cost;
}

/* Scales what clip_group() gave for a group of an individual whose groups cost so much in all. */
static void
scale(const Contributions *contributions, int64 cost, int64 *u)
{
	cost = scaling_cost(contributions, cost);
	if (cost <= DP_SCALE)
		return;
	for (int i = 1; i < contributions->spec.dimensions; i++)
	{
		if (contributions->spec.coordinates[i].clipped)
			u[i] = u[0];		/* all its groups are */
	}
	for (int i = 0; i < contributions->spec.dimensions; i++)
		u[i] = divide((dp_int128) u[i] * DP_SCALE, cost);
}

/*
 * Adds an individual to the sums of a group (spec_sums()), by what clip_group() gave, which is scaled
 * in place, and the cost of all its groups.
 */
void
clip_add(const Contributions *contributions, int64 cost, int64 *u, CollectSum *sums)
{
	scale(contributions, cost, u);
	sum_add(&sums[0], 1);
	for (int i = 0; i < contributions->spec.dimensions; i++)
		sum_add(&sums[i + 1], u[i]);
}

/*
 * What all n rows of an individual in a group weigh together in the group's sketches, in lattice units, where
 * its groups cost so much in all.  It is at most what clip_group() and clip_add() make of coordinate 0 and, if no
 * sum has bounds of its own, the same: so over all groups it is one at most.
 */
int64
clip_weight(const Contributions *contributions, int64 n, int64 cost)
{
	int64		weight = divide((dp_int128) counted_rows(contributions, n) * DP_SCALE,
								contributions->params.total);

	weight = Min(weight, contributions->gate_weight);
	cost = scaling_cost(contributions, cost);
	return cost > DP_SCALE ? divide((dp_int128) weight * DP_SCALE, cost) : weight;
}
