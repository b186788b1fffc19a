/*
 * contribution.h
 *		What rows add to a group's vector: values of features as integers, and the
 *		bounded contribution of an individual.
 *
 * Inline, for they run for every row.  Nothing here raises an error.
 */
#ifndef DP_CONTRIBUTION_H
#define DP_CONTRIBUTION_H

#include "postgres.h"

#include <math.h>

#include "aggregate/domain.h"
#include "mechanism/status.h"
#include "release/spec.h"
#include "utils/array.h"

/* A release's description under the parameters of one execution. */
typedef struct Contributions
{
	ReleaseSpec spec;
	ReleaseParams params;
	int			rows_shift;		/* r = 2^this, or -1 */
	double		mid[DP_MAX_ARGUMENTS];
	double		half[DP_MAX_ARGUMENTS];
	int64		imputed[DP_MAX_DIMENSIONS];	/* by coordinate, in lattice units */
} Contributions;

/* One row's arguments, quantised. */
typedef struct RowValues
{
	bool		present[DP_MAX_ARGUMENTS];
	int64		y[DP_MAX_ARGUMENTS];
} RowValues;

extern Contributions *contributions_open(bytea *spec, ArrayType *params, MemoryContext context);
extern bool argument_type_matches(const SpecArgument *argument, Oid type);

/*
 * Nearest lattice point of (x - mid) / half, clamped to one unit.  The result
 * depends on this value and on public bounds alone.
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
	return (int64) rint(y * (double) DP_SCALE);
}

/* Reads argument i of a row; NULL and NaN are no values. */
static inline void
read_argument(const Contributions *contributions, int i, Datum value, bool isnull,
			  RowValues *row)
{
	const SpecArgument *argument = &contributions->spec.arguments[i];
	double		x;

	row->y[i] = 0;
	row->present[i] = !isnull && domain_number(argument->type, value, &x);
	if (row->present[i] && argument->bound > 0)
		row->y[i] = quantise(x, contributions->mid[i], contributions->half[i]);
}

/*
 * Is the row in the set?  In a column that is never NULL, NaN stands in the
 * middle of the bounds.
 */
static inline bool
row_in_set(const SpecSet *set, const RowValues *row)
{
	return set->total ||
		((set->x < 0 || row->present[set->x]) && (set->y < 0 || row->present[set->y]));
}

/* Product of two numbers of lattice units within one unit, to the nearest. */
static inline int64
lattice_product(int64 a, int64 b)
{
	int64		product = a * b;

	return (product + (product >= 0 ? DP_SCALE / 2 : -DP_SCALE / 2)) / DP_SCALE;
}

static inline bool
feature_reads_x(SpecFeatureKind kind)
{
	return kind == SPEC_FEATURE_X || kind == SPEC_FEATURE_XX || kind == SPEC_FEATURE_XY;
}

static inline bool
feature_reads_y(SpecFeatureKind kind)
{
	return kind == SPEC_FEATURE_Y || kind == SPEC_FEATURE_YY || kind == SPEC_FEATURE_XY;
}

/* A feature of a row's values, in lattice units, within one unit. */
static inline int64
feature_of(SpecFeatureKind kind, int64 x, int64 y)
{
	switch (kind)
	{
		case SPEC_FEATURE_ONE:
			return DP_SCALE;
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

/* Value of a feature in a row of its set. */
static inline int64
feature_value(const SpecFeature *feature, const SpecSet *set, const RowValues *row)
{
	return feature_of(feature->kind, feature_reads_x(feature->kind) ? row->y[set->x] : 0,
					  feature_reads_y(feature->kind) ? row->y[set->y] : 0);
}

static inline dp_int128
divide_to_nearest(dp_int128 numerator, dp_int128 divisor)
{
	int64		n = (int64) numerator;
	int64		d = (int64) divisor;

	/* the same in registers, which is what nearly all are divided in */
	if (likely(n == numerator && d == divisor && n > PG_INT64_MIN / 2 && n < PG_INT64_MAX / 2 &&
			   d < PG_INT64_MAX / 2))
		return n >= 0 ? (n + d / 2) / d : -((-n + d / 2) / d);
	return numerator >= 0 ? (numerator + divisor / 2) / divisor :
		-((-numerator + divisor / 2) / divisor);
}

/* The same for a divisor of 2^shift. */
static inline int64
shift_to_nearest(int64 numerator, int shift)
{
	int64		half = ((int64) 1 << shift) >> 1;

	return numerator >= 0 ? (numerator + half) >> shift : -((-numerator + half) >> shift);
}

/*
 * What an individual contributes to coordinate i, which has a feature: its n rows
 * in the feature's set, with this sum, bounded to r and in units of r.  With n <= r
 * that is the sum over r, with n > r the mean; one division, so that the result stays
 * within one unit.
 */
static inline dp_int128
contribution(const Contributions *contributions, int i, dp_int128 n, dp_int128 sum)
{
	const SpecCoordinate *coordinate = &contributions->spec.coordinates[i];
	dp_int128	r = contributions->params.rows;

	if (contributions->spec.features[coordinate->feature].kind == SPEC_FEATURE_ONE)
		sum = n * DP_SCALE;
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
