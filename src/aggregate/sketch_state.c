/*
 * sketch_state.c
 *		Makes the headers of sketch states.
 */
#include "postgres.h"

#include "fmgr.h"

#include "aggregate/sketch_state.h"
#include "spec/spec.h"

/*
 * A new state, in the current memory context, with "data" bytes after its header, all
 * zero.  limit is the most bytes that may follow, 0 for CELLS, which have no limit.
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

/*
 * A new state for one that has met too many values: it keeps the count, no value, and
 * takes none any more.  The given one stays as it is.
 */
SketchState *
sketch_give_up(const SketchState *state)
{
	SketchState *empty = sketch_new(state->kind, state->stage, state->limit, 0);

	empty->counted = state->counted;
	return empty;
}
