/*
 * planning.h
 *		What the planning that is under way has made, and rests on.
 */
#ifndef DP_PLANNING_H
#define DP_PLANNING_H

#include "postgres.h"

#include "access/attnum.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "nodes/primnodes.h"

#include "spec/spec.h"

/* State of one call of the planner hook that concerns protected relations. */
typedef struct Planning
{
	List	   *releases;		/* of PlannedRelease */
	List	   *beliefs;		/* of BelievedColumns */
	bool		quiet;			/* for an analyst, in a quiet section */
	List	   *rows;			/* queries that read public tables of Citus outside of
								 * releases */
	Const	   *head;			/* of the piece of a release that this machine computes: as it
								 * was sent; else NULL */
} Planning;

/* What a release over tables of Citus is computed of (query/shards.h). */
typedef struct PlannedPiece
{
	Query	   *query;			/* what each machine computes */
	int			nunits;			/* columns that tell the individual */
	bool		alone;			/* all rows are on one machine */
} PlannedPiece;

extern void planning_begin(Planning *outer, bool quiet);
extern void planning_end(const Planning *outer);
extern bool planning_releases(void);
extern bool planning_quietly(void);
extern const ReleaseSpec *planning_known_spec(const Aggref *aggref);
extern List *planning_needs(const ReleaseSpec *spec);
extern List *planning_wide(const ReleaseSpec *spec);
extern void planning_tell_unique(const ReleaseSpec *spec, List *indexes);
extern void planning_read_plainly(const ReleaseSpec *spec, Oid relid);
extern List *planning_groups(const ReleaseSpec *spec);
extern void planning_remember(const ReleaseSpec *spec, List *needs, List *wide, List *reuse, List *groups);
extern void planning_spread(const ReleaseSpec *spec, Query *piece, int nunits, bool alone);
extern const PlannedPiece *planning_piece(const ReleaseSpec *spec);
extern List *planning_pieces(void);
extern int	planning_read(Query *rows);
extern Query *planning_rows(int number);
extern void planning_of_piece(Const *head);
extern Const *planning_head(void);
extern void planning_believe(Oid relid, AttrNumber attno);
extern List *planning_believed(Oid relid);

#endif							/* DP_PLANNING_H */
