/*
 * sketch.h
 *		Reads sketches: mergeable summaries of one argument of a group, beside the vector.
 */
#ifndef DP_SKETCH_H
#define DP_SKETCH_H

#include "postgres.h"

#include "spec/spec.h"

/* The n different values of a group, in arrays of n. */
typedef struct SketchValues
{
	int			n;
	Datum	   *values;
	int64	   *weights;		/* weights of the values, DP_CELL_SCALE per individual */
	int64	   *individuals;	/* numbers of individuals that have the value */
} SketchValues;

extern int64 sketch_cells(Datum state, int ncells, int64 *weights);
extern void sketch_clear_cells(Datum state, int64 *weights);
extern void sketch_values(Datum state, const SpecSketch *sketch, SketchValues *result);
extern int64 sketch_usage(Datum state);
extern int64 sketch_usage_step(int64 rows);
extern int64 sketch_distinct(Datum state);

#endif							/* DP_SKETCH_H */
