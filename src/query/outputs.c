/*
 * outputs.c
 *		From the aggregates of a level to coordinates of one vector.
 *
 * Every output shares one joint noise draw, so what counts is how few
 * coordinates are needed: equal arguments share theirs, an argument that
 * cannot be NULL shares the count of rows, and when the unit is unique that is
 * the number of individuals, coordinate 0, which the gate needs anyway.
 */
#include "postgres.h"

#include "catalog/pg_aggregate.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"

#include "errors.h"
#include "policy/extension.h"
#include "query/query.h"

static DpFunction
aggregate_function(Aggref *aggref)
{
	DpFunction	function = extension_function(aggref->aggfnoid);
	char	   *name;

	if (function != DP_FUNC_NONE || aggref->aggfnoid >= FirstNormalObjectId)
		return function;
	name = get_func_name(aggref->aggfnoid);
	if (strcmp(name, "count") == 0)
		return aggref->aggdistinct != NIL ? DP_FUNC_COUNT_DISTINCT : DP_FUNC_COUNT;
	if (strcmp(name, "sum") == 0)
		return DP_FUNC_SUM;
	if (strcmp(name, "avg") == 0)
		return DP_FUNC_AVG;
	return DP_FUNC_NONE;
}

static SpecArgType
argument_type(ReleaseBuilder *builder, Node *expr)
{
	switch (exprType(expr))
	{
		case INT2OID:
			return SPEC_ARG_INT2;
		case INT4OID:
			return SPEC_ARG_INT4;
		case INT8OID:
			return SPEC_ARG_INT8;
		case FLOAT4OID:
			return SPEC_ARG_FLOAT4;
		case FLOAT8OID:
			return SPEC_ARG_FLOAT8;
		case NUMERICOID:
			return SPEC_ARG_NUMERIC;
		default:
			refuse(REFUSE_AGGREGATE, builder->context->source, exprLocation(expr));
	}
	return SPEC_ARG_ANY;
}

static bool
is_float_type(Oid type)
{
	return type == FLOAT4OID || type == FLOAT8OID || type == NUMERICOID;
}

/* The argument under its FILTER: a row that fails it has no value. */
static Node *
filtered(Aggref *aggref, Node *expr)
{
	CaseExpr   *result;
	CaseWhen   *when;

	if (aggref->aggfilter == NULL)
		return expr;
	when = makeNode(CaseWhen);
	when->expr = aggref->aggfilter;
	when->result = (Expr *) expr;
	when->location = -1;
	result = makeNode(CaseExpr);
	result->casetype = exprType(expr);
	result->casecollid = exprCollation(expr);
	result->args = list_make1(when);
	result->defresult = (Expr *) makeNullConst(exprType(expr), exprTypmod(expr),
											   exprCollation(expr));
	result->location = -1;
	return (Node *) result;
}

static int
new_coordinate(ReleaseBuilder *builder)
{
	if (builder->spec.dimensions >= DP_MAX_DIMENSIONS)
		refuse(REFUSE_MANY_OUTPUTS, builder->context->source, -1);
	return builder->spec.dimensions++;
}

/*
 * Position of an argument of the collector, found among those it has already
 * or added.  expr is validated; the rest as in SpecArgument.
 */
static int
find_argument(ReleaseBuilder *builder, Node *expr, bool presence, bool not_null, int bound)
{
	ReleaseSpec *spec = &builder->spec;
	SpecArgument *argument;
	int			i = 0;
	ListCell   *lc;

	foreach(lc, builder->arguments)
	{
		argument = &spec->arguments[i];
		if (equal(lfirst(lc), expr) && argument->presence == presence &&
			(bound == 0 || argument->bound == 0 || argument->bound == bound))
		{
			if (bound != 0)
				argument->bound = bound;
			return i;
		}
		i++;
	}
	if (spec->narguments >= DP_MAX_ARGUMENTS)
		refuse(REFUSE_MANY_OUTPUTS, builder->context->source, -1);
	argument = &spec->arguments[spec->narguments];
	argument->type = SPEC_ARG_ANY;
	argument->presence = presence;
	argument->not_null = not_null;
	argument->bound = bound;
	argument->count_coordinate = DP_NO_COORDINATE;
	for (int c = 0; c < SPEC_IMPUTATIONS; c++)
		argument->sum_coordinate[c] = DP_NO_COORDINATE;
	builder->arguments = lappend(builder->arguments, expr);
	return spec->narguments++;
}

/* ----------
 * Coordinates, once all outputs are known
 * ----------
 */

/* The coordinate that counts the values of an argument, if there is one yet. */
static int16 *
count_coordinate(ReleaseBuilder *builder, SpecArgument *argument)
{
	if (argument != NULL && !argument->not_null)
		return &argument->count_coordinate;
	return &builder->rows_coordinate;
}

static int
sum_coordinate(ReleaseBuilder *builder, SpecArgument *argument, SpecImputation imputation)
{
	if (argument->sum_coordinate[imputation] == DP_NO_COORDINATE)
		argument->sum_coordinate[imputation] = new_coordinate(builder);
	return argument->sum_coordinate[imputation];
}

/* Is there an average of the same argument? */
static bool
has_average(ReleaseBuilder *builder, int argument)
{
	for (int i = 0; i < builder->spec.noutputs; i++)
	{
		if (builder->spec.outputs[i].kind == SPEC_OUT_AVG &&
			builder->spec.outputs[i].argument == argument)
			return true;
	}
	return false;
}

/* Are the bounds constants around 0? */
static bool
bounds_contain_zero(ReleaseBuilder *builder, int bound)
{
	Const	   *lower = list_nth(builder->params, bound);
	Const	   *upper = list_nth(builder->params, bound + 1);

	return IsA(lower, Const) && IsA(upper, Const) &&
		DatumGetFloat8(lower->constvalue) <= 0 && DatumGetFloat8(upper->constvalue) >= 0 &&
		DatumGetFloat8(lower->constvalue) < DatumGetFloat8(upper->constvalue);
}

static void
assign_count(ReleaseBuilder *builder, SpecOutput *output)
{
	SpecArgument *argument = output->argument < 0 ? NULL :
	&builder->spec.arguments[output->argument];
	int16	   *coordinate = count_coordinate(builder, argument);

	if (output->presence && (argument == NULL || argument->not_null))
	{
		output->count_coordinate = 0;
		return;
	}
	if (*coordinate == DP_NO_COORDINATE)
	{
		*coordinate = new_coordinate(builder);
		if (coordinate == &builder->rows_coordinate)
		{
			int			i = find_argument(builder, makeBoolConst(true, false),
										  false, false, 0);

			builder->spec.arguments[i].count_coordinate = *coordinate;
		}
	}
	output->count_coordinate = *coordinate;
}

static void
assign_sum(ReleaseBuilder *builder, SpecOutput *output)
{
	SpecArgument *argument = &builder->spec.arguments[output->argument];
	int			count = *count_coordinate(builder, argument);

	if (count != DP_NO_COORDINATE)
	{
		output->source = SPEC_FROM_COUNT;
		output->count_coordinate = count;
		output->sum_coordinate = sum_coordinate(builder, argument, SPEC_IMPUTE_CENTRE);
	}
	else if (!has_average(builder, output->argument) &&
			 bounds_contain_zero(builder, output->bound))
	{
		output->source = SPEC_FROM_ZERO;
		output->sum_coordinate = sum_coordinate(builder, argument, SPEC_IMPUTE_ZERO);
	}
	else
	{
		output->source = SPEC_FROM_PAIR;
		output->sum_coordinate = sum_coordinate(builder, argument, SPEC_IMPUTE_LOWER);
		output->upper_coordinate = sum_coordinate(builder, argument, SPEC_IMPUTE_UPPER);
	}
}

/*
 * Gives every output its coordinates: counts first, because a sum beside a
 * count needs one coordinate where it would need two by itself.
 */
void
assign_coordinates(ReleaseBuilder *builder)
{
	ReleaseSpec *spec = &builder->spec;

	builder->rows_coordinate = spec->streamed ? 0 : DP_NO_COORDINATE;
	for (int i = 0; i < spec->noutputs; i++)
	{
		if (spec->outputs[i].kind == SPEC_OUT_COUNT)
			assign_count(builder, &spec->outputs[i]);
	}
	for (int i = 0; i < spec->noutputs; i++)
	{
		if (spec->outputs[i].kind != SPEC_OUT_COUNT)
			assign_sum(builder, &spec->outputs[i]);
	}
}

/* ----------
 * Outputs
 * ----------
 */

/* Adds a pair of bounds to the parameters, or finds it there. */
static int
find_bound(ReleaseBuilder *builder, Node *lower, Node *upper)
{
	for (int i = DP_PARAM_FIRST_BOUND; i + 1 < list_length(builder->params); i += 2)
	{
		if (equal(list_nth(builder->params, i), lower) &&
			equal(list_nth(builder->params, i + 1), upper))
			return i;
	}
	builder->params = lappend(lappend(builder->params, lower), upper);
	return list_length(builder->params) - 2;
}

/* A bound given as argument: a finite constant, or an external parameter. */
static Node *
explicit_bound(ReleaseBuilder *builder, Node *expr)
{
	Node	   *node = release_parameter(builder->context, expr);

	if (node != NULL && IsA(node, Const) && ((Const *) node)->constisnull)
		spec_null_parameter();
	if (node == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DP_BOUNDS),
				 errmsg("bounds must be constants or parameters"),
				 errhint("Bounds are public: write numbers, as in dp_avg(x, 0, 100).")));
	if (IsA(node, Const))
	{
		double		value = DatumGetFloat8(((Const *) node)->constvalue);

		spec_check_bounds(value, value, true);
	}
	return node;
}

/* Position of the bounds of a sum's or average's argument. */
static int
argument_bounds(ReleaseBuilder *builder, Aggref *aggref, Node *expr)
{
	double		lower;
	double		upper;

	if (list_length(aggref->args) == 3)
	{
		Node	   *low = explicit_bound(builder,
										 (Node *) lsecond_node(TargetEntry, aggref->args)->expr);
		Node	   *high = explicit_bound(builder,
										  (Node *) lthird_node(TargetEntry, aggref->args)->expr);

		int			bound;

		bound = find_bound(builder, low, high);
		builder->spec.explicit_bounds |= UINT64CONST(1) << (bound / 2);
		return bound;
	}
	if (!derive_bounds(builder->level, expr, &lower, &upper))
		no_bounds(builder->context, builder->level, expr, aggref->location);
	spec_check_bounds(lower, upper, true);
	return find_bound(builder, float8_const(lower), float8_const(upper));
}

/* Is this (list of) expression(s) the unit? */
static bool
is_unit(ReleaseBuilder *builder, Node *expr)
{
	List	   *columns = IsA(expr, RowExpr) ? ((RowExpr *) expr)->args : list_make1(expr);
	ListCell   *lc;

	foreach(lc, builder->individuals->units)
	{
		List	   *unit = lfirst(lc);
		bool		same = list_length(unit) == list_length(columns);

		for (int i = 0; same && i < list_length(unit); i++)
			same = list_member(columns, list_nth(unit, i)) ||
				equal(strip_relabel(list_nth(columns, i)), list_nth(unit, i));
		if (same)
			return true;
	}
	return false;
}

static void
add_count(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output, bool distinct)
{
	Node	   *expr = makeBoolConst(true, false);
	bool		not_null = true;

	if (distinct && !is_unit(builder, (Node *) linitial_node(TargetEntry, aggref->args)->expr))
		refuse(REFUSE_AGGREGATE_FORM, builder->context->source, aggref->location);
	if (!aggref->aggstar && !distinct)
	{
		expr = (Node *) linitial_node(TargetEntry, aggref->args)->expr;
		not_null = expression_not_null(builder->level, expr);
	}
	if (aggref->aggfilter != NULL)
		not_null = false;
	output->kind = SPEC_OUT_COUNT;
	output->presence = distinct;
	output->argument = -1;
	if (not_null)
		return;
	expr = total_expression(builder->context, builder->level, filtered(aggref, expr));
	output->argument = find_argument(builder, expr, distinct, false, 0);

	/* NaN is no value, for counts as for sums */
	if (is_float_type(exprType(expr)) && !distinct)
		builder->spec.arguments[output->argument].type = argument_type(builder, expr);
}

static void
add_sum(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output, bool average)
{
	Node	   *expr = (Node *) linitial_node(TargetEntry, aggref->args)->expr;
	bool		not_null = expression_not_null(builder->level, expr) && aggref->aggfilter == NULL;
	SpecArgType type = argument_type(builder, expr);

	output->kind = average ? SPEC_OUT_AVG : SPEC_OUT_SUM;
	output->integral = !average && (type == SPEC_ARG_INT2 || type == SPEC_ARG_INT4 ||
									type == SPEC_ARG_INT8);
	output->bound = argument_bounds(builder, aggref, expr);
	expr = total_expression(builder->context, builder->level, filtered(aggref, expr));
	output->argument = find_argument(builder, expr, false, not_null, output->bound);
	builder->spec.arguments[output->argument].type = type;
}

/* Appends the output's name to the description for the ledger, if it fits. */
static void
name_output(ReleaseBuilder *builder, Aggref *aggref)
{
	ReleaseSpec *spec = &builder->spec;
	StringInfoData name;
	Size		used = strlen(spec->output_names);

	initStringInfo(&name);
	appendStringInfo(&name, "%s%s(", used > 0 ? ", " : "", get_func_name(aggref->aggfnoid));
	if (aggref->aggstar)
		appendStringInfoChar(&name, '*');
	else
	{
		Node	   *expr = strip_relabel((Node *) linitial_node(TargetEntry, aggref->args)->expr);

		if (aggref->aggdistinct != NIL)
			appendStringInfoString(&name, "distinct ");
		if (IsA(expr, Var) && ((Var *) expr)->varlevelsup == 0)
			appendStringInfoString(&name,
								   get_rte_attribute_name(rt_fetch(((Var *) expr)->varno,
																   builder->level->query->rtable),
														  ((Var *) expr)->varattno));
		else
			appendStringInfoString(&name, "...");
	}
	appendStringInfoString(&name, aggref->aggfilter != NULL ? ") filter" : ")");
	if (used + name.len < sizeof(spec->output_names))
		strcpy(spec->output_names + used, name.data);
	pfree(name.data);
}

/*
 * Adds an aggregate of the level to the release, unless an equal one is there,
 * and returns the position of its output (from 0).  Raises
 * ERRCODE_DP_QUERY_REFUSED or ERRCODE_DP_BOUNDS.
 */
int
add_output(ReleaseBuilder *builder, Aggref *aggref)
{
	ReleaseSpec *spec = &builder->spec;
	SpecOutput *output;
	DpFunction	function = aggregate_function(aggref);
	int			i = 0;
	ListCell   *lc;

	foreach(lc, builder->aggregates)
	{
		if (equal(lfirst(lc), aggref))
			return i;
		i++;
	}
	if (spec->noutputs >= DP_MAX_OUTPUTS)
		refuse(REFUSE_MANY_OUTPUTS, builder->context->source, aggref->location);
	if (aggref->aggorder != NIL || aggref->aggkind != AGGKIND_NORMAL || aggref->aggvariadic ||
		(aggref->aggdistinct != NIL && function != DP_FUNC_COUNT_DISTINCT))
		refuse(function == DP_FUNC_NONE ? REFUSE_AGGREGATE : REFUSE_AGGREGATE_FORM,
			   builder->context->source, aggref->location);
	if (builder->context->strict > 0 && !builder->context->analyst && !is_dp_aggregate(aggref))
		refuse(REFUSE_MIXED, builder->context->source, aggref->location);

	output = &spec->outputs[spec->noutputs];
	output->source = SPEC_FROM_COUNT;
	output->count_coordinate = output->sum_coordinate =
		output->upper_coordinate = DP_NO_COORDINATE;
	output->type = aggref->aggtype;
	switch (function)
	{
		case DP_FUNC_COUNT:
		case DP_FUNC_COUNT_DISTINCT:
			add_count(builder, aggref, output, function == DP_FUNC_COUNT_DISTINCT);
			break;
		case DP_FUNC_SUM:
		case DP_FUNC_AVG:
			add_sum(builder, aggref, output, function == DP_FUNC_AVG);
			break;
		default:
			refuse(REFUSE_AGGREGATE, builder->context->source, aggref->location);
	}
	name_output(builder, aggref);
	builder->aggregates = lappend(builder->aggregates, aggref);
	return spec->noutputs++;
}
