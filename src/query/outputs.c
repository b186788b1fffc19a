/*
 * outputs.c
 *		From the aggregates of a level to the outputs of its release.
 *
 * Each aggregate becomes an output.  Which coordinates of the vector outputs
 * need is decided when all are known (moments.c).  What is chosen rather
 * than added up gets a sketch of its argument and a part that chooses
 * (selections.c).
 */
#include "postgres.h"

#include "catalog/pg_aggregate.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "core/refusals.h"
#include "policy/allowed.h"
#include "policy/extension.h"
#include "query/aggregates.h"
#include "query/arguments.h"
#include "query/bases.h"
#include "query/builder.h"
#include "query/coordinates.h"
#include "query/equalities.h"
#include "query/identifiers.h"
#include "query/outputs.h"
#include "query/questions.h"
#include "query/refuse.h"
#include "query/selections.h"
#include "query/sums.h"
#include "spec/domain.h"
#include "spec/spec.h"

/* ----------
 * What form it may have
 * ----------
 */

/*
 * The same aggregate of what stands below an implicit cast to double precision; else itself.  One
 * dp_median(double precision) is there for all numbers, and integers are to stay such.  Those of
 * pairs are of double precision only.
 */
static Aggref *
with_own_type(Aggref *aggref, DpFunction function)
{
	FuncExpr   *cast;
	Aggref	   *result;

	if (!is_dp_aggregate(aggref) || aggref->args == NIL ||
		(function >= DP_FUNC_COVAR && function <= DP_FUNC_REGR_SXY))
		return aggref;
	cast = (FuncExpr *) strip_relabel(aggregate_argument(aggref, 0));
	if (!IsA(cast, FuncExpr) || cast->funcformat != COERCE_IMPLICIT_CAST ||
		cast->funcresulttype != FLOAT8OID || list_length(cast->args) != 1 ||
		domain_of_type(exprType(linitial(cast->args))) == SPEC_ARG_ANY)
		return aggref;
	result = copyObject(aggref);
	linitial_node(TargetEntry, result->args)->expr = copyObject(linitial(cast->args));
	return result;
}

/* What DISTINCT, ORDER BY and WITHIN GROUP there may be. */
static void
check_form(ReleaseBuilder *builder, Aggref *aggref, DpFunction function)
{
	bool		good;

	if (function == DP_FUNC_LIST && aggref->aggdistinct == NIL)
		refuse(REFUSE_LIST, builder->context->source, aggref->location);
	if (function == DP_FUNC_LIST)
		return;					/* what it may be sorted by are its arguments */
	if (aggref->aggkind == AGGKIND_ORDERED_SET)
		good = list_length(aggref->args) == 1;
	else
		good = aggref->aggkind == AGGKIND_NORMAL && aggref->aggorder == NIL;
	if (aggref->aggvariadic ||
		(aggref->aggdistinct != NIL && function != DP_FUNC_COUNT_DISTINCT && !ignores_repeats(function)))
		good = false;
	if (!good)
		refuse(function == DP_FUNC_NONE ? REFUSE_AGGREGATE : REFUSE_AGGREGATE_FORM,
			   builder->context->source, aggref->location);
}

/* ----------
 * Outputs of the numeric vector
 * ----------
 */

/* Has the type a NaN? */
static bool
is_float_type(Oid type)
{
	return type == FLOAT4OID || type == FLOAT8OID || type == NUMERICOID;
}

/*
 * Rows, values, or individuals of count(*), count(x), count(distinct unit).  presence: what has a
 * value in the rows whose individuals are counted; NULL if rows or values are.
 */
static void
add_count(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output, Node *presence)
{
	Node	   *expr = presence != NULL ? presence : makeBoolConst(true, false);
	const Combination *made = find_combination(builder, aggref);
	SpecArgType type = SPEC_ARG_ANY;
	WantedOutput *wanted = &builder->wanted[builder->spec.noutputs];

	output->kind = SPEC_OUT_COUNT;
	wanted->presence = presence != NULL;
	if (!aggref->aggstar && presence == NULL)
		expr = made != NULL ? copyObject(made->parts[0].base) : aggregate_argument(aggref, 0);
	if (never_null(builder, aggref, expr) && !checkExprHasSubLink(expr))
	{
		wanted->set = find_set(builder, DP_NONE, DP_NONE, true);
		return;
	}
	/* NaN is no value, for counts as for sums; as a unit it is one */
	if (presence == NULL && is_float_type(exprType(expr)))
		type = domain_of_type(exprType(expr));
	expr = guard_argument(builder, aggref, expr);
	wanted->set = find_set(builder, find_argument(builder, expr, type, 0), DP_NONE, false);
}

/* What of its argument an aggregate needs, and others may share: for bases.c. */
static bool
note_walker(Node *node, ReleaseBuilder *builder)
{
	if (node == NULL)
		return false;
	if (IsA(node, Aggref) && ((Aggref *) node)->agglevelsup == 0)
	{
		DpFunction	function = aggregate_function((Aggref *) node);
		Aggref	   *aggref = with_own_type((Aggref *) node, function);

		switch (function)
		{
			case DP_FUNC_COUNT:
				note_argument(builder, aggref, USE_COUNT);
				break;
			case DP_FUNC_SUM:
				note_argument(builder, aggref, USE_SUM);
				break;
			case DP_FUNC_AVG:
				note_argument(builder, aggref, USE_MEAN);
				break;
			case DP_FUNC_VAR:
			case DP_FUNC_VAR_POP:
			case DP_FUNC_STDDEV:
			case DP_FUNC_STDDEV_POP:
				note_argument(builder, aggref, USE_SPREAD);
				break;
			default:
				break;
		}
		return false;
	}
	return expression_tree_walker(node, note_walker, (void *) builder);
}

/* Looks at all aggregates of the level before the first becomes an output. */
void
note_aggregates(ReleaseBuilder *builder)
{
	(void) note_walker((Node *) builder->level->query->targetList, builder);
	(void) note_walker(builder->level->query->havingQual, builder);
	choose_bases(builder);
}

/* The argument of a count of the rows that meet a condition as well as the aggregate's FILTER. */
static int
condition_argument(ReleaseBuilder *builder, Aggref *aggref, Node *condition)
{
	Aggref	   *count = copyObject(aggref);
	List	   *conditions = list_make1(condition);

	if (aggref->aggfilter != NULL)
		conditions = lcons(aggref->aggfilter, conditions);
	count->aggfilter = make_ands_explicit(conditions);
	return find_argument(builder, guard_argument(builder, count, makeBoolConst(true, false)),
						 SPEC_ARG_ANY, 0);
}

/*
 * bool_or (any) and bool_and: is there a true, is there no false?  Those are counted who have one,
 * beside those who have a value.  A sub-select in the argument would run twice for both numbers: then all
 * individuals stand for those who have a value.
 */
static void
add_boolean(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output, bool any)
{
	Node	   *expr = aggregate_argument(aggref, 0);
	WantedOutput *wanted = &builder->wanted[builder->spec.noutputs];

	output->kind = any ? SPEC_OUT_ANY : SPEC_OUT_NONE;
	wanted->presence = true;
	wanted->argument = condition_argument(builder, aggref, any ? expr :
										  (Node *) makeBoolExpr(NOT_EXPR, list_make1(expr), -1));
	if (never_null(builder, aggref, expr) || checkExprHasSubLink((Node *) aggref))
		wanted->set = find_set(builder, DP_NONE, DP_NONE, true);
	else
		wanted->set = find_set(builder, find_argument(builder, guard_argument(builder, aggref, expr),
													  SPEC_ARG_ANY, 0), DP_NONE, false);
}

/*
 * min and max: order statistics of what has bounds, of booleans whether there is a false or a
 * true, of all else the first or last of released values.
 */
static void
add_extreme(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output, SpecTargetKind kind)
{
	Oid			type = exprType(aggregate_argument(aggref, 0));

	if (domain_of_type(type) != SPEC_ARG_ANY)
		add_rank(builder, aggref, output, kind);
	else if (type == BOOLOID)
		add_boolean(builder, aggref, output, kind == SPEC_TARGET_MAX);
	else
		add_first_value(builder, aggref, output, kind == SPEC_TARGET_MAX);
}

/* ----------
 * The tier
 * ----------
 */

/*
 * The risk tier of the row.  It follows from how the release is made and sent, and is of the
 * group, not of some of its rows.
 */
static void
add_tier(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output)
{
	if (aggref->aggfilter != NULL)
		refuse(REFUSE_TIER_FILTER, builder->context->source, aggref->location);
	output->kind = SPEC_OUT_TIER;
}

/* ----------
 * All of them
 * ----------
 */

/* How an aggregate becomes an output, and of what kind. */
typedef enum Family
{
	FAMILY_COUNT,
	FAMILY_DISTINCT,
	FAMILY_MOMENTS,
	FAMILY_PAIR,
	FAMILY_RANK,
	FAMILY_EXTREME,
	FAMILY_BOOLEAN,
	FAMILY_LIST,
	FAMILY_QUANTILE,
	FAMILY_FREQUENT,
	FAMILY_HISTOGRAM,
	FAMILY_BOUNDS,
	FAMILY_TIER
} Family;

static const struct
{
	DpFunction	function;
	Family		family;
	int			kind;			/* SpecOutputKind; of ranks and extremes SpecTargetKind */
}			families[] =
{
	{DP_FUNC_COUNT, FAMILY_COUNT, SPEC_OUT_COUNT},
	{DP_FUNC_COUNT_DISTINCT, FAMILY_DISTINCT, SPEC_OUT_COUNT},
	{DP_FUNC_SUM, FAMILY_MOMENTS, SPEC_OUT_SUM},
	{DP_FUNC_AVG, FAMILY_MOMENTS, SPEC_OUT_AVG},
	{DP_FUNC_VAR, FAMILY_MOMENTS, SPEC_OUT_VAR_SAMP},
	{DP_FUNC_VAR_POP, FAMILY_MOMENTS, SPEC_OUT_VAR_POP},
	{DP_FUNC_STDDEV, FAMILY_MOMENTS, SPEC_OUT_STDDEV_SAMP},
	{DP_FUNC_STDDEV_POP, FAMILY_MOMENTS, SPEC_OUT_STDDEV_POP},
	{DP_FUNC_COVAR, FAMILY_PAIR, SPEC_OUT_COVAR_SAMP},
	{DP_FUNC_COVAR_POP, FAMILY_PAIR, SPEC_OUT_COVAR_POP},
	{DP_FUNC_CORR, FAMILY_PAIR, SPEC_OUT_CORR},
	{DP_FUNC_REGR_SLOPE, FAMILY_PAIR, SPEC_OUT_SLOPE},
	{DP_FUNC_REGR_INTERCEPT, FAMILY_PAIR, SPEC_OUT_INTERCEPT},
	{DP_FUNC_REGR_R2, FAMILY_PAIR, SPEC_OUT_R2},
	{DP_FUNC_REGR_COUNT, FAMILY_PAIR, SPEC_OUT_COUNT},
	{DP_FUNC_REGR_AVGX, FAMILY_PAIR, SPEC_OUT_AVGX},
	{DP_FUNC_REGR_AVGY, FAMILY_PAIR, SPEC_OUT_AVGY},
	{DP_FUNC_REGR_SXX, FAMILY_PAIR, SPEC_OUT_SXX},
	{DP_FUNC_REGR_SYY, FAMILY_PAIR, SPEC_OUT_SYY},
	{DP_FUNC_REGR_SXY, FAMILY_PAIR, SPEC_OUT_SXY},
	{DP_FUNC_MEDIAN, FAMILY_RANK, SPEC_TARGET_QUANTILE},
	{DP_FUNC_MIN, FAMILY_EXTREME, SPEC_TARGET_MIN},
	{DP_FUNC_MAX, FAMILY_EXTREME, SPEC_TARGET_MAX},
	{DP_FUNC_BOOL_AND, FAMILY_BOOLEAN, SPEC_OUT_NONE},
	{DP_FUNC_BOOL_OR, FAMILY_BOOLEAN, SPEC_OUT_ANY},
	{DP_FUNC_LIST, FAMILY_LIST, SPEC_OUT_LIST},
	{DP_FUNC_QUANTILE, FAMILY_QUANTILE, SPEC_OUT_RANK},
	{DP_FUNC_MODE, FAMILY_FREQUENT, SPEC_OUT_MODE},
	{DP_FUNC_TOP, FAMILY_FREQUENT, SPEC_OUT_TOP},
	{DP_FUNC_HISTOGRAM, FAMILY_HISTOGRAM, SPEC_OUT_HISTOGRAM},
	{DP_FUNC_BOUNDS, FAMILY_BOUNDS, SPEC_OUT_BOUNDS},
	{DP_FUNC_TIER, FAMILY_TIER, SPEC_OUT_TIER},
};

/* Fills in the output of an aggregate, by its family. */
static void
add_aggregate(ReleaseBuilder *builder, Aggref *aggref, DpFunction function,
			  SpecOutput *output)
{
	Node	   *presence;
	int			i = 0;

	while (i < (int) lengthof(families) && families[i].function != function)
		i++;
	if (i >= (int) lengthof(families) && list_length(aggref->args) == 1 &&
		!type_is_allowed(exprType(aggregate_argument(aggref, 0))))
		refuse_type(builder->context, exprType(aggregate_argument(aggref, 0)), aggref->location);
	if (i >= (int) lengthof(families))
		refuse(REFUSE_AGGREGATE, builder->context->source, aggref->location);
	switch (families[i].family)
	{
		case FAMILY_COUNT:
			add_count(builder, aggref, output, NULL);
			break;
		case FAMILY_DISTINCT:
			presence = unit_value(builder, aggregate_argument(aggref, 0));
			if (presence != NULL)
				add_count(builder, aggref, output, presence);
			else
				add_distinct(builder, aggref, output);
			break;
		case FAMILY_MOMENTS:
			add_moments(builder, aggref, output, families[i].kind);
			break;
		case FAMILY_PAIR:
			add_pair(builder, aggref, output, families[i].kind);
			break;
		case FAMILY_RANK:
			add_rank(builder, aggref, output, families[i].kind);
			break;
		case FAMILY_EXTREME:
			add_extreme(builder, aggref, output, families[i].kind);
			break;
		case FAMILY_BOOLEAN:
			add_boolean(builder, aggref, output, families[i].kind == SPEC_OUT_ANY);
			break;
		case FAMILY_LIST:
			add_list(builder, aggref, output);
			break;
		case FAMILY_QUANTILE:
			add_quantile(builder, aggref, output);
			break;
		case FAMILY_FREQUENT:
			add_frequent(builder, aggref, output, families[i].kind == SPEC_OUT_TOP);
			break;
		case FAMILY_HISTOGRAM:
			add_histogram(builder, aggref, output);
			break;
		case FAMILY_BOUNDS:
			add_bounds(builder, aggref, output);
			break;
		case FAMILY_TIER:
			add_tier(builder, aggref, output);
			break;
	}
}

/*
 * Refuses direct identifiers among the arguments, but for the unit where it is counted.  They are
 * judged before bounds are asked for, and also where only their number matters.
 */
static void
check_arguments(ReleaseBuilder *builder, Aggref *aggref)
{
	ListCell   *lc;

	foreach(lc, aggref->args)
	{
		Node	   *expr = (Node *) lfirst_node(TargetEntry, lc)->expr;
		List	   *columns = IsA(expr, RowExpr) ? ((RowExpr *) expr)->args : list_make1(expr);
		ListCell   *lx;

		foreach(lx, columns)
		{
			if (!aggregate_counts(aggref) || bare_unit(builder->level, lfirst(lx)) == NULL)
				check_identifiers(builder->context, builder->level, lfirst(lx));
		}
	}
}

/*
 * The same aggregate with FILTER, if it counts CASE WHEN ... THEN unit END, which tools write in its
 * place; else itself.
 */
static Aggref *
with_filter(ReleaseBuilder *builder, Aggref *aggref)
{
	CaseExpr   *choice;
	CaseWhen   *when;
	Aggref	   *result;

	if (!aggregate_counts(aggref) || aggref->aggfilter != NULL || list_length(aggref->args) != 1)
		return aggref;
	choice = (CaseExpr *) strip_relabel(aggregate_argument(aggref, 0));
	if (!IsA(choice, CaseExpr) || choice->arg != NULL || list_length(choice->args) != 1)
		return aggref;
	if (choice->defresult != NULL && !(IsA(choice->defresult, Const) &&
									   ((Const *) choice->defresult)->constisnull))
		return aggref;
	when = linitial_node(CaseWhen, choice->args);
	if (bare_unit(builder->level, (Node *) when->result) == NULL)
		return aggref;
	result = copyObject(aggref);
	result->aggfilter = copyObject(when->expr);
	linitial_node(TargetEntry, result->args)->expr = copyObject(when->result);
	return result;
}

/* The output's name, as in avg(cost). */
static void
name_output(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output)
{
	StringInfoData name;

	initStringInfo(&name);
	if (output->kind == SPEC_OUT_CLIPPED)
		appendStringInfoString(&name, "clipped of ");
	if (output->end != SPEC_END_NONE)
		appendStringInfo(&name, "%s of ", output->end == SPEC_END_LOW ? "low" : "high");
	appendStringInfo(&name, "%s(", get_func_name(aggref->aggfnoid));
	if (aggref->aggstar)
		appendStringInfoChar(&name, '*');
	else
	{
		Node	   *expr = strip_relabel(aggregate_argument(aggref, 0));

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
	strlcpy(output->name, name.data, pg_mbcliplen(name.data, name.len, NAMEDATALEN - 1) + 1);
	pfree(name.data);
}

/* Makes the output of an aggregate the share of individuals that are clipped in it. */
static void
turn_into_share(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output)
{
	WantedOutput *wanted = &builder->wanted[builder->spec.noutputs];

	if (!is_moment_output(output) || is_boolean_output(output) || wanted->sketch != DP_NONE)
		refuse(REFUSE_CLIPPED, builder->context->source, aggref->location);
	output->kind = SPEC_OUT_CLIPPED;
	output->type = FLOAT8OID;
	output->digits = (SpecDigits) {SPEC_ROUND_NONE};
	output->bound_x = output->bound_y = 0;
	if (wanted->nparts > 0)
		wanted->set = wanted->parts[0].set;
	wanted->nparts = 0;
}

/* The position of the output that is of this form of an aggregate; DP_NONE if there is none. */
static int
find_output(const ReleaseBuilder *builder, const Aggref *aggref, const OutputForm *form,
			int level_param)
{
	int			i = 0;
	ListCell   *lc;

	foreach(lc, builder->aggregates)
	{
		const SpecOutput *output = &builder->spec.outputs[i];

		if (equal(lfirst(lc), aggref) && output->end == form->end &&
			output->level == level_param && (output->kind == SPEC_OUT_CLIPPED) == form->clipped)
			return i;
		i++;
	}
	return DP_NONE;
}

/* Makes room for one more output, of nothing so far. */
static SpecOutput *
new_output(ReleaseBuilder *builder, Aggref *aggref)
{
	SpecOutput *output;
	WantedOutput *wanted;

	if (builder->spec.noutputs >= DP_MAX_OUTPUTS)
		refuse_many(DP_MAX_OUTPUTS, "different outputs", builder->context->source, aggref->location);
	if (find_combination(builder, aggref) == NULL && builder->own_outputs++ >= DP_MAX_OWN_OUTPUTS)
		refuse_many(DP_MAX_OWN_OUTPUTS, "different outputs", builder->context->source,
					aggref->location);
	output = &builder->spec.outputs[builder->spec.noutputs];
	output->type = aggref->aggtype;
	output->part = DP_NONE;
	for (int m = 0; m < SPEC_MOMENT_KINDS; m++)
		output->moments[m] = DP_NONE;
	wanted = &builder->wanted[builder->spec.noutputs];
	memset(wanted, 0, sizeof(*wanted));
	wanted->set = wanted->argument = wanted->sketch = DP_NONE;
	return output;
}

/*
 * Adds a form of an aggregate of the level to the release, unless an equal one is there, and
 * returns the position of its output (from 0).  Raises ERRCODE_DP_QUERY_REFUSED or
 * ERRCODE_DP_BOUNDS.
 */
int
add_output(ReleaseBuilder *builder, Aggref *aggref, const OutputForm *form)
{
	ReleaseSpec *spec = &builder->spec;
	SpecOutput *output;
	DpFunction	function = aggregate_function(aggref);
	int			level_param = 0;
	int			i;

	aggref = with_filter(builder, with_own_type(aggref, function));
	if (form->end != SPEC_END_NONE)
		level_param = find_param(builder, SPEC_PARAM_LEVEL,
								 written_number(builder, form->level, REFUSE_PARAMETER));
	i = find_output(builder, aggref, form, level_param);
	if (i != DP_NONE)
		return i;
	output = new_output(builder, aggref);
	check_form(builder, aggref, function);
	check_arguments(builder, aggref);
	if (builder->context->strict > 0 && !builder->context->analyst && !is_dp_aggregate(aggref))
		refuse(REFUSE_MIXED, builder->context->source, aggref->location);

	output->end = form->end;
	output->level = level_param;
	add_aggregate(builder, aggref, function, output);
	if (form->end != SPEC_END_NONE && output->kind >= SPEC_OUT_RANKS)
		refuse(REFUSE_INTERVAL, builder->context->source, aggref->location);
	if (output->kind == SPEC_OUT_COUNT)
		output->digits = (SpecDigits) {SPEC_ROUND_SCALE, 0};
	if (form->clipped)
		turn_into_share(builder, aggref, output);
	name_output(builder, aggref, output);
	builder->aggregates = lappend(builder->aggregates, aggref);
	return spec->noutputs++;
}
