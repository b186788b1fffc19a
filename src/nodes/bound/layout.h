/*
 * layout.h
 *		What the nodes of this folder find in their private lists.
 */
#ifndef DP_BOUND_LAYOUT_H
#define DP_BOUND_LAYOUT_H

#include "postgres.h"

/* Positions in the node's private list of integers; the columns of its input follow. */
enum
{
	BOUND_ROWS,					/* that are expected */
	BOUND_KEYS,
	BOUND_UNITS,
	BOUND_ARGUMENTS,
	BOUND_SKETCHES,
	BOUND_FIRST_COLUMN
};

#endif							/* DP_BOUND_LAYOUT_H */
