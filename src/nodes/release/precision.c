/*
 * precision.c
 *		How sharp an output is, from the law of its noise.
 *
 * Of a group that was released, and of one that nobody has looked at: its vector is made up from a
 * number of individuals, and shows what such groups have in common.
 */
#include "postgres.h"

#include <math.h>

#include "core/settings.h"
#include "mechanism/average.h"
#include "mechanism/noise.h"
#include "nodes/release/precision.h"
#include "nodes/release/values.h"
#include "spec/spec.h"

/* Does the noise law give a standard error: for what is added up, not chosen? */
bool
has_standard_error(const SpecOutput *output)
{
	return output->end == SPEC_END_NONE && output->kind != SPEC_OUT_TIER &&
		!is_boolean_output(output) &&
		(output->part == DP_NONE || output->kind == SPEC_OUT_TOP ||
		 output->kind == SPEC_OUT_HISTOGRAM);	/* of each of its counts */
}

/*
 * The standard error of an output in a group with this noisy vector, drawn by that law; of counts that
 * a part releases, of each of them.  The output must have one.
 */
double
standard_error(const ReleaseSpec *spec, const ReleaseParams *params, const SpecOutput *output,
			   const dp_average_law *law, const dp_int128 *noisy)
{
	if (output->part == DP_NONE)
		return values_standard_error(spec, params, output, law, noisy);
	return dp_noise_stddev(params->epsilon_share, params->groups, 1) * (double) params->unit;
}

/* ----------
 * A group that nobody has looked at
 * ----------
 */

/* Most moments of one output. */
#define MOST_MOMENTS (SPEC_MOMENT_KINDS + 2 * DP_FORM_TERMS)

/* What the moments of one output are in a group, each moment once. */
typedef struct Moments
{
	int			n;
	int			moments[MOST_MOMENTS];
	double		values[MOST_MOMENTS];
} Moments;

/* Notes a moment. */
static void
add_moment(Moments *moments, int moment, double value)
{
	for (int i = 0; i < moments->n; i++)
	{
		if (moments->moments[i] == moment)
			return;
	}
	moments->moments[moments->n] = moment;
	moments->values[moments->n++] = value;
}

/*
 * The moments of an output in a group whose individuals have one row each, with values spread
 * evenly between their bounds, and pairs of values with a correlation of 1/2.  Of those who may be
 * clipped, half are.
 */
static void
typical_moments(const SpecOutput *output, int64 individuals, Moments *moments)
{
	static const double shares[SPEC_MOMENT_KINDS] = {
		[SPEC_MOMENT_N] = 1,[SPEC_MOMENT_XX] = 1.0 / 3,[SPEC_MOMENT_YY] = 1.0 / 3,
		[SPEC_MOMENT_XY] = 1.0 / 6
	};

	moments->n = 0;
	for (int kind = 0; kind < SPEC_MOMENT_KINDS; kind++)
	{
		double		share = output->kind == SPEC_OUT_CLIPPED && kind == SPEC_MOMENT_X ? 0.5 :
			shares[kind];

		if (output->moments[kind] != DP_NONE)
			add_moment(moments, output->moments[kind], share * (double) individuals);
	}
}

/* The same of the terms of a linear combination. */
static void
typical_terms(const ReleaseSpec *spec, const SpecOutput *output, int64 individuals,
			  Moments *moments)
{
	for (int t = output->first_term; t < output->first_term + output->nterms; t++)
	{
		add_moment(moments, spec->terms[t].n, (double) individuals);
		add_moment(moments, spec->terms[t].x, 0);
	}
}

/* How much coordinates add to a moment of the group, in individuals. */
static void
moment_weights(const ReleaseSpec *spec, const ReleaseParams *params, int i, double *weights)
{
	const SpecMoment *moment = &spec->moments[i];

	memset(weights, 0, sizeof(double) * DP_MAX_DIMENSIONS);
	for (int t = 0; t < moment->nterms; t++)
		weights[moment->terms[t].coordinate] += moment->terms[t].weight *
			(moment->individuals ? 1 : (double) params->unit);
}

/* The smallest pivot, beside the largest number of its row, that is not taken for 0. */
#define LEAST_PIVOT 1e-12

/*
 * Solves a symmetric system of n equations in place, by elimination; unknowns that equations
 * leave open become 0.
 */
static void
solve(int n, double (*a)[MOST_MOMENTS], double *b)
{
	bool		open[MOST_MOMENTS] = {false};

	for (int i = 0; i < n; i++)
	{
		double		largest = 0;

		for (int j = 0; j < n; j++)
			largest = Max(largest, fabs(a[i][j]));
		open[i] = a[i][i] <= LEAST_PIVOT * Max(largest, 1);
		for (int k = 0; !open[i] && k < n; k++)
		{
			double		factor = a[k][i] / a[i][i];

			if (k == i)
				continue;
			for (int j = 0; j < n; j++)
				a[k][j] -= factor * a[i][j];
			b[k] -= factor * b[i];
		}
	}
	for (int i = 0; i < n; i++)
		b[i] = open[i] ? 0 : b[i] / a[i][i];
}

/*
 * A vector (in individuals) with these moments: the shortest one, a combination of the moments'
 * weights.  What else it says does not matter, since the output reads nothing but its moments.
 */
static void
vector_of(const ReleaseSpec *spec, const ReleaseParams *params, const Moments *moments,
		  double *vector)
{
	double		(*weights)[DP_MAX_DIMENSIONS] = palloc(sizeof(*weights) * MOST_MOMENTS);
	double		products[MOST_MOMENTS][MOST_MOMENTS];
	double		factors[MOST_MOMENTS];

	for (int i = 0; i < moments->n; i++)
	{
		moment_weights(spec, params, moments->moments[i], weights[i]);
		factors[i] = moments->values[i];
		for (int j = 0; j <= i; j++)
		{
			double		product = 0;

			for (int c = 0; c < spec->dimensions; c++)
				product += weights[i][c] * weights[j][c];
			products[i][j] = products[j][i] = product;
		}
	}
	solve(moments->n, products, factors);
	for (int c = 0; c < spec->dimensions; c++)
	{
		vector[c] = 0;
		for (int i = 0; i < moments->n; i++)
			vector[c] += factors[i] * weights[i][c];
	}
	pfree(weights);
}

/*
 * The standard error that an output is expected to have in a group of so many individuals with one
 * row each (see typical_moments()); NAN where there is none.  Those of counts, and of sums, do not depend on the group.
 */
double
typical_error(const ReleaseSpec *spec, const ReleaseParams *params, const SpecOutput *output,
			  int64 individuals)
{
	dp_int128	noisy[DP_MAX_DIMENSIONS] = {0};
	double		vector[DP_MAX_DIMENSIONS];
	dp_average_law law = {0};
	Moments		moments;

	if (!has_standard_error(output))
		return NAN;
	if (output->part == DP_NONE)
	{
		typical_moments(output, individuals, &moments);
		typical_terms(spec, output, individuals, &moments);
		vector_of(spec, params, &moments, vector);
		for (int c = 0; c < spec->dimensions; c++)
			noisy[c] = (dp_int128) rint(vector[c] * (double) DP_SCALE);
		law.centred = params->look > 0 && noisy[0] >=
			dp_average_large(params->epsilon_share, params->groups, setting_min_individuals());
	}
	return standard_error(spec, params, output, &law, noisy);
}
