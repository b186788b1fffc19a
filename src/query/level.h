/*
 * level.h
 *		Levels, and whose rows they hold.
 *
 *		Words: a "level" is one SELECT with its FROM, WHERE, GROUP BY.  A level is private when
 *		its rows are rows about individuals, public otherwise.  A private level that aggregates
 *		over individuals becomes a release, and is public from there on.
 */
#ifndef DP_LEVEL_H
#define DP_LEVEL_H

#include "postgres.h"

#include "nodes/parsenodes.h"
#include "nodes/pathnodes.h"

#include "policy/links.h"
#include "policy/policy.h"

/*
 * What names a row of a protected relation, and so its individual: expressions that are equal to columns
 * of it that are unique there (policy/links.h).  Rows with equal ones belong to the same individual.
 */
typedef struct RowLink
{
	Oid			parent;			/* the relation */
	List	   *key;			/* its columns, as ints, rising */
	List	   *exprs;			/* what is equal to each */
	Oid			index;			/* shows that they are unique */
	bool		sure;			/* none of these is NULL in rows that count */
} RowLink;

/*
 * Whose rows a private level or FROM item holds.  "units" lists alternatives,
 * each a list of expressions, one per unit column, that are equal to the unit
 * in every row that counts.  A row in which the first is NULL belongs to nobody, and does not
 * count.
 *
 * "partial" lists further alternatives, which are equal to the unit or are NULL: those of the weak
 * side of an outer join, here or in a sub-select.  They tie rows to an individual
 * as well as others do, since NULL is equal to nothing.  They do not tell whose a row is.
 */
typedef struct Individuals
{
	const ProtectedRelation *relation;	/* the first protected relation */
	List	   *relids;			/* all protected relations below */
	List	   *units;			/* list of lists of Expr */
	List	   *partial;		/* the same; each may be NULL in rows that count */
	bool		may_be_null;	/* the first alternative may be, all the same */
	List	   *links;			/* of RowLink: each names a row of the same individual ... */
	List	   *partial_links;	/* ... or is NULL, as "partial" may be */
	ResolvedLink *pending;		/* of a linked relation whose units are not known yet
								 * (links.c); else NULL */
	bool		parent_joined;	/* the rewriter joined its parent to it */
	bool		joined;			/* the rewriter joined it to its child: its limits do not
								 * count */
	bool		unique;			/* at most one row per individual ... */
	List	   *proofs;			/* ... as these unique indexes (OIDs) show */
	struct Level *level;		/* the private sub-select that hands out the rows; NULL for
								 * those of a relation or a UNION ALL */
	int			max_groups;
	int			max_rows;
	int			max_total;		/* 0: max_groups times max_rows */
	int			max_norm;		/* 0: as max_total */
} Individuals;

/* A level being worked on, and the levels around it. */
typedef struct Level
{
	Query	   *query;
	Individuals **inputs;		/* by range table index; NULL where public */
	Bitmapset  *nullable;		/* range table indexes under an outer join's weak side */
	struct Level *parent;		/* lexically enclosing level, or NULL */
	bool		below;			/* stands below a release, or will */
	bool		windows;		/* its window functions have been judged (windows.c) */
	bool		reads;			/* the query being processed below it is an item of its FROM */
} Level;

/* State of one call of the planner hook. */
typedef struct RewriteContext
{
	PlannerInfo *root;			/* scratch, for inlining and constant folding */
	Oid			user;
	const char *source;			/* query string, for error positions */
	bool		analyst;		/* some relation is only readable through releases */
	bool		concentrated;	/* all accounts that pay add up rho */
	bool		reuse;			/* answers about some population are used again */
	int			strict;			/* > 0: inside a level that uses dp_ aggregates */
	int			releases;		/* number of releases made so far */
	int			levels;			/* number of levels processed so far */
	const struct SetLevel *set; /* the grouping set whose level is processed, or NULL (sets.h) */
	List	   *proofs;			/* unique indexes (OIDs) that groups and links below releases
								 * rest on */
	List	   *references;		/* foreign keys (OIDs of constraints) that links rest on */
	List	   *links;			/* of ResolvedLink: all links that the statement could need */
	bool		awaits_values;	/* only a plan for known values of parameters may run */
} RewriteContext;

#endif							/* DP_LEVEL_H */
