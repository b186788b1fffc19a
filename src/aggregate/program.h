/*
 * program.h
 *		What a row that is an individual adds to its group, as a list of steps.
 *
 * The program says what the description says, but only what a row needs and in a small
 * place: the description is some 20 kB of wide structs, of which each row would touch a
 * few bytes here and there.
 */
#ifndef DP_PROGRAM_H
#define DP_PROGRAM_H

#include "postgres.h"

#include "aggregate/contribution.h"
#include "aggregate/sum.h"
#include "mechanism/noise.h"
#include "spec/spec.h"

/* What a row adds to one coordinate.  Arguments are numbers of arguments, or ALWAYS_PRESENT. */
typedef struct CollectStep
{
	int16		coordinate;
	uint8		kind;			/* SpecFeatureKind */
	uint8		x;				/* first argument of the feature */
	uint8		y;				/* second argument of the feature */
	uint8		needs_x;		/* argument without which the row is not in the set */
	uint8		needs_y;		/* another such argument */
	int64		imputed;		/* contribution of a row that is not in the set */
} CollectStep;

/* The program of a release under the parameters of one execution. */
typedef struct CollectProgram
{
	int			dimensions;
	int			narguments;
	int			nsteps;
	ArgumentReader arguments[DP_MAX_ARGUMENTS];
	CollectStep steps[DP_MAX_DIMENSIONS];
} CollectProgram;

/* The number of an argument that every row has beside its own; its value, 0, is not used. */
#define ALWAYS_PRESENT DP_MAX_ARGUMENTS

extern CollectProgram *program_compile(const Contributions *contributions, MemoryContext context);

/*
 * Adds a row to the sums of its group.  y holds its arguments in lattice units, present
 * which of them have a value; both arrays have DP_MAX_ARGUMENTS + 1 places, of which the
 * last is set here.
 */
static inline void
program_add(const CollectProgram *program, CollectSum *sums, int64 *y, bool *present)
{
	present[ALWAYS_PRESENT] = true;
	y[ALWAYS_PRESENT] = 0;
	sum_add(&sums[0], 1);
	for (int i = 0; i < program->nsteps; i++)
	{
		const CollectStep *step = &program->steps[i];

		sum_add(&sums[step->coordinate],
				present[step->needs_x] && present[step->needs_y] ?
				feature_of(step->kind, y[step->x], y[step->y]) : step->imputed);
	}
}

#endif							/* DP_PROGRAM_H */
