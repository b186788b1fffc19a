/*
 * layout.h
 *		What the nodes of this folder find in their private lists.
 */
#ifndef DP_BOUND_LAYOUT_H
#define DP_BOUND_LAYOUT_H

#include "postgres.h"

/*
 * Positions in a node's private list of integers.  What follows are the columns of its input,
 * by attribute number: group keys, units (none, if each row is an individual), arguments, and
 * the value of each sketch (InputColumns).
 */
enum
{
	BOUND_ROWS,					/* rows that are expected */
	BOUND_KEYS,					/* numbers of columns */
	BOUND_UNITS,
	BOUND_ARGUMENTS,
	BOUND_SKETCHES,
	BOUND_FIRST_COLUMN
};

#endif							/* DP_BOUND_LAYOUT_H */
