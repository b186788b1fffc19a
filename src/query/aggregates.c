/*
 * aggregates.c
 *		Which aggregate is it?
 */
#include "postgres.h"

#include "access/transam.h"
#include "utils/lsyscache.h"

#include "policy/extension.h"
#include "query/aggregates.h"

/* PostgreSQL's own aggregates and what they mean over protected rows. */
static const struct
{
	const char *name;
	DpFunction	function;
}			standard_aggregates[] =
{
	{"count", DP_FUNC_COUNT},
	{"sum", DP_FUNC_SUM},
	{"avg", DP_FUNC_AVG},
	{"min", DP_FUNC_MIN},
	{"max", DP_FUNC_MAX},
	{"var_samp", DP_FUNC_VAR},
	{"variance", DP_FUNC_VAR},
	{"var_pop", DP_FUNC_VAR_POP},
	{"stddev", DP_FUNC_STDDEV},
	{"stddev_samp", DP_FUNC_STDDEV},
	{"stddev_pop", DP_FUNC_STDDEV_POP},
	{"covar_samp", DP_FUNC_COVAR},
	{"covar_pop", DP_FUNC_COVAR_POP},
	{"corr", DP_FUNC_CORR},
	{"regr_slope", DP_FUNC_REGR_SLOPE},
	{"regr_intercept", DP_FUNC_REGR_INTERCEPT},
	{"regr_r2", DP_FUNC_REGR_R2},
	{"regr_count", DP_FUNC_REGR_COUNT},
	{"regr_avgx", DP_FUNC_REGR_AVGX},
	{"regr_avgy", DP_FUNC_REGR_AVGY},
	{"regr_sxx", DP_FUNC_REGR_SXX},
	{"regr_syy", DP_FUNC_REGR_SYY},
	{"regr_sxy", DP_FUNC_REGR_SXY},
	{"percentile_cont", DP_FUNC_QUANTILE},
	{"percentile_disc", DP_FUNC_QUANTILE},
	{"mode", DP_FUNC_MODE},
	{"bool_and", DP_FUNC_BOOL_AND},
	{"every", DP_FUNC_BOOL_AND},
	{"bool_or", DP_FUNC_BOOL_OR},
	{"array_agg", DP_FUNC_LIST},
	{"string_agg", DP_FUNC_LIST},
};

/* Which of the aggregates it stands for; DP_FUNC_NONE if there is no such one. */
DpFunction
aggregate_function(Aggref *aggref)
{
	DpFunction	function = extension_function(aggref->aggfnoid);

	if (function == DP_FUNC_NONE && aggref->aggfnoid < FirstNormalObjectId)
	{
		char	   *name = get_func_name(aggref->aggfnoid);

		for (int i = 0; i < (int) lengthof(standard_aggregates); i++)
		{
			if (strcmp(name, standard_aggregates[i].name) == 0)
				function = standard_aggregates[i].function;
		}
	}
	if (function == DP_FUNC_COUNT && aggref->aggdistinct != NIL)
		return DP_FUNC_COUNT_DISTINCT;
	return function;
}

/* Is the result the same however often a value is there, so that DISTINCT changes nothing? */
bool
ignores_repeats(DpFunction function)
{
	return function == DP_FUNC_MIN || function == DP_FUNC_MAX ||
		function == DP_FUNC_BOOL_AND || function == DP_FUNC_BOOL_OR;
}

/* Argument i (from 0) of an aggregate. */
Node *
aggregate_argument(Aggref *aggref, int i)
{
	return (Node *) list_nth_node(TargetEntry, aggref->args, i)->expr;
}
