/*
 * scope.h
 *		What is known where an expression stands whose interval is asked for.
 */
#ifndef DP_SCOPE_H
#define DP_SCOPE_H

#include "postgres.h"

#include "nodes/pathnodes.h"

#include "query/level.h"
#include "query/ranges.h"

typedef struct Scope Scope;

/* An expression whose values lie within an interval, as a condition says. */
typedef struct Fact
{
	Node	   *node;
	Range		range;
} Fact;

struct Scope
{
	PlannerInfo *root;			/* to simplify parameters */
	Level	   *level;			/* NULL: columns are leaves (deferred.c) */
	double		rows;			/* the most rows of the level that an individual has; infinite
								 * if that is not known */
	List	   *facts;			/* of Fact */
	const Range *leaves;		/* of parameters of kind PARAM_EXEC, by their numbers */
	int			nleaves;
	bool	   *unknown;		/* set where a parameter's value is not known */
	Range		(*derive) (Scope *scope, Node *node);	/* the interval of an expression */
};

#endif							/* DP_SCOPE_H */
