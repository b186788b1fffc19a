/*
 * normal.h
 *		What a part of a query asks, whatever words it uses.
 */
#ifndef DP_NORMAL_H
#define DP_NORMAL_H

#include "postgres.h"

#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"

#include "query/level.h"

/* What the parts of a release have in common. */
typedef struct NormalContext
{
	List	   *queries;		/* of Query, the innermost first: those around the part, whose
								 * CTEs it may name */
	List	   *found;			/* of Expr: values, as they were found */
	List	   *values;			/* of Expr: what the parts take by value, so far */
	List	   *releases;		/* of ReleaseSpec: other releases that they read */
	List	   *protected;		/* Oids of protected relations that they read */
	List	   *publics;		/* Oids of other relations that they read */
	bool		session;		/* what they compute depends on settings of the session */
	bool		lost;			/* they are more than their text and values tell */
} NormalContext;

extern bool normal_is_value(Node *node);
extern char *normal_text(NormalContext *context, Node *node);

#endif							/* DP_NORMAL_H */
