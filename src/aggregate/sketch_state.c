/*
 * sketch_state.c
 *		Headers of sketch states are made.
 */
#include "postgres.h"

#include "fmgr.h"

#include "aggregate/sketch_state.h"
#include "spec/spec.h"

/*
 * An empty state with so many bytes after its header, all zero, and a limit to
 * them (0 for CELLS, which have none).
 */
SketchState *
sketch_new(SpecSketchKind kind, SketchStage stage, uint32 limit, Size data)
{
	SketchState *state = palloc0(sizeof(SketchState) + data);

	SET_VARSIZE(state, sizeof(SketchState) + data);
	state->magic = SKETCH_MAGIC;
	state->kind = kind;
	state->stage = stage;
	state->limit = limit;
	return state;
}

/* The state that has met too many values; one that is given stays as it is. */
SketchState *
sketch_give_up(const SketchState *state)
{
	SketchState *empty = sketch_new(state->kind, state->stage, state->limit, 0);

	empty->counted = state->counted;
	return empty;
}
