/*
 * unused.h
 *		Direct identifiers that a query brings along, and nobody asks for.
 */
#ifndef DP_UNUSED_H
#define DP_UNUSED_H

#include "postgres.h"

#include "nodes/bitmapset.h"
#include "nodes/parsenodes.h"

extern void drop_identifiers(Query *query, const Bitmapset *used);
extern void drop_unused_identifiers(Query *query, bool deep);

#endif							/* DP_UNUSED_H */
