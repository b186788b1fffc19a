/*
 * contribution.h
 *		What rows add to a group's vector: values of features as integers, and the
 *		bounded contribution of an individual.  spec.h has the formulas.
 *
 * A lattice unit is 1/DP_SCALE: values lie in -DP_SCALE .. DP_SCALE.  The functions are
 * inline because they run for every row, and none of them raises an error.
 */
#ifndef DP_CONTRIBUTION_H
#define DP_CONTRIBUTION_H

#include "postgres.h"

#include <math.h>

#include "utils/array.h"

#include "mechanism/noise.h"
#include "mechanism/status.h"
#include "spec/domain.h"
#include "spec/spec.h"

/* How the values of an argument are read. */
typedef struct ArgumentReader
{
	SpecArgType type;
	bool		bounded;		/* it has bounds; without, only its presence counts */
	double		mid;			/* centre of the bounds */
	double		half;			/* half the distance of the bounds */
} ArgumentReader;

/* A release's description under the parameters of one execution. */
typedef struct Contributions
{
	ReleaseSpec spec;
	ReleaseParams params;
	int			rows_shift;		/* binary logarithm of r = params.rows; -1 if it is none */
	ArgumentReader readers[DP_MAX_ARGUMENTS];
	int64		imputed[DP_MAX_DIMENSIONS]; /* imputed values by coordinate, in lattice units */
	bool		totals[DP_MAX_DIMENSIONS];	/* coordinates whose sums have bounds of their own */
	int64		gate_weight;	/* most that an individual adds to coordinate 0 of a group */
} Contributions;

/* The arguments of one row. */
typedef struct RowValues
{
	bool		present[DP_MAX_ARGUMENTS];	/* is there a value? */
	int64		y[DP_MAX_ARGUMENTS];	/* values, in lattice units */
} RowValues;

extern Contributions *contributions_open(Datum description, ArrayType *params,
										 MemoryContext context);
extern bool argument_type_matches(const SpecArgument *argument, Oid type);

/*
 * rint() for |x| < 2^51, without a call: a double of the size of x + shift has no bits
 * below one, so that the addition rounds.
 */
static inline int64
nearest_int64(double x)
{
	const double shift = 6755399441055744.0;	/* 1.5 * 2^52 */

	return (int64) ((x + shift) - shift);
}

/*
 * (x - mid) / half, clamped to [-1, 1], in lattice units, to the nearest.  The result
 * depends on this one value and on public bounds alone.
 */
static inline int64
quantise(double x, double mid, double half)
{
	double		y;

	if (half == 0.0)
		return 0;
	y = (x - mid) / half;
#ifdef DP_FAULT_CLAMP_OFF
	return (int64) rint(Max(-1e6, Min(1e6, y)) * (double) DP_SCALE);
#endif
	if (y >= 1.0)
		return DP_SCALE;
	if (y <= -1.0)
		return -DP_SCALE;
	return nearest_int64(y * (double) DP_SCALE);
}

/*
 * Reads a value into *y, in lattice units; 0 for an argument without bounds.  False, and
 * *y is 0, for NULL and NaN, which count as no value.
 */
static inline bool
read_value(const ArgumentReader *reader, Datum value, bool isnull, int64 *y)
{
	double		x;

	*y = 0;
	if (isnull || !domain_number(reader->type, value, &x))
		return false;
	if (reader->bounded)
		*y = quantise(x, reader->mid, reader->half);
	return true;
}

/* Reads argument i of a row. */
static inline void
read_argument(const Contributions *contributions, int i, Datum value, bool isnull,
			  RowValues *row)
{
	row->present[i] = read_value(&contributions->readers[i], value, isnull, &row->y[i]);
}

/*
 * Is the row in the set?  Where columns are never NULL, every row is (every_row), also
 * one with NaN, which then counts as the middle of the bounds.
 */
static inline bool
row_in_set(const SpecSet *set, const RowValues *row)
{
	return set->every_row ||
		((set->x < 0 || row->present[set->x]) && (set->y < 0 || row->present[set->y]));
}

/* Product of two numbers in [-1, 1], all three in lattice units, to the nearest. */
static inline int64
lattice_product(int64 a, int64 b)
{
	int64		product = a * b;

	return (product + (product >= 0 ? DP_SCALE / 2 : -DP_SCALE / 2)) / DP_SCALE;
}

/*
 * A feature of two values in lattice units, in the unit of its kind.  The feature "one"
 * counts in ones, so that a sum of it is a number of rows, which fits into 64 bits however
 * many they are.  All others are in lattice units, within DP_SCALE.
 */
static inline int64
feature_of(SpecFeatureKind kind, int64 x, int64 y)
{
	switch (kind)
	{
		case SPEC_FEATURE_ONE:
			return 1;
		case SPEC_FEATURE_X:
			return x;
		case SPEC_FEATURE_Y:
			return y;
		case SPEC_FEATURE_XX:
			return 2 * lattice_product(x, x) - DP_SCALE;
		case SPEC_FEATURE_YY:
			return 2 * lattice_product(y, y) - DP_SCALE;
		case SPEC_FEATURE_XY:
			return lattice_product(x, y);
	}
	return 0;
}

/* A sum of a feature's values, from the unit of its kind to lattice units. */
static inline dp_int128
feature_to_lattice(SpecFeatureKind kind, dp_int128 sum)
{
	return kind == SPEC_FEATURE_ONE ? sum * DP_SCALE : sum;
}

/* Value of a feature in a row of its set, in the unit of its kind. */
static inline int64
feature_value(const SpecFeature *feature, const SpecSet *set, const RowValues *row)
{
	return feature_of(feature->kind, set->x < 0 ? 0 : row->y[set->x],
					  set->y < 0 ? 0 : row->y[set->y]);
}

/* The quotient's nearest integer, halves away from zero; divisor > 0. */
static inline dp_int128
divide_to_nearest(dp_int128 numerator, dp_int128 divisor)
{
	if (numerator == (int64) numerator && divisor <= PG_INT32_MAX &&
		Max(numerator, -numerator) < PG_INT64_MAX / 2)
	{
		int64		half = (int64) divisor / 2; /* far cheaper than 128 bits */

		return ((int64) numerator + (numerator >= 0 ? half : -half)) / (int64) divisor;
	}
	return numerator >= 0 ? (numerator + divisor / 2) / divisor :
		-((-numerator + divisor / 2) / divisor);
}

/* The same for the divisor 2^shift. */
static inline int64
shift_to_nearest(int64 numerator, int shift)
{
	int64		half = ((int64) 1 << shift) >> 1;

	return numerator >= 0 ? (numerator + half) >> shift : -((-numerator + half) >> shift);
}

/*
 * Is an individual with n rows and a sum of a coordinate's feature clipped there: does it count with fewer
 * rows than it has, or each weighing less, or with a smaller sum?
 */
static inline bool
is_clipped(const Contributions *contributions, int i, dp_int128 n, dp_int128 sum)
{
	if (contributions->totals[i])
		return Max(sum, -sum) > DP_SCALE;
	return n > contributions->params.rows;
}

/*
 * What an individual contributes to a sum with bounds of its own, which is clamped to them: to 0 .. 1, spread over -1 .. 1, or
 * to -1 .. 1.
 */
static inline dp_int128
total_contribution(SpecImputation imputation, dp_int128 sum)
{
	sum = Min(sum, DP_SCALE);
	return imputation == SPEC_IMPUTE_LOWER ? 2 * Max(sum, 0) - DP_SCALE : Max(sum, -DP_SCALE);
}

/*
 * What an individual contributes to coordinate i, which has a feature: its n rows
 * in the feature's set, with the feature's sum, bounded to r and in units of r.  With n <= r
 * that is the sum over r, with n > r the mean; one division, so that the result stays
 * within one unit.
 */
static inline dp_int128
contribution(const Contributions *contributions, int i, dp_int128 n, dp_int128 sum)
{
	const SpecCoordinate *coordinate = &contributions->spec.coordinates[i];
	dp_int128	r = contributions->params.rows;

	if (coordinate->clipped)
		return is_clipped(contributions, i, n, sum) ? DP_SCALE : contributions->imputed[i];
	if (contributions->totals[i])
		return total_contribution(coordinate->imputation, sum);
	sum = feature_to_lattice(contributions->spec.features[coordinate->feature].kind, sum);
	if (coordinate->presence)
		return n > 0 ? DP_SCALE : contributions->imputed[i];
#ifdef DP_FAULT_CAPS_OFF
	return divide_to_nearest(sum + Max(r - n, 0) * contributions->imputed[i], r);
#endif
	sum += Max(r - n, 0) * contributions->imputed[i];
	if (n <= r && contributions->rows_shift >= 0)
		return shift_to_nearest((int64) sum, contributions->rows_shift);
	return divide_to_nearest(sum, Max(n, r));
}

#endif							/* DP_CONTRIBUTION_H */
