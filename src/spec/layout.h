/*
 * layout.h
 *		Which column of a release's rows is what.
 *
 * The query of a release, below the sealed node, has these columns, counted from 0:
 *
 *		group keys
 *		the state of the collector
 *		the state of each sketch
 *		each output, which the sealed node fills in
 *
 * Partial states (nodes/bound) have the same columns but the outputs.
 */
#ifndef DP_LAYOUT_H
#define DP_LAYOUT_H

#include "postgres.h"

#include "spec/spec.h"

/* The column of group key i. */
static inline int
release_key_column(const ReleaseSpec *spec, int i)
{
	return i;
}

/* The column of the collector's state. */
static inline int
release_state_column(const ReleaseSpec *spec)
{
	return release_key_column(spec, spec->nkeys);
}

/* The column of the state of sketch i. */
static inline int
release_sketch_column(const ReleaseSpec *spec, int i)
{
	return release_state_column(spec) + 1 + i;
}

/* The column of output i. */
static inline int
release_output_column(const ReleaseSpec *spec, int i)
{
	return release_sketch_column(spec, spec->nsketches) + i;
}

#endif							/* DP_LAYOUT_H */
