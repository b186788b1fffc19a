/*
 * arguments.c
 *		Arguments of aggregates: the expressions that are collected, the rows in
 *		which they have a value, and the public parameters beside them.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"

#include "core/errors.h"
#include "core/refusals.h"
#include "query/aggregates.h"
#include "query/arguments.h"
#include "query/bounds.h"
#include "query/builder.h"
#include "query/constants.h"
#include "query/deferred.h"
#include "query/equalities.h"
#include "query/identifiers.h"
#include "query/language.h"
#include "query/level.h"
#include "query/nulls.h"
#include "query/params.h"
#include "query/products.h"
#include "query/questions.h"
#include "query/refuse.h"
#include "query/totals.h"
#include "spec/domain.h"
#include "spec/range.h"
#include "spec/spec.h"

/* ----------
 * Parameters
 * ----------
 */

/* Adds a parameter and returns its position. */
static int
add_param(ReleaseBuilder *builder, SpecParamKind kind, Node *node)
{
	if (list_length(builder->params) >= DP_MAX_PARAMS)
		refuse_limit(DP_MAX_PARAMS, "bounds and other parameters", builder->context,
					 builder->level->query);
	builder->spec.param_kinds[list_length(builder->params)] = kind;
	builder->params = lappend(builder->params, node);
	return list_length(builder->params) - 1;
}

/* Position of a parameter of one number, found among equal ones of its kind or added. */
int
find_param(ReleaseBuilder *builder, SpecParamKind kind, Node *node)
{
	for (int i = DP_PARAM_FIRST_OTHER; i < list_length(builder->params); i++)
	{
		if (builder->spec.param_kinds[i] == kind && equal(list_nth(builder->params, i), node))
			return i;
	}
	return add_param(builder, kind, node);
}

/* Position of a pair of bounds, the lower one, found or added; the upper one is next to it. */
int
find_bounds(ReleaseBuilder *builder, SpecParamKind kind, Node *lower, Node *upper)
{
	int			position;

	for (int i = DP_PARAM_FIRST_OTHER; i + 1 < list_length(builder->params); i++)
	{
		if (builder->spec.param_kinds[i] == kind &&
			equal(list_nth(builder->params, i), lower) &&
			equal(list_nth(builder->params, i + 1), upper))
			return i;
	}
	position = add_param(builder, kind, lower);
	(void) add_param(builder, SPEC_PARAM_UPPER, upper);
	return position;
}

/*
 * A number that the analyst wrote: a constant or an external parameter, as
 * float8.  Refuses anything else with the given refusal, NULL with
 * ERRCODE_DP_BOUNDS.
 */
Node *
written_number(ReleaseBuilder *builder, Node *expr, Refusal otherwise)
{
	Node	   *node = release_parameter(builder->context, expr);

	if (node == NULL)
		refuse(otherwise, builder->context->source, exprLocation(expr));
	node = parameter_as_float8(builder->context, node);
	if (node == NULL)
		refuse(otherwise, builder->context->source, exprLocation(expr));
	return node;
}

/* A bound given as argument. */
Node *
written_bound(ReleaseBuilder *builder, Node *expr)
{
	Node	   *node = release_parameter(builder->context, expr);

	if (node != NULL && IsA(node, Const) && ((Const *) node)->constisnull)
		spec_null_parameter();
	if (node != NULL)
		node = parameter_as_float8(builder->context, node);
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

/*
 * Raises ERRCODE_DP_BOUNDS if an argument has no value between bounds that are constants, seen
 * through an implicit cast: to dp_corr(y, x) integers are double precision.  Bounds that are
 * parameters are checked by the argument's own type, when they are known (spec/spec.c).
 */
static void
check_cast_range(Node *expr, Node *lower_bound, Node *upper_bound)
{
	double		lower;
	double		upper;

	if (!IsA(lower_bound, Const) || !IsA(upper_bound, Const))
		return;
	lower = DatumGetFloat8(((Const *) lower_bound)->constvalue);
	upper = DatumGetFloat8(((Const *) upper_bound)->constvalue);
	while (IsA(expr, FuncExpr) && ((FuncExpr *) expr)->funcformat == COERCE_IMPLICIT_CAST &&
		   list_length(((FuncExpr *) expr)->args) == 1)
		expr = linitial(((FuncExpr *) expr)->args);
	if (lower < upper && domain_of_type(exprType(expr)) != SPEC_ARG_ANY)
		range_check(domain_of_type(exprType(expr)), type_precision(expr), lower, upper);
}

/* Position of bounds that are known. */
static int
known_bounds(ReleaseBuilder *builder, double lower, double upper)
{
	return find_bounds(builder, SPEC_PARAM_LOWER_DERIVED, float8_const(lower),
					   float8_const(upper));
}

/* Position of bounds: written as arguments number i and i + 1, or declared. */
int
argument_bounds(ReleaseBuilder *builder, Aggref *aggref, Node *expr, int i)
{
	double		lower;
	double		upper;
	bool		unknown;
	Node	   *first;
	Node	   *second;

	if (list_length(aggref->args) > i + 1)
	{
		first = written_bound(builder, aggregate_argument(aggref, i));
		second = written_bound(builder, aggregate_argument(aggref, i + 1));
		check_cast_range(expr, first, second);
		return find_bounds(builder, SPEC_PARAM_LOWER_WRITTEN, first, second);
	}
	if (derive_bounds(builder->context, builder->level, aggref, expr, &lower, &upper, &unknown) && !unknown)
		return known_bounds(builder, lower, upper);
	if (!unknown)
		no_bounds(builder->context, builder->level, expr, aggref);
	defer_bounds(builder->context, builder->level, aggref, expr, &first, &second);
	return find_bounds(builder, SPEC_PARAM_LOWER_DERIVED, first, second);
}

/*
 * Position of the bounds of what an output's parts make, from theirs; or theirs, if these are not
 * constants.
 */
int
combined_bounds(ReleaseBuilder *builder, const WantedOutput *wanted)
{
	double		lower = wanted->shift;
	double		upper = wanted->shift;

	for (int p = 0; p < wanted->nparts; p++)
	{
		double		weight = wanted->parts[p].weight;
		double		ends[2];

		for (int i = 0; i < 2; i++)
		{
			Const	   *bound = list_nth(builder->params, wanted->parts[p].bound + i);

			if (!IsA(bound, Const) || bound->constisnull)
				return wanted->parts[0].bound;
			ends[i] = weight * DatumGetFloat8(bound->constvalue);
		}
		lower += Min(ends[0], ends[1]);
		upper += Max(ends[0], ends[1]);
	}
	spec_check_bounds(lower, upper, true);
	return known_bounds(builder, lower, upper);
}

/*
 * The size up to which the sum of an individual's values counts, of which `size` is declared.  Gaussian noise is made
 * for norms that are max_norm/max_total of all sizes; so that it is made for a norm that is declared of this sum,
 * its size is what that is in proportion.
 */
static double
size_for_norm(const ReleaseBuilder *builder, double size, double norm)
{
	const Individuals *individuals = builder->individuals;

	if (norm <= 0 || !builder->context->concentrated || builder->asked[DP_PARAM_TOTAL] ||
		builder->keys == NIL || individuals->max_total == 0)
		return size;
	if (individuals->max_norm == 0 || individuals->max_norm > individuals->max_total)
		return norm;
	return norm * individuals->max_total / individuals->max_norm;
}

/*
 * The same of an expression that is no column, but made of one (products.c): where max_total is declared and
 * the query does not ask for another, and if the sum of so many rows could be larger.
 */
static bool
total_of_expression(ReleaseBuilder *builder, Aggref *aggref, Node *expr, double *lower, double *upper, double *norm)
{
	double		least;
	double		most;
	bool		unknown;
	Total		total;

	if (builder->individuals->max_total == 0 || builder->asked[DP_PARAM_TOTAL] ||
		!derive_total_of_product(builder->context->root, builder->level, aggref->aggfilter, expr, &total))
		return false;
	if (derive_bounds(builder->context, builder->level, aggref, expr, &least, &most, &unknown) &&
		Max(fabs(least), fabs(most)) * builder->individuals->max_total <= Max(fabs(total.lower), fabs(total.upper)))
		return false;
	*lower = total.lower;
	*upper = total.upper;
	*norm = total.norm;
	return true;
}

/*
 * Bounds of a sum over the whole release, where they are declared and none are written; else
 * false.  Where an individual has one row they are bounds of its value.  Otherwise
 * what counts is the larger of their sizes: the interval of the parameters is symmetric.
 */
bool
total_bounds(ReleaseBuilder *builder, Aggref *aggref, Node *expr, TotalBounds *result)
{
	double		lower;
	double		upper;
	double		norm;
	double		least;
	double		most;
	bool		unknown;

	if (list_length(aggref->args) > 1 ||
		(!derive_total(builder->level, expr, &lower, &upper, &norm) &&
		 (builder->spec.streamed || !total_of_expression(builder, aggref, expr, &lower, &upper, &norm))))
		return false;
	*result = (TotalBounds) {.not_negative = lower >= 0};
	if (!builder->spec.streamed)
	{
		double		size = size_for_norm(builder, Max(fabs(lower), fabs(upper)), norm);

		result->bound = known_bounds(builder, -size, size);
		return true;
	}
	if (derive_bounds(builder->context, builder->level, aggref, expr, &least, &most, &unknown))
	{
		lower = Max(lower, least);
		upper = Min(upper, most);
	}
	if (lower > upper)
		return false;
	result->bound = known_bounds(builder, lower, upper);
	return true;
}

/* ----------
 * Arguments and sets
 * ----------
 */

/* How values of an argument are read, or a refusal. */
SpecArgType
number_type(ReleaseBuilder *builder, Node *expr)
{
	SpecArgType type = domain_of_type(exprType(expr));

	if (type == SPEC_ARG_ANY)
		refuse(REFUSE_AGGREGATE, builder->context->source, exprLocation(expr));
	return type;
}

/* The precision and scale of an argument of type numeric, as a typmod; else -1. */
int32
type_precision(Node *expr)
{
	return domain_of_type(exprType(expr)) == SPEC_ARG_NUMERIC ? exprTypmod(expr) : -1;
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

/*
 * An argument of the aggregate under its FILTER, guarded.  Raises ERRCODE_DP_QUERY_REFUSED for
 * what may not stand below a release.
 */
Node *
guard_argument(ReleaseBuilder *builder, Aggref *aggref, Node *expr)
{
	Var		   *unit = aggregate_counts(aggref) ? bare_unit(builder->level, expr) : NULL;

	return guard_unit_expression(builder->context, builder->level, filtered(aggref, expr), unit);
}

/* Has the argument a value in every row of the level? */
bool
never_null(ReleaseBuilder *builder, Aggref *aggref, Node *expr)
{
	return aggref->aggfilter == NULL && expression_not_null(builder->level, expr);
}

/* Adds an argument of the collector. */
static int
add_argument(ReleaseBuilder *builder, Node *expr, SpecArgument argument)
{
	ReleaseSpec *spec = &builder->spec;

	if (spec->narguments >= DP_MAX_ARGUMENTS)
		refuse_limit(DP_MAX_ARGUMENTS, "different arguments and filters", builder->context,
					 builder->level->query);
	argument.typmod = type_precision(expr);
	spec->arguments[spec->narguments] = argument;
	builder->arguments = lappend(builder->arguments, expr);
	return spec->narguments++;
}

/*
 * Position of an argument of the collector, found or added.  expr is validated;
 * bound 0: only whether there is a value counts.
 */
int
find_argument(ReleaseBuilder *builder, Node *expr, SpecArgType type, int bound)
{
	ReleaseSpec *spec = &builder->spec;
	int			i = 0;
	ListCell   *lc;

	foreach(lc, builder->arguments)
	{
		SpecArgument *argument = &spec->arguments[i];

		if (!argument->total && equal(lfirst(lc), expr) &&
			(bound == 0 || argument->bound == 0 || argument->bound == bound))
		{
			if (bound != 0)
				argument->bound = bound;
			if (type != SPEC_ARG_ANY)
				argument->type = type;
			return i;
		}
		i++;
	}
	return add_argument(builder, expr, (SpecArgument) {.type = type,.bound = bound});
}

/* The same for one whose sum has bounds over the whole release. */
int
total_argument(ReleaseBuilder *builder, Node *expr, SpecArgType type, const TotalBounds *total)
{
	int			i = 0;
	ListCell   *lc;

	if (builder->spec.streamed)
		return find_argument(builder, expr, type, total->bound);
	foreach(lc, builder->arguments)
	{
		if (builder->spec.arguments[i].total && equal(lfirst(lc), expr))
			return i;
		i++;
	}
	return add_argument(builder, expr, (SpecArgument) {.type = type,.bound = total->bound,.total = true});
}

/* Are these columns, in any order, those of one of the alternatives of the unit? */
static bool
are_unit(List *units, List *columns)
{
	ListCell   *lc;

	foreach(lc, units)
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

/*
 * What has a value in the rows in which the (list of) expression(s) is the unit, if counting its
 * distinct values is counting individuals; else NULL.  A row of several columns is a value
 * also where an outer join has made all of them NULL.
 */
Node *
unit_value(ReleaseBuilder *builder, Node *expr)
{
	List	   *columns = IsA(expr, RowExpr) ? ((RowExpr *) expr)->args : list_make1(expr);

	if (are_unit(builder->individuals->units, columns))
		return makeBoolConst(true, false);
	if (!IsA(expr, RowExpr) && are_unit(builder->individuals->partial, columns))
		return expr;
	return NULL;
}
