/*
 * sketch_open.c
 *		Checks states of sketches that were not made here, before they are used.
 *
 * Whatever the header promises is in the bytes that follow it; what these hold is
 * checked where it is followed.
 */
#include "postgres.h"

#include "fmgr.h"

#include "aggregate/sketch_cells.h"
#include "aggregate/sketch_distinct.h"
#include "aggregate/sketch_open.h"
#include "aggregate/sketch_state.h"
#include "aggregate/sketch_values.h"
#include "core/errors.h"
#include "spec/spec.h"

/* Is the limit one that states of this kind can have? */
static bool
limit_is_valid(const SketchState *header)
{
	if (header->kind == SPEC_SKETCH_CELLS)
		return header->limit == 0;
	return header->limit >= SKETCH_ROWS_BYTES && header->limit <= SKETCH_GROUP_BYTES;
}

/* Bytes that must follow the header; SKETCH_NO_SIZE if it is malformed. */
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
 * The state in a datum, aligned and with its header checked; elog if it is malformed.  A
 * transition value is returned itself; what comes out of a tuple is copied where it is
 * not aligned.
 */
SketchState *
sketch_open(Datum datum)
{
	SketchState *state = (SketchState *) PG_DETOAST_DATUM(datum);

	if ((uintptr_t) state != MAXALIGN((uintptr_t) state))
		state = (SketchState *) PG_DETOAST_DATUM_COPY(datum);
	if (VARSIZE(state) < sizeof(SketchState) || state->magic != SKETCH_MAGIC ||
		state->stage > SKETCH_INDIVIDUALS || state->counted < 0 ||
		VARSIZE(state) - sizeof(SketchState) != data_size(state))
		malformed("sketch state");
	return state;
}
