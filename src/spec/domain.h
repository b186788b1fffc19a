/*
 * domain.h
 *		Values of the types that have an order as numbers and back, and the
 *		cells that sketches divide them into.
 */
#ifndef DP_DOMAIN_H
#define DP_DOMAIN_H

#include "postgres.h"

#include <math.h>

#include "datatype/timestamp.h"
#include "utils/expandeddatum.h"	/* and VARSIZE of all versions */

#include "spec/decimal.h"
#include "spec/spec.h"

/* Most cells of a sketch. */
#define DP_MAX_CELLS 65537

/*
 * The cells of one sketch under the parameters of one execution; they depend
 * on nothing else.  A step of a GRID is multiple / per_unit, both integers of
 * which one is 1, and point i is base + (origin + i) * multiple / per_unit.
 * If the lower bound is a whole number of steps, that number is the origin and
 * base is 0: then points are decimals that print without a tail.
 */
typedef struct Grid
{
	SpecScheme	scheme;
	int			cells;			/* number of cells, 1 .. DP_MAX_CELLS */
	double		lower;			/* lower bound, finite; of BINS the end of the lowest bin */
	double		upper;			/* upper bound, not below lower; of BINS the end of the
								 * highest bin */
	double		step;			/* distance of points, or width of a bucket; 0 for BINS */
	double		multiple;		/* numerator of the step; GRID only */
	double		per_unit;		/* denominator of the step; GRID only */
	double		base;			/* value from which steps are counted; GRID only */
	double		origin;			/* number of steps from base to point 0; GRID only */
	int			exponent;		/* the smallest bin ends at 2^exponent; BINS only */
	int			bins;			/* number of bins of each sign; BINS only */
} Grid;

extern SpecArgType domain_of_type(Oid type);
extern bool domain_is_whole(SpecArgType type);
extern bool domain_other_number(SpecArgType type, Datum value, double *x);
extern Datum domain_datum(Oid type, double x);
extern Interval domain_interval(const Interval *interval);

extern void grid_open(Grid *grid, const SpecSketch *sketch, const double *params);
extern int	grid_last_cell(const Grid *grid, double x);
extern int	grid_other_cell(const Grid *grid, double x);
extern double grid_point(const Grid *grid, int cell);
extern double grid_edge(const Grid *grid, int i);

/*
 * Reads a numeric that is stored as it is, not compressed and not elsewhere, and has few
 * digits; false for any other.  Its header may have one byte, and its words are unaligned
 * then.
 */
static inline bool
domain_plain_numeric(Datum value, double *x)
{
	const struct varlena *stored = (const struct varlena *) DatumGetPointer(value);

	if (VARATT_IS_EXTERNAL(stored) || VARATT_IS_COMPRESSED(stored))
		return false;
	return decimal_read(VARDATA_ANY(stored), VARSIZE_ANY_EXHDR(stored), x);
}

/*
 * A value as a number, in the unit that SpecArgType names; false if it is NaN.
 * Infinities of any type stay infinite.  No value raises an error.
 */
static inline bool
domain_number(SpecArgType type, Datum value, double *x)
{
	switch (type)
	{
		case SPEC_ARG_ANY:
			*x = 0;
			return true;
		case SPEC_ARG_INT2:
			*x = DatumGetInt16(value);
			return true;
		case SPEC_ARG_INT4:
			*x = DatumGetInt32(value);
			return true;
		case SPEC_ARG_INT8:
			*x = (double) DatumGetInt64(value);
			return true;
		case SPEC_ARG_FLOAT4:
			*x = DatumGetFloat4(value);
			return !isnan(*x);
		case SPEC_ARG_FLOAT8:
			*x = DatumGetFloat8(value);
			return !isnan(*x);
		case SPEC_ARG_NUMERIC:
			if (likely(domain_plain_numeric(value, x)))
				return !isnan(*x);
			return domain_other_number(type, value, x);
		default:
			return domain_other_number(type, value, x);
	}
}

/* The cell of a number, 0 .. cells - 1, whatever the number is; of a GRID the nearest point. */
static inline int
grid_cell(const Grid *grid, double x)
{
	int			last = grid->cells - 1;
	double		steps;
	int			cell;

	if (grid->scheme != SPEC_SCHEME_GRID)
		return grid_other_cell(grid, x);
	if (!(x > grid->lower) || last == 0)
		return 0;
	if (x >= grid->upper)
		return last;
	steps = (x - grid->base) * grid->per_unit;
	if (grid->multiple != 1)
		steps /= grid->multiple;
	cell = (int) (steps - grid->origin + 0.5);
	return cell < last - 1 ? Max(cell, 0) : grid_last_cell(grid, x);
}

#endif							/* DP_DOMAIN_H */
