/*
 * items.h
 *		What an individual's rows in a group hold for a sketch.
 *
 * Most individuals have few rows in a group: two words hold their items.  If there are more,
 * they make a state of the sketch.
 */
#ifndef DP_BOUND_ITEMS_H
#define DP_BOUND_ITEMS_H

#include "postgres.h"

#include "aggregate/sketch_add.h"
#include "aggregate/sketch_cells.h"
#include "aggregate/sketch_distinct.h"
#include "aggregate/sketch_state.h"
#include "spec/spec.h"

/*
 * The items of one sketch.  Both words are 0 if there are none.  If the lowest bit of the first
 * word is set, there are few: of CELLS the words hold the number of rows, in three bits, and the
 * cell of each row, three cells to a word; of DISTINCT one or two hashes, which have that
 * bit anyway.  Otherwise the first word is the address of a state of SKETCH_ROWS.
 */
typedef struct IndividualItems
{
	uint64		words[2];
} IndividualItems;

#define ITEMS_FEW UINT64CONST(1)
#define ITEMS_MOST_CELLS 6
#define ITEMS_COUNT_SHIFT 1
#define ITEMS_COUNT_MASK 7
#define ITEMS_CELL_SHIFT 4		/* bits before the first cell of each word */
#define ITEMS_CELLS_OF_WORD 3

/* What rows weigh, by the number of all rows of the individual and by theirs. */
typedef int64 ItemsWeights[ITEMS_MOST_CELLS + 1][ITEMS_MOST_CELLS + 1];

StaticAssertDecl(ITEMS_CELL_SHIFT + ITEMS_CELLS_OF_WORD * SKETCH_CELL_BITS <= 64 &&
				 ITEMS_MOST_CELLS <= 2 * ITEMS_CELLS_OF_WORD &&
				 ITEMS_MOST_CELLS <= ITEMS_COUNT_MASK, "few cells fit into two words");

extern void items_weights(ItemsWeights weights, int64 r);
extern void items_add_slowly(const SketchReader *reader, IndividualItems *items,
							 const SketchItem *item, MemoryContext context);
extern SketchState *items_contribute_many(const SketchReader *reader, SketchState *state,
										  const IndividualItems *items,
										  const SketchShare *share);

static inline bool
items_any(const IndividualItems *items)
{
	return items->words[0] != 0;
}

static inline bool
items_are_few(const IndividualItems *items)
{
	return (items->words[0] & ITEMS_FEW) != 0;
}

/* The state, or NULL. */
static inline SketchState *
items_state(const IndividualItems *items)
{
	return items_are_few(items) ? NULL : (SketchState *) (uintptr_t) items->words[0];
}

/* Have there been too many values? */
static inline bool
items_gave_up(const IndividualItems *items)
{
	return !items_are_few(items) && sketch_gave_up(items_state(items));
}

static inline int
items_ncells(const IndividualItems *items)
{
	return (int) (items->words[0] >> ITEMS_COUNT_SHIFT & ITEMS_COUNT_MASK);
}

static inline int
items_cell_shift(int i)
{
	return ITEMS_CELL_SHIFT + i % ITEMS_CELLS_OF_WORD * SKETCH_CELL_BITS;
}

static inline int
items_cell(const IndividualItems *items, int i)
{
	return (int) (items->words[i / ITEMS_CELLS_OF_WORD] >> items_cell_shift(i) & SKETCH_CELL_MASK);
}

/* Adds a row's cell; false if that takes a state. */
static inline bool
items_add_cell(IndividualItems *items, int cell)
{
	int			n = items_ncells(items);

	if ((items_any(items) && !items_are_few(items)) || n == ITEMS_MOST_CELLS)
		return false;
	items->words[n / ITEMS_CELLS_OF_WORD] |= (uint64) cell << items_cell_shift(n);
	items->words[0] = (items->words[0] | ITEMS_FEW) + (1 << ITEMS_COUNT_SHIFT);
	return true;
}

/* Adds a value by its hash; false if that takes a state. */
static inline bool
items_add_hash(IndividualItems *items, uint64 hash)
{
	if (!items_any(items))
		items->words[0] = hash;
	else if (!items_are_few(items) || (items->words[1] != 0 && items->words[0] != hash &&
									   items->words[1] != hash))
		return false;
	else if (items->words[0] != hash)
		items->words[1] = hash;
	return true;
}

/* Adds what a row holds.  A state is allocated in "context". */
static inline void
items_add(const SketchReader *reader, IndividualItems *items, const SketchItem *item,
		  MemoryContext context)
{
	SpecSketchKind kind = reader->sketch.kind;

	if (kind == SPEC_SKETCH_CELLS ? !items_add_cell(items, item->cell) :
		kind != SPEC_SKETCH_DISTINCT || !items_add_hash(items, item->key.hash))
		items_add_slowly(reader, items, item, context);
}

/*
 * Adds few cells to those of the group.  What each weighs is rounded down once; weights has it by
 * the number of rows in the cell.
 */
static inline SketchState *
items_contribute_cells(const int64 *weights, SketchState *state, const IndividualItems *items)
{
	int			n = items_ncells(items);

	for (int i = 0; i < n; i++)
	{
		int			cell = items_cell(items, i);
		int			rows = 1;
		bool		again = false;

		for (int j = 0; j < n; j++)
		{
			if (j == i || items_cell(items, j) != cell)
				continue;
			rows++;
			again = again || j < i;
		}
		if (!again)
			state = cells_add(state, cell, weights[rows]);
	}
	return state;
}

/* The same where the share of the rows is the individual's own. */
static inline SketchState *
items_contribute_clipped(SketchShare share, SketchState *state, const IndividualItems *items)
{
	int64		weights[ITEMS_MOST_CELLS + 1];

	for (int rows = 1; rows <= items_ncells(items); rows++)
		weights[rows] = sketch_weight(rows, share);
	return items_contribute_cells(weights, state, items);
}

/*
 * Adds the individual, who has items and has not given up, to the group's state.  share is what its
 * rows weigh by total, else NULL.
 */
static inline SketchState *
items_contribute(const SketchReader *reader, const ItemsWeights weights, SketchState *state,
				 const IndividualItems *items, const SketchShare *share)
{
	if (!items_are_few(items) ||
		(reader->sketch.kind == SPEC_SKETCH_DISTINCT && items->words[1] != 0 && reader->rows == 1))
		return items_contribute_many(reader, state, items, share);
	if (reader->sketch.kind == SPEC_SKETCH_CELLS)
		state = share != NULL ? items_contribute_clipped(*share, state, items) :
			items_contribute_cells(weights[items_ncells(items)], state, items);
	else
	{
		state = distinct_add(state, items->words[0]);
		if (items->words[1] != 0)
			state = distinct_add(state, items->words[1]);
	}
	state->counted = sketch_sum(state->counted, 1);
	return state;
}

#endif							/* DP_BOUND_ITEMS_H */
