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
	NEED_PLAIN,					/* Oids of relations that the plan reads without fetching wide
								 * values, as they have none (nodes/release/wide.c) */
	NEED_REUSE,					/* by what it is known when it is asked for again, a list by
								 * ReuseItem; NIL if it cannot be used again */
	NEED_UNIQUE					/* Oids of unique indexes of public relations that the planner
								 * was told of */
} ReleaseNeed;

/*
 * By what a release is known when it is asked for again: positions in a list.  A part is a list of
 * a digest (bytea Const) and of expressions that it takes by value.
 */
typedef enum ReuseItem
{
	REUSE_ROWS,					/* the part of the rows */
	REUSE_KEYS,					/* the part of each key */
	REUSE_OUTPUTS,				/* the part of each output */
	REUSE_RELEASES,				/* identities (bytea Consts) of other releases that it reads */
	REUSE_PUBLICS,				/* Oids of relations that it reads and that are not protected */
	REUSE_SESSION,				/* boolean Const: it depends on settings of the session */
	REUSE_WHOLE_ROWS,			/* the part of the rows without conditions on keys alone; NIL
								 * if there are none */
	REUSE_KEY_QUALS				/* these conditions, with the keys as columns of the released
								 * rows */
} ReuseItem;

/* Columns of a protected relation that a release reads for their values. */
typedef struct WideRelation
{
	Oid			relid;
	Bitmapset  *columns;		/* attribute numbers of these columns */
} WideRelation;

extern WideRelation *find_wide_relation(List *relations, Oid relid);

#endif							/* DP_NEEDS_H */
