/*
 * builder.h
 *		A release that is being built.
 */
#ifndef DP_BUILDER_H
#define DP_BUILDER_H

#include "postgres.h"

#include "query/level.h"
#include "spec/spec.h"

/* A part of a sum or average: weight times the sum of an argument. */
typedef struct WantedPart
{
	double		weight;
	int			set;			/* set of the rows in which the argument has a value */
	int			bound;			/* position of its bounds */
	bool		not_negative;	/* its sum has bounds over the whole release, not below 0 */
	SpecDigits	digits;			/* of its sum, when it is shown by itself */
} WantedPart;

/* What an output is about, while the release is being built. */
typedef struct WantedOutput
{
	int			set;			/* set of the rows that count in it, or DP_NONE */
	bool		presence;		/* it counts individuals in the set, not rows */
	int			argument;		/* argument whose rows with a value decide about a yes or no,
								 * or DP_NONE */
	int			sketch;			/* sketch of distinct values that it counts, or DP_NONE */
	bool		negated_x;		/* of a pair: its x is minus the argument's ... */
	bool		negated_y;		/* ... and so its y */
	double		shift;			/* of a sum or average: shift + sum of its parts */
	int			nparts;			/* 0 for all others */
	WantedPart	parts[DP_FORM_TERMS];
} WantedOutput;

typedef struct ReleaseBuilder
{
	RewriteContext *context;
	Level	   *level;
	Individuals *individuals;
	ReleaseSpec spec;
	List	   *params;			/* float8 expressions, by position */
	List	   *arguments;		/* validated argument expressions of the collector */
	List	   *sketch_arguments;	/* validated argument of each sketch */
	List	   *wishes;			/* arguments that may be made of each other (bases.c) */
	int			own_outputs;	/* number of outputs whose arguments are made of no others */
	List	   *aggregates;		/* the Aggrefs as written, one per output */
	Query	   *rows;			/* FROM and WHERE as written (reuse.h), or NULL */
	WantedOutput wanted[DP_MAX_OUTPUTS];
	List	   *keys;			/* group key expressions as written */
	List	   *key_clauses;	/* their SortGroupClauses */
	List	   *guarded_keys;	/* the keys, guarded */
	List	   *domains;		/* public domains of all keys as arrays, or NIL */
	Query	   *calendar;		/* a list of the keys that is public (calendars.h), or NULL */
	List	   *sure_keys;		/* of these, whether each is never NULL, as integers */
	List	   *key_quals;		/* conditions of WHERE about keys alone */
	bool		asked[DP_PARAM_FIRST_OTHER];	/* settings that the query or the session
												 * gives */
	bool		by_client[DP_PARAM_FIRST_OTHER];	/* those that are parameters of the client */
	int64		possible_groups;	/* most groups that one individual can be in, whatever the
									 * data; PG_INT64_MAX if that is not known (limits.h) */
	bool		one_row_each;	/* no individual has two rows in a group, but for keys wider
								 * than GUARDED_WIDEST, all of which are NULL (limits.h) */
} ReleaseBuilder;

#endif							/* DP_BUILDER_H */
