/*
 * fixed.h
 *		Rows of a level's FROM that are fixed for each individual.
 */
#ifndef DP_FIXED_H
#define DP_FIXED_H

#include "postgres.h"

#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"

#include "query/level.h"

/*
 * Which inputs of a level have the same row in all rows of one individual.  Arrays go by range
 * table index.
 */
typedef struct FixedRows
{
	Bitmapset  *members;		/* all inputs that FROM names */
	Bitmapset  *fixed;			/* those whose row is fixed, up to its switches */
	Bitmapset **switches;		/* weak sides of outer joins: the row is a function of the
								 * individual and of which of these are there */
	List	  **proofs;			/* unique indexes (OIDs) that this rests on */
} FixedRows;

extern bool select_is_known(RangeTblEntry *rte, const Individuals *input);
extern FixedRows *find_fixed_rows(Level *level);
extern bool rows_are_fixed(Level *level, List *given, List **proofs);

#endif							/* DP_FIXED_H */
