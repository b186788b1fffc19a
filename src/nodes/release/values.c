/*
 * values.c
 *		From noisy coordinates to numbers: post-processing only.
 *
 * Floating point appears here for the first time, after the noise.  All
 * outputs of the numeric vector are functions of its moments; the same
 * functions give their standard errors and, over simulated noise, intervals.
 */
#include "postgres.h"

#include <math.h>

#include "common/pg_prng.h"

#include "core/settings.h"
#include "mechanism/gaussian_noise.h"
#include "mechanism/noise.h"
#include "mechanism/status.h"
#include "mechanism/whole_noise.h"
#include "nodes/release/values.h"
#include "spec/digits.h"
#include "spec/spec.h"

/* Number of noise vectors that intervals are computed from. */
#define SIMULATIONS 10000

/* Standard errors from which a number of individuals is not taken for noise. */
#define NOTICED 3.0

/* The moments of one output and what its values are scaled by. */
typedef struct Moments
{
	double		n;
	double		x,
				y,
				xx,
				yy,
				xy;				/* means, of centred values in units of half */
	double		mid_x,
				half_x,
				mid_y,
				half_y;
} Moments;

static double
moment(const ReleaseSpec *spec, const ReleaseParams *params, int i, const double *vector)
{
	const SpecMoment *moment = &spec->moments[i];
	double		sum = 0;

	for (int t = 0; t < moment->nterms; t++)
		sum += moment->terms[t].weight * vector[moment->terms[t].coordinate];
	return moment->individuals ? sum : sum * (double) params->unit;
}

/* A mean of values in [lower, upper], or 0 where the output does not need it. */
static double
mean(const ReleaseSpec *spec, const ReleaseParams *params, const SpecOutput *output,
	 SpecMomentKind kind, const double *vector, double n, double lower)
{
	int			i = output->moments[kind];

	if (i == DP_NONE)
		return 0;
	return Max(lower, Min(1.0, moment(spec, params, i, vector) / n));
}

static void
read_moments(const ReleaseSpec *spec, const ReleaseParams *params, const SpecOutput *output,
			 const double *vector, Moments *m)
{
	const double *x = &params->values[output->bound_x];
	const double *y = &params->values[output->bound_y];

	m->mid_x = x[0] / 2 + x[1] / 2;
	m->half_x = x[1] / 2 - x[0] / 2;
	m->mid_y = y[0] / 2 + y[1] / 2;
	m->half_y = y[1] / 2 - y[0] / 2;
	m->n = Max(moment(spec, params, output->moments[SPEC_MOMENT_N], vector), 1.0);
	m->x = mean(spec, params, output, SPEC_MOMENT_X, vector, m->n, -1);
	m->y = mean(spec, params, output, SPEC_MOMENT_Y, vector, m->n, -1);
	m->xx = mean(spec, params, output, SPEC_MOMENT_XX, vector, m->n, 0);
	m->yy = mean(spec, params, output, SPEC_MOMENT_YY, vector, m->n, 0);
	m->xy = mean(spec, params, output, SPEC_MOMENT_XY, vector, m->n, -1);
}

/* A variance of values in [-1, 1]. */
static double
variance(double square, double mean)
{
	return Max(0.0, Min(1.0, square - mean * mean));
}

/* Covariance in units of half_x * half_y; it cannot exceed the deviations. */
static double
covariance(const Moments *m)
{
	return Max(-1.0, Min(1.0, m->xy - m->x * m->y));
}

/* What a division by n becomes when the sample, not the population, is meant. */
static double
sample(const Moments *m)
{
	return m->n / Max(m->n - 1, 1.0);
}

/* Slope of y over x, NAN where x has no variance. */
static double
slope(const Moments *m)
{
	double		vx = variance(m->xx, m->x);

	return vx > 0 && m->half_x > 0 ? covariance(m) / vx * m->half_y / m->half_x : NAN;
}

/* Correlation, NAN where a variance is missing. */
static double
correlation(const Moments *m)
{
	double		vx = variance(m->xx, m->x);
	double		vy = variance(m->yy, m->y);

	return vx > 0 && vy > 0 ? Max(-1.0, Min(1.0, covariance(m) / sqrt(vx * vy))) : NAN;
}

static double
mean_x(const Moments *m)
{
	return m->mid_x + m->half_x * m->x;
}

static double
mean_y(const Moments *m)
{
	return m->mid_y + m->half_y * m->y;
}

/* The share of n individuals that have more rows than count; 0 without a moment for it. */
static double
clipped_share(const ReleaseSpec *spec, const ReleaseParams *params, const SpecOutput *output,
			  const double *vector, double n)
{
	int			i = output->moments[SPEC_MOMENT_X];

	return i == DP_NONE ? 0 :
		Max(0.0, Min(1.0, moment(spec, params, i, vector) / Max(n, 1.0)));
}

/* The width of the bounds at a position of the parameters. */
static double
width(const ReleaseParams *params, int bound)
{
	return params->values[bound + 1] - params->values[bound];
}

/*
 * The sum of a linear combination, but for its shift.  As it is shown, it is made of sums as these
 * are shown, so that outputs of one release go together.
 */
static double
sum_of_terms(const ReleaseSpec *spec, const ReleaseParams *params, const SpecOutput *output,
			 const double *vector, bool shown)
{
	double		result = 0;

	for (int t = output->first_term; t < output->first_term + output->nterms; t++)
	{
		const SpecTerm *term = &spec->terms[t];
		const double *x = &params->values[term->bound];
		double		sum = (x[0] / 2 + x[1] / 2) * moment(spec, params, term->n, vector) +
			(x[1] / 2 - x[0] / 2) * moment(spec, params, term->x, vector);

		if (shown)
			sum = digits_round(sum, digits_count(&term->digits, width(params, term->bound)),
							   SPEC_END_NONE);
		result += term->weight * sum;
	}
	return result;
}

/* A sum or average of a linear combination, with n rows. */
static double
combination(const ReleaseSpec *spec, const ReleaseParams *params, const SpecOutput *output,
			const double *vector, double n)
{
	double		sum = sum_of_terms(spec, params, output, vector, false);

	if (output->kind == SPEC_OUT_SUM)
		return sum + output->shift * n;
	return Max(params->values[output->bound_x],
			   Min(params->values[output->bound_x + 1], sum / Max(n, 1.0) + output->shift));
}

/* The standard error of noise in each coordinate, in individuals. */
static double
coordinate_error(const ReleaseSpec *spec, const ReleaseParams *params)
{
	if (params->gaussian)
		return params->law.deviation;
	return params->whole_noise ?
		dp_whole_stddev(params->epsilon_share, params->groups, spec->dimensions) :
		dp_noise_stddev(params->vector_epsilon, params->groups, spec->dimensions);
}

/*
 * Does a number of individuals stand out of its noise, by NOTICED standard errors and half an individual,
 * since the noise may be whole numbers?  Noise of different coordinates is uncorrelated.
 */
static bool
stands_out(const ReleaseSpec *spec, const ReleaseParams *params, const SpecOutput *output,
		   const double *vector)
{
	const SpecMoment *number = &spec->moments[output->moments[SPEC_MOMENT_X]];
	double		squares = 0;

	for (int t = 0; t < number->nterms; t++)
		squares += number->terms[t].weight * number->terms[t].weight;
	return moment(spec, params, output->moments[SPEC_MOMENT_X], vector) >=
		NOTICED * sqrt(squares) * coordinate_error(spec, params) + 0.5;
}

/*
 * An output as a function of the vector (in individuals); NAN where it has no
 * value.  Not rounded.
 */
static double
evaluate(const ReleaseSpec *spec, const ReleaseParams *params, const SpecOutput *output,
		 const double *vector)
{
	Moments		m;
	double		n = moment(spec, params, output->moments[SPEC_MOMENT_N], vector);

	if (output->kind == SPEC_OUT_COUNT)
		return Max(n, 0.0);
	if (output->kind == SPEC_OUT_CLIPPED)
		return clipped_share(spec, params, output, vector, n);
	if (output->nterms > 0)
		return combination(spec, params, output, vector, n);
	if (is_boolean_output(output))
		return stands_out(spec, params, output, vector) == (output->kind == SPEC_OUT_ANY);
	read_moments(spec, params, output, vector, &m);
	switch (output->kind)
	{
		case SPEC_OUT_SUM:
			return m.mid_x * n +
				m.half_x * moment(spec, params, output->moments[SPEC_MOMENT_X], vector);
		case SPEC_OUT_AVG:
		case SPEC_OUT_AVGX:
			return mean_x(&m);
		case SPEC_OUT_AVGY:
			return mean_y(&m);
		case SPEC_OUT_VAR_POP:
			return variance(m.xx, m.x) * m.half_x * m.half_x;
		case SPEC_OUT_VAR_SAMP:
			return variance(m.xx, m.x) * m.half_x * m.half_x * sample(&m);
		case SPEC_OUT_STDDEV_POP:
			return sqrt(variance(m.xx, m.x)) * m.half_x;
		case SPEC_OUT_STDDEV_SAMP:
			return sqrt(variance(m.xx, m.x) * sample(&m)) * m.half_x;
		case SPEC_OUT_COVAR_POP:
			return covariance(&m) * m.half_x * m.half_y;
		case SPEC_OUT_COVAR_SAMP:
			return covariance(&m) * m.half_x * m.half_y * sample(&m);
		case SPEC_OUT_CORR:
			return correlation(&m);
		case SPEC_OUT_R2:
			return variance(m.yy, m.y) > 0 ? correlation(&m) * correlation(&m) :
				variance(m.xx, m.x) > 0 ? 1.0 : NAN;
		case SPEC_OUT_SLOPE:
			return slope(&m);
		case SPEC_OUT_INTERCEPT:
			return mean_y(&m) - slope(&m) * mean_x(&m);
		case SPEC_OUT_SXX:
			return variance(m.xx, m.x) * m.half_x * m.half_x * m.n;
		case SPEC_OUT_SYY:
			return variance(m.yy, m.y) * m.half_y * m.half_y * m.n;
		case SPEC_OUT_SXY:
			return covariance(&m) * m.half_x * m.half_y * m.n;
		default:
			elog(ERROR, "output %d is not one of the vector", (int) output->kind);
	}
	return NAN;
}

/*
 * Does the output cover enough values to be a statistic?  Judged by the
 * released number, so this is post-processing; counts and totals speak for
 * themselves.
 */
static bool
covers_enough(const ReleaseSpec *spec, const ReleaseParams *params, const SpecOutput *output,
			  const double *vector)
{
	return output->kind == SPEC_OUT_COUNT || output->kind == SPEC_OUT_SUM ||
		moment(spec, params, output->moments[SPEC_MOMENT_N], vector) >=
		setting_min_individuals();
}

/* ----------
 * Errors
 * ----------
 */

/* A number in [0, 1) from the generator of simulations. */
static double
simulated_uniform(void *prng)
{
	return pg_prng_double(prng);
}

/*
 * One noise vector of the law of mechanism/noise.c on a fine lattice: R * U with R a
 * Gamma(d + 1) variable of scale k / epsilon and U uniform in the cube.
 */
static void
simulate_vector(const ReleaseParams *params, int64 epsilon, int d, pg_prng_state *prng,
				double *noise)
{
	double		radius = 0;

	for (int i = 0; i <= d; i++)
		radius -= log(1.0 - pg_prng_double(prng));
	radius *= (double) params->groups / ((double) epsilon * 1e-9);
	for (int i = 0; i < d; i++)
		noise[i] = radius * (2 * pg_prng_double(prng) - 1);
}

/*
 * Draws noise vectors for intervals, SIMULATIONS of "dimensions" numbers each,
 * in individuals, by the law of the release; and two numbers for each where an average may be
 * drawn around its centre (centred_noise).  Nothing depends on secrets here, so the generator need not be a
 * cryptographic one; a fixed seed gives equal intervals for equal answers.
 */
double *
values_simulate(const ReleaseSpec *spec, const ReleaseParams *params)
{
	int			d = spec->dimensions;
	double	   *noise = MemoryContextAllocHuge(CurrentMemoryContext,
											   sizeof(double) * SIMULATIONS * (d + 2));
	pg_prng_state prng;

	pg_prng_seed(&prng, 1);
	for (int s = 0; s < SIMULATIONS; s++)
	{
		if (params->gaussian)
			dp_gaussian_simulate(&params->law, simulated_uniform, &prng, noise + s * d);
		else if (params->whole_noise)
			dp_whole_simulate(params->epsilon_share, params->groups, d, simulated_uniform, &prng,
							  noise + s * d);
		else
			simulate_vector(params, params->vector_epsilon, d, &prng, noise + s * d);
	}
	for (int s = 0; s < SIMULATIONS && params->look > 0; s++)
	{
		double	   *centred = noise + SIMULATIONS * d + s * 2;

		/* of the look, the number of individuals; then the sum, per unit of change */
		simulate_vector(params, params->look, 2, &prng, centred);
		simulate_vector(params, params->vector_epsilon, 1, &prng, centred + 1);
	}
	return noise;
}

/* Sample s of the noise of a vector drawn around a centre (mechanism/average.c). */
static void
centred_noise(const dp_average_law *law, const double *sample, double *noise)
{
	noise[0] = sample[0];
	noise[1] = noise[2] = (1 + fabs(law->centre)) * sample[1] + law->centre * sample[0];
}

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return x < y ? -1 : x > y ? 1 : 0;
}

/*
 * One end of an interval around the output: the true vector is the released
 * one minus the noise, so the output of that has a known law.
 */
static double
interval_end(const ReleaseSpec *spec, const ReleaseParams *params, const SpecOutput *output,
			 const dp_average_law *law, const double *vector, const double *noise)
{
	int			d = spec->dimensions;
	double		tail = (1 - params->values[output->level]) / 2;
	double	   *ends = palloc(sizeof(double) * SIMULATIONS);
	double	   *truth = palloc(sizeof(double) * d);
	double		result;
	int			n = 0;

	for (int s = 0; s < SIMULATIONS; s++)
	{
		double		value;

		memcpy(truth, noise + s * d, sizeof(double) * d);
		if (law->centred)
			centred_noise(law, noise + SIMULATIONS * d + s * 2, truth);
		for (int i = 0; i < d; i++)
			truth[i] = vector[i] - truth[i];
		value = evaluate(spec, params, output, truth);
		if (!isnan(value))
			ends[n++] = value;
	}
	if (n == 0)
		return NAN;
	qsort(ends, n, sizeof(double), compare_doubles);
	result = output->end == SPEC_END_LOW ? ends[(int) floor(tail * (n - 1))] :
		ends[(int) ceil((1 - tail) * (n - 1))];
	pfree(ends);
	pfree(truth);
	return result;
}

/* values_standard_error() of an average that was drawn around its centre. */
static double
centred_error(const ReleaseSpec *spec, const ReleaseParams *params, const SpecOutput *output,
			  const dp_average_law *law, const dp_int128 *noisy)
{
	double		sample[2];
	double		sum = 0;

	dp_average_deviations(params->epsilon_share, params->groups, &sample[0], &sample[1]);
	for (int i = 0; i < 2; i++)
	{
		double		one[2] = {0};
		double		noise[3];
		double		ends[2];

		one[i] = sample[i] / 2;
		centred_noise(law, one, noise);
		for (int end = 0; end < 2; end++)
		{
			double		vector[3];

			for (int c = 0; c < 3; c++)
				vector[c] = (double) noisy[c] / (double) DP_SCALE + (end == 0 ? -noise[c] : noise[c]);
			ends[end] = evaluate(spec, params, output, vector);
		}
		sum += (ends[1] - ends[0]) * (ends[1] - ends[0]);
	}
	return sqrt(sum);
}

/*
 * Standard error of a numeric output of one group, from the noise law by
 * linear approximation at the released vector (exact for counts and sums); NAN
 * where there is none.
 */
double
values_standard_error(const ReleaseSpec *spec, const ReleaseParams *params,
					  const SpecOutput *output, const dp_average_law *law, const dp_int128 *noisy)
{
	double		vector[DP_MAX_DIMENSIONS];
	double		sigma;
	double		sum = 0;

	if (law->centred)
		return centred_error(spec, params, output, law, noisy);
	sigma = coordinate_error(spec, params);

	for (int i = 0; i < spec->dimensions; i++)
		vector[i] = (double) noisy[i] / (double) DP_SCALE;
	for (int i = 0; i < spec->dimensions; i++)
	{
		double		at = vector[i];
		double		up;
		double		down;

		vector[i] = at + sigma / 2;
		up = evaluate(spec, params, output, vector);
		vector[i] = at - sigma / 2;
		down = evaluate(spec, params, output, vector);
		vector[i] = at;
		sum += (up - down) * (up - down);
	}
	return sqrt(sum);
}

/* ----------
 * Results
 * ----------
 */

/* To how many digits an output is rounded after the noise. */
static int
shown_digits(const ReleaseParams *params, const SpecOutput *output)
{
	double		wide = width(params, output->bound_x);

	if (output->kind == SPEC_OUT_VAR_POP || output->kind == SPEC_OUT_VAR_SAMP)
		wide *= wide;
	return digits_count(&output->digits, wide);
}

/* An output of a vector, as it is shown but for its own digits; NAN where it has no value. */
static double
shown_value(const ReleaseSpec *spec, const ReleaseParams *params, const SpecOutput *output,
			const double *vector)
{
	double		n;

	if (output->nterms == 0 || output->kind != SPEC_OUT_SUM)
		return evaluate(spec, params, output, vector);
	n = moment(spec, params, output->moments[SPEC_MOMENT_N], vector);
	return sum_of_terms(spec, params, output, vector, true) + output->shift * rint(Max(n, 0.0));
}

/*
 * Computes an output of one released group from its noisy vector (lattice
 * units), drawn by that law.  "noise" comes from values_simulate() if any output is an interval's
 * end.
 */
Datum
values_output(const ReleaseSpec *spec, const ReleaseParams *params, const SpecOutput *output,
			  const dp_int128 *noisy, const dp_average_law *law, const double *noise, bool *isnull)
{
	double		vector[DP_MAX_DIMENSIONS];
	double		value = NAN;
	int			digits = shown_digits(params, output);

	for (int i = 0; i < spec->dimensions; i++)
		vector[i] = (double) noisy[i] / (double) DP_SCALE;
	if (covers_enough(spec, params, output, vector))
		value = output->end == SPEC_END_NONE ?
			shown_value(spec, params, output, vector) :
			interval_end(spec, params, output, law, vector, noise);
	*isnull = isnan(value);
	if (*isnull)
		return (Datum) 0;
	return is_boolean_output(output) ? BoolGetDatum(value != 0) :
		digits_datum(output->type, digits_round(value, digits, output->end), digits);
}
