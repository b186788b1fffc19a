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

/*
 * More expressions than this are not looked at for one interval: a column of a sub-select that is
 * named twice is looked at twice, and so is what it is made of, twice as often on each level.
 */
#define DP_MOST_STEPS 20000

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
	Scope	   *outer;			/* around a sub-select in FROM; NULL: not known */
	double		rows;			/* the most rows of the level that an individual has; infinite
								 * if that is not known */
	List	   *facts;			/* of Fact */
	const Range *leaves;		/* of parameters of kind PARAM_EXEC, by their numbers */
	int			nleaves;
	bool	   *unknown;		/* set where a parameter's value is not known */
	int		   *steps;			/* how many expressions have been looked at */
	Range		(*derive) (Scope *scope, Node *node);	/* the interval of an expression */
};

#endif							/* DP_SCOPE_H */
