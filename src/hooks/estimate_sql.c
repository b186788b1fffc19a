/*
 * estimate_sql.c
 *		dp_agg.estimate(): an estimate of the text of a query.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "nodes/execnodes.h"
#include "nodes/params.h"
#include "tcop/tcopprot.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"

#include "core/amounts.h"
#include "hooks/estimate.h"
#include "policy/extension.h"

PG_FUNCTION_INFO_V1(dp_estimate);

/* Columns of estimate(). */
#define ESTIMATE_COLUMNS 16

/* ----------
 * The query and its parameters
 * ----------
 */

/* Error context: places in the text are about the query that is estimated, not about the one that asks. */
static void
about_query(void *text)
{
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery(text);
	}
}

/* Raises ERRCODE_INVALID_PARAMETER_VALUE: this is nothing to estimate. */
static void
refuse_statement(const char *problem)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("dp_agg.estimate() takes one query: %s", problem),
			 errhint("Give one SELECT, WITH, VALUES or TABLE; of DECLARE, PREPARE, CREATE TABLE AS, INSERT or COPY, the query in it.")));
}

/* Parses, analyzes and rewrites the text; *types gets the types of its parameters. */
static Query *
read_query(const char *text, Oid **types, int *ntypes)
{
	List	   *parsed = pg_parse_query(text);
	List	   *queries;
	Query	   *query;

	if (list_length(parsed) != 1)
		refuse_statement(parsed == NIL ? "there is none" : "there are several statements");
	*types = NULL;
	*ntypes = 0;
	queries = pg_analyze_and_rewrite_varparams(linitial_node(RawStmt, parsed), text, types, ntypes,
											   NULL);
	query = list_length(queries) == 1 ? linitial_node(Query, queries) : NULL;
	if (query == NULL || query->commandType != CMD_SELECT || query->utilityStmt != NULL)
		refuse_statement("this is another statement");
	return query;
}

/* Reads the values of parameters, texts, as their types do. */
static ParamListInfo
read_params_of(const Oid *types, int ntypes, ArrayType *given)
{
	Datum	   *values;
	bool	   *nulls;
	int			nvalues;
	ParamListInfo params;

	deconstruct_array(given, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &nvalues);
	if (nvalues != ntypes)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_PARAMETER),
				 errmsg("number of values given (%d) is not the number of parameters of the query (%d)",
						nvalues, ntypes),
				 errhint("Give a value for each as text: dp_agg.estimate('SELECT ... $1 ... $2', ARRAY['5', 'North']).")));
	if (ntypes == 0)
		return NULL;
	params = makeParamList(ntypes);
	for (int i = 0; i < ntypes; i++)
	{
		ParamExternData *param = &params->params[i];
		Oid			input;
		Oid			io_type;

		getTypeInputInfo(types[i], &input, &io_type);
		param->ptype = types[i];
		param->pflags = PARAM_FLAG_CONST;
		param->isnull = nulls[i];
		param->value = OidInputFunctionCall(input, nulls[i] ? NULL : TextDatumGetCString(values[i]),
											io_type, -1);
	}
	return params;
}

/* ----------
 * The result
 * ----------
 */

/* Puts a text into a column; NULL for none. */
static void
put_text(Datum *values, bool *nulls, int column, const char *text)
{
	nulls[column] = text == NULL;
	if (text != NULL)
		values[column] = CStringGetTextDatum(text);
}

/* Puts an amount in units of 10^-digits into a column; NULL for none. */
static void
put_amount(Datum *values, bool *nulls, int column, int64 amount, int digits)
{
	nulls[column] = amount < 0;
	if (amount >= 0)
		values[column] = DirectFunctionCall1(numeric_trim_scale, amount_numeric(amount, digits));
}

/* Puts a number into a column; NULL for none. */
static void
put_number(Datum *values, bool *nulls, int column, int64 number)
{
	nulls[column] = number < 0;
	values[column] = Int64GetDatum(number);
}

/* Puts a name into a column; NULL for none. */
static void
put_name(Datum *values, bool *nulls, int column, const char *name)
{
	nulls[column] = name == NULL;
	if (name != NULL)
		values[column] = DirectFunctionCall1(namein, CStringGetDatum(name));
}

/* A row of estimate(). */
static void
put_line(ReturnSetInfo *result, const EstimateLine *line)
{
	Datum		values[ESTIMATE_COLUMNS] = {0};
	bool		nulls[ESTIMATE_COLUMNS] = {false};

	put_text(values, nulls, 0, estimate_item_name(line->item));
	put_text(values, nulls, 1, line->name);
	put_name(values, nulls, 2, line->population);
	nulls[3] = line->release < 0;
	values[3] = Int32GetDatum(line->release);
	put_text(values, nulls, 4, line->grouping_set);
	put_amount(values, nulls, 5, line->epsilon_nano, 9);
	put_amount(values, nulls, 6, line->delta_atto, 18);
	put_amount(values, nulls, 7, line->epsilon_left, 9);
	put_amount(values, nulls, 8, line->delta_left, 18);
	nulls[9] = isnan(line->standard_error);
	values[9] = Float8GetDatum(line->standard_error);
	put_number(values, nulls, 10, line->rank_error);
	put_number(values, nulls, 11, line->smallest_group);
	nulls[12] = line->gaussian < 0;
	values[12] = BoolGetDatum(line->gaussian > 0);
	put_text(values, nulls, 13, line->limits);
	put_text(values, nulls, 14, line->bounds);
	put_text(values, nulls, 15, line->advice);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* Raises ERRCODE_INVALID_PARAMETER_VALUE for a number of individuals that no group has. */
static void
check_individuals(int64 individuals)
{
	if (individuals < 1 || individuals > INT64CONST(1000000000000))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("individuals must be a number from 1 to 1000000000000")));
}

/*
 * estimate(query text, params text[], individuals bigint) returns table (item text, name text,
 * population name, release integer, grouping_set text, epsilon numeric, delta numeric,
 * epsilon_left numeric, delta_left numeric, standard_error double precision, rank_error bigint,
 * smallest_group bigint, gaussian boolean, limits text, bounds text, advice text)
 */
PGDLLEXPORT Datum
dp_estimate(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	char	   *source = text_to_cstring(PG_GETARG_TEXT_PP(0));
	int64		individuals = PG_GETARG_INT64(2);
	ErrorContextCallback context = {.previous = error_context_stack,.callback = about_query,.arg = source};
	Oid		   *types;
	int			ntypes;
	Query	   *query;
	ParamListInfo params;
	List	   *lines;
	ListCell   *lc;

	extension_check_version();
	check_individuals(individuals);
	error_context_stack = &context;
	query = read_query(source, &types, &ntypes);
	params = read_params_of(types, ntypes, PG_GETARG_ARRAYTYPE_P(1));
	lines = estimate_statement(query, CURSOR_OPT_PARALLEL_OK, source, params, NULL, individuals);
	error_context_stack = context.previous;

	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, lines)
		put_line(result, lfirst(lc));
	return (Datum) 0;
}
