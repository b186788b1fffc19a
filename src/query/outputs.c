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
#include "optimizer/clauses.h"
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
 * or added.  expr is validated; bound as in SpecArgument.
 */
static int
find_argument(ReleaseBuilder *builder, Node *expr, bool presence, int bound)
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
	argument->bound = bound;
	argument->count_coordinate = argument->sum_coordinate = DP_NO_COORDINATE;
	builder->arguments = lappend(builder->arguments, expr);
	return spec->narguments++;
}

/* The coordinate that counts rows: that of individuals if they have one each. */
static int
rows_coordinate(ReleaseBuilder *builder)
{
	if (builder->spec.streamed)
		return 0;
	if (builder->rows_coordinate < 0)
	{
		int			i = find_argument(builder, makeBoolConst(true, false), false, 0);

		builder->rows_coordinate = new_coordinate(builder);
		builder->spec.arguments[i].count_coordinate = builder->rows_coordinate;
	}
	return builder->rows_coordinate;
}

/* The coordinate that counts the values of an argument. */
static int
count_coordinate(ReleaseBuilder *builder, Node *expr, bool presence, bool not_null)
{
	SpecArgument *argument;

	if (not_null)
		return presence ? 0 : rows_coordinate(builder);
	argument = &builder->spec.arguments[find_argument(builder, expr, presence, 0)];
	if (argument->count_coordinate == DP_NO_COORDINATE)
		argument->count_coordinate = new_coordinate(builder);
	return argument->count_coordinate;
}

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

static Node *
float8_const(double value)
{
	return (Node *) makeConst(FLOAT8OID, -1, InvalidOid, sizeof(float8),
							  Float8GetDatum(value), false, FLOAT8PASSBYVAL);
}

/* A bound given as argument: a finite constant, or an external parameter. */
static Node *
explicit_bound(ReleaseBuilder *builder, Node *expr)
{
	Node	   *node = eval_const_expressions(builder->context->root, expr);

	if (IsA(node, Const) && !((Const *) node)->constisnull)
	{
		double		value = DatumGetFloat8(((Const *) node)->constvalue);

		spec_check_bounds(value, value);
		return node;
	}
	if (contain_volatile_functions(node) || contain_var_clause(node) ||
		contain_agg_clause(node) || contain_subplans(node) || IsA(node, Const))
		ereport(ERROR,
				(errcode(ERRCODE_DP_BOUNDS),
				 errmsg("bounds must be constants or parameters"),
				 errhint("Bounds are public: write numbers, as in dp_avg(x, 0, 100).")));
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

		if (IsA(low, Const) && IsA(high, Const) &&
			DatumGetFloat8(((Const *) low)->constvalue) >=
			DatumGetFloat8(((Const *) high)->constvalue))
			ereport(ERROR,
					(errcode(ERRCODE_DP_BOUNDS),
					 errmsg("lower bound must be less than upper bound")));
		return find_bound(builder, low, high);
	}
	if (!derive_bounds(builder->level, expr, &lower, &upper))
		no_bounds(builder->context, builder->level, expr, aggref->location);
	spec_check_bounds(lower, upper);
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
	expr = total_expression(builder->context, builder->level, filtered(aggref, expr));
	output->kind = SPEC_OUT_COUNT;
	output->presence = distinct;
	output->count_coordinate = count_coordinate(builder, expr, distinct, not_null);
}

static void
add_sum(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output, bool average)
{
	Node	   *expr = (Node *) linitial_node(TargetEntry, aggref->args)->expr;
	bool		not_null = expression_not_null(builder->level, expr) && aggref->aggfilter == NULL;
	SpecArgType type = argument_type(builder, expr);
	SpecArgument *argument;

	expr = eval_const_expressions(builder->context->root, expr);
	output->kind = average ? SPEC_OUT_AVG : SPEC_OUT_SUM;
	output->integral = !average && (type == SPEC_ARG_INT2 || type == SPEC_ARG_INT4 ||
									type == SPEC_ARG_INT8);
	output->bound = argument_bounds(builder, aggref, expr);
	expr = total_expression(builder->context, builder->level, filtered(aggref, expr));
	output->count_coordinate = count_coordinate(builder, expr, false, not_null);

	argument = &builder->spec.arguments[find_argument(builder, expr, false, output->bound)];
	argument->type = type;
	if (argument->sum_coordinate == DP_NO_COORDINATE)
		argument->sum_coordinate = new_coordinate(builder);
	output->sum_coordinate = argument->sum_coordinate;
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
	output->count_coordinate = output->sum_coordinate = DP_NO_COORDINATE;
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
