/*
 * values.c
 *		From noisy coordinates to result values: post-processing only.
 *
 * Floating point appears here for the first time, after the noise.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "release/release.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

static double
coordinate(const dp_int128 *noisy, int i)
{
	return (double) noisy[i] / (double) DP_SCALE;
}

/* Number of individuals, rows or values that an output counts. */
static double
noisy_count(const ReleaseParams *params, const SpecOutput *output, const dp_int128 *noisy)
{
	double		individuals = coordinate(noisy, 0);

	if (output->source == SPEC_FROM_PAIR)
		return (individuals - (coordinate(noisy, output->upper_coordinate) -
							   coordinate(noisy, output->sum_coordinate)) / 2) *
			(double) params->rows;
	if (output->source == SPEC_FROM_ZERO)
		return individuals * (double) params->rows; /* missing values count as 0 */
	if (output->count_coordinate == 0)
		return individuals;
	return (coordinate(noisy, output->count_coordinate) + individuals) / 2 *
		(output->presence ? 1.0 : (double) params->rows);
}

/* Sum of the centred values, in units of half the interval; see spec.h. */
static double
noisy_sum(const ReleaseParams *params, const SpecOutput *output, const dp_int128 *noisy)
{
	double		sum = coordinate(noisy, output->sum_coordinate);

	if (output->source == SPEC_FROM_PAIR)
		sum = (sum + coordinate(noisy, output->upper_coordinate)) / 2;
	return sum * (double) params->rows;
}

static double
output_value(const ReleaseParams *params, const SpecOutput *output, const dp_int128 *noisy)
{
	double		count = noisy_count(params, output, noisy);
	double		lower;
	double		upper;
	double		mid;
	double		half;
	double		sum;

	if (output->kind == SPEC_OUT_COUNT)
		return Max(rint(count), 0.0);

	lower = params->values[output->bound];
	upper = params->values[output->bound + 1];
	mid = lower / 2 + upper / 2;
	half = upper / 2 - lower / 2;
	sum = noisy_sum(params, output, noisy);
	if (output->kind == SPEC_OUT_SUM)
	{
		double		total = mid * count + half * sum;

		return output->integral ? rint(total) : total;
	}
	return Max(lower, Min(upper, mid + half * sum / Max(count, 1.0)));
}

static Datum
typed_value(Oid type, double value)
{
	switch (type)
	{
		case INT8OID:
			if (value >= (double) PG_INT64_MAX)
				return Int64GetDatum(PG_INT64_MAX);
			if (value <= (double) PG_INT64_MIN)
				return Int64GetDatum(PG_INT64_MIN);
			return Int64GetDatum((int64) rint(value));
		case FLOAT4OID:
			/* beyond float4's range: the nearest it has */
			value = Max(Min(value, 3.4028234e38), -3.4028234e38);
			return Float4GetDatum((float4) value);
		case FLOAT8OID:
			return Float8GetDatum(value);
		case NUMERICOID:
			return DirectFunctionCall1(float8_numeric, Float8GetDatum(value));
		default:
			elog(ERROR, "unexpected type of an output: %u", type);
	}
	return (Datum) 0;
}

/*
 * Computes all outputs of one released group from its noisy vector (lattice
 * units) into values/isnull, spec->noutputs each.
 */
void
release_values(const ReleaseSpec *spec, const ReleaseParams *params,
			   const dp_int128 *noisy, Datum *values, bool *isnull)
{
	for (int i = 0; i < spec->noutputs; i++)
	{
		const SpecOutput *output = &spec->outputs[i];

		values[i] = typed_value(output->type, output_value(params, output, noisy));
		isnull[i] = false;
	}
}
