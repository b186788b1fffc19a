/*
 * estimate.h
 *		What a statement would cost, and how sharp its answers would be, without running it.
 */
#ifndef DP_ESTIMATE_H
#define DP_ESTIMATE_H

#include "postgres.h"

#include "nodes/params.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "utils/queryenvironment.h"

/* The number of individuals of the group that errors are computed for, unless somebody says otherwise. */
#define ESTIMATE_INDIVIDUALS 1000

/* What a line of an estimate is about. */
typedef enum EstimateItem
{
	ESTIMATE_STATEMENT,			/* a statement without releases */
	ESTIMATE_ACCOUNT,			/* an account that pays, or a cap */
	ESTIMATE_RELEASE,
	ESTIMATE_OUTPUT				/* an output of the release before it */
} EstimateItem;

/* A line of an estimate.  Texts are NULL, errors NAN, and numbers -1, where there is nothing to say. */
typedef struct EstimateLine
{
	EstimateItem item;
	char	   *name;
	char	   *population;
	char	   *grouping_set;
	int			release;		/* its number in the statement */
	int64		epsilon_nano;	/* price, nano-epsilon */
	int64		delta_atto;		/* price, atto-delta */
	int64		epsilon_left;	/* after the statement, nano-epsilon */
	int64		delta_left;		/* after the statement, atto-delta */
	double		standard_error;
	int64		rank_error;		/* in individuals */
	int64		smallest_group; /* in individuals */
	int			gaussian;		/* 1 or 0 */
	char	   *limits;
	char	   *bounds;
	char	   *advice;
} EstimateLine;

extern const char *estimate_item_name(EstimateItem item);
extern List *estimate_statement(Query *query, int cursor_options, const char *source,
								ParamListInfo params, QueryEnvironment *environment,
								int64 individuals);

#endif							/* DP_ESTIMATE_H */
