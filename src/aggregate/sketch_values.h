/*
 * sketch_values.h
 *		Weights of the values themselves.
 */
#ifndef DP_SKETCH_VALUES_H
#define DP_SKETCH_VALUES_H

#include "postgres.h"

#include "aggregate/sketch_state.h"
#include "spec/value_key.h"

/* One value: where its bytes are, and what it weighs. */
typedef struct SketchEntry
{
	uint64		hash;
	int64		weight;			/* number of rows, or DP_CELL_SCALE per individual */
	int64		individuals;	/* number of individuals that have the value; 0 at SKETCH_ROWS */
	uint32		offset;			/* place of its bytes among those of all values */
	uint32		length;			/* number of its bytes */
} SketchEntry;

/* Bytes that a value takes beside its own: an entry and two slots. */
#define SKETCH_ENTRY_BYTES (sizeof(SketchEntry) + 2 * sizeof(uint32))

extern Size values_data_size(const SketchState *header);
extern SketchState *values_new(SketchStage stage, uint32 limit);
extern SketchState *values_add(SketchState *state, const ValueKey *key, int64 weight,
							   int64 individuals);
extern void values_get(const SketchState *state, uint32 i, ValueKey *key, int64 *weight,
					   int64 *individuals);

#endif							/* DP_SKETCH_VALUES_H */
