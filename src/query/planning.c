/*
 * planning.c
 *		What the planning that is under way has made, and rests on.
 *
 * The rewriter makes the queries of releases; the hooks that the planner calls later
 * recognise them by the random identities that are kept here.  Nobody else can know these.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/primnodes.h"

#include "query/planning.h"
#include "spec/serialise.h"
#include "spec/spec.h"

/* A release that the planning under way has made. */
typedef struct PlannedRelease
{
	ReleaseSpec spec;
	List	   *needs;			/* release_needs() */
	List	   *wide;			/* wide_columns() */
	List	   *plain;			/* relations planned as if they had no wide values */
	List	   *unique;			/* unique indexes that the planner was told of */
	List	   *reuse;			/* describe_reuse() */
	List	   *groups;			/* GROUP BY of its query */
	PlannedPiece piece;			/* query: NULL if all its tables are here */
} PlannedRelease;

/* Columns that the planning took to be never NULL. */
typedef struct BelievedColumns
{
	Oid			relid;
	List	   *attnos;
} BelievedColumns;

static Planning current = {NIL, NIL, false, NIL, NULL};

/*
 * Begins a planning, of an analyst's statement or not; plannings nest.  What was known of
 * the one around it is kept in *outer, for planning_end().
 */
void
planning_begin(Planning *outer, bool quiet)
{
	*outer = current;
	current.releases = current.beliefs = NIL;
	current.quiet = quiet;
	current.rows = NIL;
	current.head = NULL;
}

/* Ends it, also after an error. */
void
planning_end(const Planning *outer)
{
	current = *outer;
}

/* Is the planning an analyst's, in a quiet section? */
bool
planning_quietly(void)
{
	return current.quiet;
}

/* Are releases being planned? */
bool
planning_releases(void)
{
	return current.releases != NIL;
}

static PlannedRelease *
planned_release(const unsigned char *id)
{
	ListCell   *lc;

	foreach(lc, current.releases)
	{
		PlannedRelease *planned = lfirst(lc);

		if (memcmp(planned->spec.id, id, DP_SPEC_ID_BYTES) == 0)
			return planned;
	}
	return NULL;
}

/*
 * The description of a release that the planning under way has made, if the first argument
 * of an aggregate is one, written; else NULL.  Its id tells.
 */
const ReleaseSpec *
planning_known_spec(const Aggref *aggref)
{
	const Const *written;
	const unsigned char *id;
	const PlannedRelease *planned;

	if (aggref->args == NIL)
		return NULL;
	written = (const Const *) linitial_node(TargetEntry, aggref->args)->expr;
	if (!IsA(written, Const) || written->consttype != BYTEAOID || written->constisnull)
		return NULL;
	id = spec_peek_id(written->constvalue);
	planned = id != NULL ? planned_release(id) : NULL;
	return planned != NULL ? &planned->spec : NULL;
}

/* What the plan of a release of this planning rests on: see ReleaseNeed. */
List *
planning_needs(const ReleaseSpec *spec)
{
	PlannedRelease *planned = planned_release(spec->id);

	return lappend(lappend(lappend(copyObject(planned->needs), list_copy(planned->plain)),
						   copyObject(planned->reuse)), list_copy(planned->unique));
}

/* The columns it reads for their values, a list of WideRelation. */
List *
planning_wide(const ReleaseSpec *spec)
{
	return planned_release(spec->id)->wide;
}

/* Notes a relation with such columns that has no value stored out of line now. */
void
planning_read_plainly(const ReleaseSpec *spec, Oid relid)
{
	PlannedRelease *planned = planned_release(spec->id);

	planned->plain = list_append_unique_oid(planned->plain, relid);
}

/* Notes unique indexes (Oids) of public relations that its planner was told of. */
void
planning_tell_unique(const ReleaseSpec *spec, List *indexes)
{
	PlannedRelease *planned = planned_release(spec->id);

	planned->unique = list_concat_unique_oid(planned->unique, indexes);
}

/*
 * GROUP BY of a release of this planning, as it was made.  Up to PostgreSQL 15 the planner takes columns out of it that depend
 * on the primary key of a public table, and our nodes hand out all keys.
 */
List *
planning_groups(const ReleaseSpec *spec)
{
	return planned_release(spec->id)->groups;
}

/* Remembers a release of this planning. */
void
planning_remember(const ReleaseSpec *spec, List *needs, List *wide, List *reuse, List *groups)
{
	PlannedRelease *planned = palloc(sizeof(PlannedRelease));

	planned->spec = *spec;
	planned->needs = needs;
	planned->wide = wide;
	planned->plain = planned->unique = NIL;
	planned->reuse = reuse;
	planned->groups = copyObject(groups);
	planned->piece = (PlannedPiece)
	{
		.query = NULL
	};
	current.releases = lappend(current.releases, planned);
}

/* Notes that a release of this planning is gathered from pieces. */
void
planning_spread(const ReleaseSpec *spec, Query *piece, int nunits, bool alone)
{
	planned_release(spec->id)->piece = (PlannedPiece)
	{
		.query = piece,.nunits = nunits,.alone = alone
	};
}

/* What a release of this planning is gathered from; NULL if all its tables are here. */
const PlannedPiece *
planning_piece(const ReleaseSpec *spec)
{
	const PlannedRelease *planned = planned_release(spec->id);

	return planned->piece.query != NULL ? &planned->piece : NULL;
}

/* Notes a query that reads a public table of Citus outside of releases; returns its number, from 1. */
int
planning_read(Query *rows)
{
	current.rows = lappend(current.rows, rows);
	return list_length(current.rows);
}

/* Such a query, by its number; NULL if there is none. */
Query *
planning_rows(int number)
{
	return number >= 1 && number <= list_length(current.rows) ? list_nth(current.rows, number - 1) : NULL;
}

/* The queries that the planning has made for other machines: pieces of releases, and those that read rows. */
List *
planning_pieces(void)
{
	List	   *result = list_copy(current.rows);
	ListCell   *lc;

	foreach(lc, current.releases)
	{
		const PlannedRelease *planned = lfirst(lc);

		if (planned->piece.query != NULL)
			result = lappend(result, planned->piece.query);
	}
	return result;
}

/* What is planned is the piece of a release that this machine computes; head: as it was sent. */
void
planning_of_piece(Const *head)
{
	current.head = head;
}

/* Its head; NULL if something else is planned. */
Const *
planning_head(void)
{
	return current.head;
}

/* The entry of a relation among the beliefs, or NULL. */
static BelievedColumns *
find_beliefs(Oid relid)
{
	ListCell   *lc;

	foreach(lc, current.beliefs)
	{
		BelievedColumns *believed = lfirst(lc);

		if (believed->relid == relid)
			return believed;
	}
	return NULL;
}

/* The columns of a relation that the planning under way took to be never NULL. */
List *
planning_believed(Oid relid)
{
	BelievedColumns *believed = find_beliefs(relid);

	return believed != NULL ? believed->attnos : NIL;
}

/* Notes that a column was taken to be never NULL: releases that read it rest on that. */
void
planning_believe(Oid relid, AttrNumber attno)
{
	BelievedColumns *believed = find_beliefs(relid);

	if (believed == NULL)
	{
		believed = palloc0(sizeof(BelievedColumns));
		believed->relid = relid;
		current.beliefs = lappend(current.beliefs, believed);
	}
	believed->attnos = list_append_unique_int(believed->attnos, attno);
}
