/*
 * sketch_state.c
 *		Headers of sketch states: making and checking them.
 */
#include "postgres.h"

#include "aggregate/sketch_state.h"
#include "fmgr.h"

void
sketch_malformed(void)
{
	elog(ERROR, "malformed sketch state");
}

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

	empty->total = state->total;
	return empty;
}

/* Is the limit one that states of this kind can have? */
static bool
limit_is_valid(const SketchState *header)
{
	if (header->kind == SPEC_SKETCH_CELLS)
		return header->limit == 0;
	return header->limit >= SKETCH_ROWS_BYTES && header->limit <= SKETCH_GROUP_BYTES;
}

/* Bytes that must follow the header; SKETCH_NO_SIZE if it describes no state. */
static Size
data_size(const SketchState *header)
{
	if (!limit_is_valid(header))
		return SKETCH_NO_SIZE;
	switch (header->kind)
	{
		case SPEC_SKETCH_CELLS:
			return cells_data_size(header);
		case SPEC_SKETCH_VALUES:
			return values_data_size(header);
		case SPEC_SKETCH_DISTINCT:
			return distinct_data_size(header);
		default:
			return SKETCH_NO_SIZE;
	}
}

/*
 * Checks the header of a state (elog if it has none) and returns the state,
 * aligned: a transition value itself, something out of a tuple as a copy if
 * need be.
 */
SketchState *
sketch_open(Datum datum)
{
	SketchState *state = (SketchState *) PG_DETOAST_DATUM(datum);

	if ((uintptr_t) state != MAXALIGN((uintptr_t) state))
		state = (SketchState *) PG_DETOAST_DATUM_COPY(datum);
	if (VARSIZE(state) < sizeof(SketchState) || state->magic != SKETCH_MAGIC ||
		state->stage > SKETCH_INDIVIDUALS || state->total < 0 ||
		VARSIZE(state) - sizeof(SketchState) != data_size(state))
		sketch_malformed();
	return state;
}
