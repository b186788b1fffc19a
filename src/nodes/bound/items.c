/*
 * items.c
 *		Rows of an individual that do not fit into two words.
 */
#include "postgres.h"

#include "aggregate/sketch_add.h"
#include "aggregate/sketch_state.h"
#include "nodes/bound/items.h"
#include "spec/spec.h"

/* Fills the table, with r rows of an individual or more weighing one in all. */
void
items_weights(ItemsWeights weights, int64 r)
{
	memset(weights, 0, sizeof(ItemsWeights));
	for (int n = 1; n <= ITEMS_MOST_CELLS; n++)
	{
		for (int rows = 1; rows <= n; rows++)
			weights[n][rows] = sketch_weight(rows, sketch_share(n, r));
	}
}

/* Adds a row to a state in the current memory context; frees one that became too small. */
static SketchState *
add_row(const SketchReader *reader, SketchState *state, const SketchItem *item)
{
	SketchState *result = sketch_add_row(reader, state, item, 1, 0);

	if (result != state)
		pfree(state);
	return result;
}

/* The rows that the words hold as a state, in the current memory context. */
static SketchState *
unpack(const SketchReader *reader, const IndividualItems *items)
{
	SketchState *state = sketch_first(reader, SKETCH_ROWS);
	SketchItem	item = {0};

	if (reader->sketch.kind == SPEC_SKETCH_CELLS)
	{
		for (int i = 0; i < items_ncells(items); i++)
		{
			item.cell = items_cell(items, i);
			state = add_row(reader, state, &item);
		}
		return state;
	}
	for (int i = 0; i < 2 && items->words[i] != 0; i++)
	{
		item.key.hash = items->words[i];
		state = add_row(reader, state, &item);
	}
	return state;
}

/* items_add() where the words do not take another item. */
void
items_add_slowly(const SketchReader *reader, IndividualItems *items, const SketchItem *item,
				 MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	SketchState *state = items_state(items);

	if (state == NULL)
		state = unpack(reader, items);
	items->words[0] = (uint64) (uintptr_t) add_row(reader, state, item);
	items->words[1] = 0;
	MemoryContextSwitchTo(old);
}

/* items_contribute() of a state, or of more values than count. */
SketchState *
items_contribute_many(const SketchReader *reader, SketchState *state, const IndividualItems *items,
					  const SketchShare *share)
{
	const SketchState *rows = items_are_few(items) ? unpack(reader, items) : items_state(items);

	return sketch_add_individual(reader, state, rows, share != NULL ? *share :
								 sketch_own_share(reader, rows));
}
