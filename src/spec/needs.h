/*
 * needs.h
 *		What a release's query rests on, and what it reads.
 */
#ifndef DP_NEEDS_H
#define DP_NEEDS_H

#include "postgres.h"

#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"

/* What a release's query rests on beside its rows: positions in a list of lists. */
typedef enum ReleaseNeed
{
	NEED_TYPES,					/* Oids of types */
	NEED_COLLATIONS,			/* Oids of collations */
	NEED_RELATIONS,				/* Oids of relations */
	NEED_SHAPES,				/* ints: the shapes of these relations (shapes.c) */
	NEED_PARAMS,				/* Params: external parameters */
	NEED_NOT_NULL,				/* for each relation a list of columns taken to be never NULL */
	NEED_PLAIN					/* Oids of relations that the plan reads without fetching wide
								 * values, as they have none (nodes/release/wide.c) */
} ReleaseNeed;

/* Columns of a protected relation that a release reads for their values. */
typedef struct WideRelation
{
	Oid			relid;
	Bitmapset  *columns;		/* attribute numbers of these columns */
} WideRelation;

extern WideRelation *find_wide_relation(List *relations, Oid relid);

#endif							/* DP_NEEDS_H */
