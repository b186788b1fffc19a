/*
 * program.c
 *		Compiles what a row that is an individual adds to its group.
 */
#include "postgres.h"

#include "aggregate/contribution.h"
#include "aggregate/program.h"
#include "spec/spec.h"

/* Makes the step of a coordinate that has a feature. */
static void
compile_step(CollectStep *step, const Contributions *contributions, int coordinate)
{
	const ReleaseSpec *spec = &contributions->spec;
	const SpecFeature *feature = &spec->features[spec->coordinates[coordinate].feature];
	const SpecSet *set = &spec->sets[feature->set];

	step->coordinate = (int16) coordinate;
	step->kind = (uint8) feature->kind;
	step->x = (uint8) (set->x < 0 ? ALWAYS_PRESENT : set->x);
	step->y = (uint8) (set->y < 0 ? ALWAYS_PRESENT : set->y);
	step->needs_x = set->every_row ? ALWAYS_PRESENT : step->x;
	step->needs_y = set->every_row ? ALWAYS_PRESENT : step->y;
	step->imputed = contributions->imputed[coordinate];
}

/* The program of a release under its parameters, allocated in "context". */
CollectProgram *
program_compile(const Contributions *contributions, MemoryContext context)
{
	const ReleaseSpec *spec = &contributions->spec;
	CollectProgram *program = MemoryContextAllocZero(context, sizeof(CollectProgram));

	program->dimensions = spec->dimensions;
	program->narguments = spec->narguments;
	memcpy(program->arguments, contributions->readers, sizeof(program->arguments));
	for (int i = 1; i < spec->dimensions; i++)
	{
		if (spec->coordinates[i].feature != DP_NONE)
			compile_step(&program->steps[program->nsteps++], contributions, i);
	}
	return program;
}
