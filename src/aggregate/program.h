/*
 * program.h
 *		What a row that is an individual adds to its group, step by step: the description,
 *		which is some 20 kB of wide structs, without all that a row does not need.
 */
#ifndef DP_PROGRAM_H
#define DP_PROGRAM_H

#include "postgres.h"

#include "aggregate/contribution.h"
#include "aggregate/sum.h"
#include "mechanism/noise.h"
#include "spec/spec.h"

typedef struct CollectStep
{
	int16		coordinate;
	uint8		kind;			/* SpecFeatureKind */
	uint8		x;				/* arguments of the feature */
	uint8		y;
	uint8		needs_x;		/* arguments that must have a value, else ALWAYS_PRESENT */
	uint8		needs_y;
	int64		imputed;
} CollectStep;

typedef struct CollectProgram
{
	int			dimensions;
	int			narguments;
	int			nsteps;
	ArgumentReader arguments[DP_MAX_ARGUMENTS];
	CollectStep steps[DP_MAX_DIMENSIONS];
} CollectProgram;

/* An argument of every row that has a value and that nothing reads. */
#define ALWAYS_PRESENT DP_MAX_ARGUMENTS

extern CollectProgram *program_compile(const Contributions *contributions, MemoryContext context);

/*
 * Adds a row to the sums of its group: its arguments in lattice units, and which of them
 * have a value.  Both arrays have room for DP_MAX_ARGUMENTS + 1.
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
