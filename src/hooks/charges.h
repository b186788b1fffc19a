/*
 * charges.h
 *		What the releases of a statement are charged and logged as.
 */
#ifndef DP_CHARGES_H
#define DP_CHARGES_H

#include "postgres.h"

#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"

#include "ledger/protocol.h"
#include "spec/spec.h"

/* What one release is charged and logged as; the releases of grouping sets as one. */
typedef struct Charge
{
	LedgerItem *item;
	int			number;			/* in the statement, from 1 */
	const SpecGrouping *grouping;	/* of the first of them */
	Bitmapset  *sets;			/* numbers of the grouping sets that are in it */
} Charge;

extern List *charges_of(List *releases, List **paying);

#endif							/* DP_CHARGES_H */
