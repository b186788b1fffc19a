/*
 * needs.h
 *		What a release's query rests on, and what it reads.
 */
#ifndef DP_NEEDS_H
#define DP_NEEDS_H

#include "postgres.h"

#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"

/*
 * What a release's query rests on beside its rows: lists of Oid (types, collations,
 * relations), of int (their shapes) and of Param (external parameters); for each relation
 * a list of the columns that it takes to be never NULL; and what its plan does: relations
 * whose wide values are not fetched, since there are none (wide.c).
 */
typedef enum ReleaseNeed
{
	NEED_TYPES,
	NEED_COLLATIONS,
	NEED_RELATIONS,
	NEED_SHAPES,
	NEED_PARAMS,
	NEED_NOT_NULL,
	NEED_PLAIN
} ReleaseNeed;

/* Columns of a protected relation that a release reads for their values. */
typedef struct WideRelation
{
	Oid			relid;
	Bitmapset  *columns;		/* attribute numbers */
} WideRelation;

extern const Bitmapset *wide_columns_of(List *relations, Oid relid);

#endif							/* DP_NEEDS_H */
