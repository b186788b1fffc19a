/*
 * walk.h
 *		All entries of the ledger, in the order of their numbers.
 */
#ifndef DP_LEDGER_WALK_H
#define DP_LEDGER_WALK_H

#include "postgres.h"

#include "access/genam.h"
#include "access/tupdesc.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

/* The tables of entries. */
typedef enum WalkKind
{
	WALK_RELEASE,
	WALK_RAW_READ,
	WALK_ACCOUNT_CHANGE,
	WALK_KINDS
} WalkKind;

/* A table of entries, and the entry of it that comes next. */
typedef struct WalkSource
{
	const char *name;
	Relation	rel;
	Relation	index;
	SysScanDesc scan;
	TupleDesc	desc;
	AttrNumber	prev_hash;
	AttrNumber	hash;
	bool		at_end;
	Datum	   *values;			/* of the entry that comes next */
	bool	   *nulls;
} WalkSource;

/* A walk over all entries. */
typedef struct Walk
{
	WalkSource	sources[WALK_KINDS];
} Walk;

extern Walk *walk_begin(Snapshot snapshot);
extern WalkSource *walk_first(Walk *walk);
extern void walk_next(WalkSource *source);
extern int64 walk_id(const WalkSource *source);
extern void walk_end(Walk *walk);

#endif							/* DP_LEDGER_WALK_H */
