/*
 * outputs.c
 *		From the aggregates of a level to the parts of its release.
 *
 * Each aggregate becomes an output.  Which coordinates of the vector those
 * need is decided when all are known (coordinates.c); what is chosen rather
 * than added up gets a sketch of its argument and a part that chooses.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "aggregate/domain.h"
#include "errors.h"
#include "policy/extension.h"
#include "query/query.h"

/* ----------
 * Which aggregate is it?
 * ----------
 */

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
};

static DpFunction
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

static Node *
argument(Aggref *aggref, int i)
{
	return (Node *) list_nth_node(TargetEntry, aggref->args, i)->expr;
}

/* What DISTINCT, ORDER BY and WITHIN GROUP there may be. */
static void
check_form(ReleaseBuilder *builder, Aggref *aggref, DpFunction function)
{
	bool		good;

	if (aggref->aggkind == AGGKIND_ORDERED_SET)
		good = list_length(aggref->args) == 1;
	else
		good = aggref->aggkind == AGGKIND_NORMAL && aggref->aggorder == NIL;
	if (aggref->aggvariadic ||
		(aggref->aggdistinct != NIL && function != DP_FUNC_COUNT_DISTINCT))
		good = false;
	if (!good)
		refuse(function == DP_FUNC_NONE ? REFUSE_AGGREGATE : REFUSE_AGGREGATE_FORM,
			   builder->context->source, aggref->location);
}

/* ----------
 * Parameters
 * ----------
 */

/* Position of a parameter, found or added; so many more follow it in its row. */
static int
add_param(ReleaseBuilder *builder, SpecParamKind kind, Node *node)
{
	if (list_length(builder->params) >= DP_MAX_PARAMS)
		refuse(REFUSE_MANY_OUTPUTS, builder->context->source, -1);
	builder->spec.param_kinds[list_length(builder->params)] = kind;
	builder->params = lappend(builder->params, node);
	return list_length(builder->params) - 1;
}

static int
find_param(ReleaseBuilder *builder, SpecParamKind kind, Node *node)
{
	for (int i = DP_PARAM_FIRST_OTHER; i < list_length(builder->params); i++)
	{
		if (builder->spec.param_kinds[i] == kind && equal(list_nth(builder->params, i), node))
			return i;
	}
	return add_param(builder, kind, node);
}

/* Position of a pair of bounds. */
static int
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
static Node *
written_number(ReleaseBuilder *builder, Node *expr, Refusal otherwise)
{
	Node	   *node = release_parameter(builder->context, expr);

	if (node == NULL)
		refuse(otherwise, builder->context->source, exprLocation(expr));
	if (exprType(node) != FLOAT8OID)
		node = parameter_as_float8(builder->context, node);
	if (node == NULL)
		refuse(otherwise, builder->context->source, exprLocation(expr));
	return node;
}

/* A bound given as argument. */
static Node *
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

/* Position of bounds: written as arguments number i and i + 1, or declared. */
static int
argument_bounds(ReleaseBuilder *builder, Aggref *aggref, Node *expr, int i)
{
	double		lower;
	double		upper;

	if (list_length(aggref->args) > i + 1)
		return find_bounds(builder, SPEC_PARAM_LOWER_WRITTEN,
						   written_bound(builder, argument(aggref, i)),
						   written_bound(builder, argument(aggref, i + 1)));
	if (!derive_bounds(builder->level, expr, &lower, &upper))
		no_bounds(builder->context, builder->level, expr, aggref->location);
	spec_check_bounds(lower, upper, true);
	return find_bounds(builder, SPEC_PARAM_LOWER_DERIVED,
					   float8_const(lower), float8_const(upper));
}

/* ----------
 * Arguments and sets
 * ----------
 */

/* How values of an argument are read, or a refusal. */
static SpecArgType
number_type(ReleaseBuilder *builder, Node *expr)
{
	SpecArgType type = domain_of_type(exprType(expr));

	if (type == SPEC_ARG_ANY)
		refuse(REFUSE_AGGREGATE, builder->context->source, exprLocation(expr));
	return type;
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

static Node *
total_argument(ReleaseBuilder *builder, Aggref *aggref, Node *expr)
{
	return total_expression(builder->context, builder->level, filtered(aggref, expr));
}

static bool
never_null(ReleaseBuilder *builder, Aggref *aggref, Node *expr)
{
	return aggref->aggfilter == NULL && expression_not_null(builder->level, expr);
}

/*
 * Position of an argument of the collector, found or added.  expr is validated;
 * bound 0: only whether there is a value counts.
 */
static int
find_argument(ReleaseBuilder *builder, Node *expr, SpecArgType type, int bound)
{
	ReleaseSpec *spec = &builder->spec;
	int			i = 0;
	ListCell   *lc;

	foreach(lc, builder->arguments)
	{
		SpecArgument *argument = &spec->arguments[i];

		if (equal(lfirst(lc), expr) &&
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
	if (spec->narguments >= DP_MAX_ARGUMENTS)
		refuse(REFUSE_MANY_OUTPUTS, builder->context->source, -1);
	spec->arguments[spec->narguments] = (SpecArgument) {.type = type,.bound = bound};
	builder->arguments = lappend(builder->arguments, expr);
	return spec->narguments++;
}

/* Position of the set of rows in which arguments x and y have a value. */
int
find_set(ReleaseBuilder *builder, int x, int y, bool total)
{
	ReleaseSpec *spec = &builder->spec;

	for (int i = 0; i < spec->nsets; i++)
	{
		if (spec->sets[i].x == x && spec->sets[i].y == y)
			return i;
	}
	if (spec->nsets >= DP_MAX_SETS)
		refuse(REFUSE_MANY_OUTPUTS, builder->context->source, -1);
	spec->sets[spec->nsets] = (SpecSet) {.x = x,.y = y,.total = total};
	return spec->nsets++;
}

/* ----------
 * Outputs of the numeric vector
 * ----------
 */

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

/* Rows, values, or individuals (presence) of count(*), count(x), count(distinct unit). */
static void
add_count(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output, bool presence)
{
	Node	   *expr = makeBoolConst(true, false);
	SpecArgType type = SPEC_ARG_ANY;
	WantedOutput *wanted = &builder->wanted[builder->spec.noutputs];

	output->kind = SPEC_OUT_COUNT;
	wanted->presence = presence;
	if (!aggref->aggstar && !presence)
		expr = argument(aggref, 0);
	if (aggref->aggfilter == NULL && (presence || never_null(builder, aggref, expr)))
	{
		wanted->set = find_set(builder, DP_NONE, DP_NONE, true);
		return;
	}
	/* NaN is no value, for counts as for sums */
	if (is_float_type(exprType(expr)))
		type = domain_of_type(exprType(expr));
	expr = total_argument(builder, aggref, expr);
	wanted->set = find_set(builder, find_argument(builder, expr, type, 0), DP_NONE, false);
}

/* An output of one argument: sum, average, variance, ... */
static void
add_moments(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output, SpecOutputKind kind)
{
	Node	   *expr = argument(aggref, 0);
	SpecArgType type = number_type(builder, expr);
	bool		total = never_null(builder, aggref, expr);
	int			x;

	output->kind = kind;
	output->integral = kind == SPEC_OUT_SUM &&
		(type == SPEC_ARG_INT2 || type == SPEC_ARG_INT4 || type == SPEC_ARG_INT8);
	output->bound_x = output->bound_y = argument_bounds(builder, aggref, expr, 1);
	x = find_argument(builder, total_argument(builder, aggref, expr), type, output->bound_x);
	builder->wanted[builder->spec.noutputs].set = find_set(builder, x, DP_NONE, total);
}

/*
 * An output of two arguments.  The standard puts the dependent variable y
 * first: corr(y, x), regr_slope(y, x).
 */
static void
add_pair(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output, SpecOutputKind kind)
{
	Node	   *expr_y = argument(aggref, 0);
	Node	   *expr_x = argument(aggref, 1);
	bool		total = never_null(builder, aggref, expr_y) &&
	never_null(builder, aggref, expr_x);
	SpecArgType type_y = number_type(builder, expr_y);
	SpecArgType type_x = number_type(builder, expr_x);
	int			x;
	int			y;

	output->kind = kind;
	output->bound_y = argument_bounds(builder, aggref, expr_y, 2);
	output->bound_x = argument_bounds(builder, aggref, expr_x, 4);
	y = find_argument(builder, total_argument(builder, aggref, expr_y), type_y, output->bound_y);
	x = find_argument(builder, total_argument(builder, aggref, expr_x), type_x, output->bound_x);
	builder->wanted[builder->spec.noutputs].set = find_set(builder, x, y, total);
}

/* regr_count(y, x): rows in which both have a value; no bounds needed. */
static void
add_pair_count(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output)
{
	Node	   *expr_y = argument(aggref, 0);
	Node	   *expr_x = argument(aggref, 1);
	bool		total = never_null(builder, aggref, expr_y) &&
	never_null(builder, aggref, expr_x);
	int			x;
	int			y;

	output->kind = SPEC_OUT_COUNT;
	y = find_argument(builder, total_argument(builder, aggref, expr_y),
					  number_type(builder, expr_y), 0);
	x = find_argument(builder, total_argument(builder, aggref, expr_x),
					  number_type(builder, expr_x), 0);
	builder->wanted[builder->spec.noutputs].set = find_set(builder, x, y, total);
}

/* ----------
 * Sketches and parts
 * ----------
 */

/* Position of a sketch, found or added; the description says what is equal. */
static int
find_sketch(ReleaseBuilder *builder, Node *expr, const SpecSketch *wanted)
{
	ReleaseSpec *spec = &builder->spec;
	int			i = 0;
	ListCell   *lc;

	foreach(lc, builder->sketch_arguments)
	{
		if (equal(lfirst(lc), expr) &&
			memcmp(&spec->sketches[i], wanted, sizeof(SpecSketch)) == 0)
			return i;
		i++;
	}
	if (spec->nsketches >= DP_MAX_SKETCHES)
		refuse(REFUSE_MANY_OUTPUTS, builder->context->source, -1);
	spec->sketches[spec->nsketches] = *wanted;
	builder->sketch_arguments = lappend(builder->sketch_arguments, expr);
	return spec->nsketches++;
}

/* A sketch of cells of a number, date or time. */
static int
cells_sketch(ReleaseBuilder *builder, Aggref *aggref, Node *expr, SpecScheme scheme,
			 int bound, int buckets)
{
	SpecSketch	sketch;

	memset(&sketch, 0, sizeof(sketch)); /* compared with memcmp */
	sketch.kind = SPEC_SKETCH_CELLS;
	sketch.scheme = scheme;
	sketch.type = number_type(builder, expr);
	sketch.value_type = exprType(expr);
	sketch.bound = bound;
	sketch.buckets = buckets;
	return find_sketch(builder, total_argument(builder, aggref, expr), &sketch);
}

/* A sketch of the values themselves, or of which there are. */
static int
values_sketch(ReleaseBuilder *builder, Aggref *aggref, Node *expr, SpecSketchKind kind)
{
	SpecSketch	sketch;
	TypeCacheEntry *type = lookup_type_cache(exprType(expr),
											 TYPECACHE_EQ_OPR | TYPECACHE_HASH_EXTENDED_PROC);

	if (!type_is_allowed(exprType(expr)) || !OidIsValid(type->eq_opr) ||
		type->eq_opr >= FirstNormalObjectId || !OidIsValid(type->hash_extended_proc))
		refuse(REFUSE_TYPE, builder->context->source, exprLocation(expr));
	memset(&sketch, 0, sizeof(sketch));
	sketch.kind = kind;
	sketch.value_type = exprType(expr);
	sketch.collation = exprCollation(expr);
	return find_sketch(builder, total_argument(builder, aggref, expr), &sketch);
}

static int
find_part(ReleaseBuilder *builder, SpecPartKind kind, int sketch)
{
	ReleaseSpec *spec = &builder->spec;

	for (int i = 0; i < spec->nparts; i++)
	{
		if (spec->parts[i].kind == kind && spec->parts[i].sketch == sketch)
			return i;
	}
	if (spec->nparts >= DP_MAX_PARTS)
		refuse(REFUSE_MANY_OUTPUTS, builder->context->source, -1);
	spec->parts[spec->nparts] = (SpecPart) {.kind = kind,.sketch = sketch};
	return spec->nparts++;
}

/* ----------
 * Order statistics
 * ----------
 */

static int
add_target(ReleaseBuilder *builder, const SpecTarget *target)
{
	ReleaseSpec *spec = &builder->spec;

	if (spec->ntargets >= DP_MAX_TARGETS)
		refuse(REFUSE_MANY_OUTPUTS, builder->context->source, -1);
	spec->targets[spec->ntargets] = *target;
	spec->parts[target->part].ntargets++;
	return spec->ntargets++;
}

static int
find_target(ReleaseBuilder *builder, const SpecTarget *wanted)
{
	for (int i = 0; i < builder->spec.ntargets; i++)
	{
		const SpecTarget *target = &builder->spec.targets[i];

		if (target->kind == wanted->kind && target->end == wanted->end &&
			target->part == wanted->part && target->fraction == wanted->fraction &&
			target->level == wanted->level)
			return i;
	}
	return add_target(builder, wanted);
}

/* Is the aggregate's ORDER BY descending? */
static bool
is_descending(Aggref *aggref)
{
	SortGroupClause *clause;
	Oid			family;
	Oid			type;
	int16		strategy;

	if (aggref->aggorder == NIL)
		return false;
	clause = linitial_node(SortGroupClause, aggref->aggorder);
	return get_ordering_op_properties(clause->sortop, &family, &type, &strategy) &&
		strategy == BTGreaterStrategyNumber;
}

/* Position of the fraction p, or of 1 - p where the order is descending. */
static int
fraction_param(ReleaseBuilder *builder, Node *expr, bool descending)
{
	Node	   *node = written_number(builder, expr, REFUSE_PARAMETER);

	if (IsA(node, Const) && !((Const *) node)->constisnull)
	{
		double		p = DatumGetFloat8(((Const *) node)->constvalue);

		node = float8_const(descending ? 1 - p : p);
	}
	else if (descending)
		refuse(REFUSE_PARAMETER, builder->context->source, exprLocation(expr));
	return find_param(builder, SPEC_PARAM_FRACTION, node);
}

/* The elements of an array of fractions: of a constant or of ARRAY[...]. */
static List *
array_elements(ReleaseBuilder *builder, Node *expr)
{
	Node	   *node = eval_const_expressions(builder->context->root, expr);
	List	   *result = NIL;

	if (IsA(node, ArrayExpr) && !((ArrayExpr *) node)->multidims)
		result = ((ArrayExpr *) node)->elements;
	else if (IsA(node, Const) && !((Const *) node)->constisnull)
	{
		ArrayType  *array = DatumGetArrayTypeP(((Const *) node)->constvalue);
		Datum	   *values;
		bool	   *nulls;
		int			n;

		if (ARR_NDIM(array) == 1 && ARR_ELEMTYPE(array) == FLOAT8OID)
		{
			deconstruct_array(array, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL,
							  TYPALIGN_DOUBLE, &values, &nulls, &n);
			for (int i = 0; i < n && !nulls[i]; i++)
				result = lappend(result, float8_const(DatumGetFloat8(values[i])));
			if (list_length(result) < n)
				result = NIL;
		}
	}
	if (result == NIL)
		refuse(REFUSE_PARAMETER, builder->context->source, exprLocation(expr));
	return result;
}

/*
 * percentile_cont() casts its argument to double precision; the integers
 * below have fewer values to choose from.
 */
static Node *
without_cast(Node *expr)
{
	if (IsA(expr, FuncExpr) && ((FuncExpr *) expr)->funcresulttype == FLOAT8OID &&
		((FuncExpr *) expr)->funcid < FirstNormalObjectId &&
		list_length(((FuncExpr *) expr)->args) == 1)
	{
		Node	   *inner = linitial(((FuncExpr *) expr)->args);
		Oid			type = exprType(inner);

		if (type == INT2OID || type == INT4OID || type == INT8OID)
			return inner;
	}
	return expr;
}

/* The part that chooses order statistics of an argument, for an output. */
static int
ranks_part(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output, int bounds)
{
	Node	   *expr = without_cast(argument(aggref, 0));
	int			bound;

	(void) number_type(builder, expr);
	bound = argument_bounds(builder, aggref, expr, bounds);
	output->bound_x = output->bound_y = bound;
	builder->wanted[builder->spec.noutputs].expr = expr;
	return find_part(builder, SPEC_PART_RANKS,
					 cells_sketch(builder, aggref, expr, SPEC_SCHEME_GRID, bound, 0));
}

/* min, max and median: one order statistic. */
static void
add_rank(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output, SpecTargetKind kind)
{
	SpecTarget	target = {.kind = kind,.end = output->end,.level = output->level};

	target.part = output->part = ranks_part(builder, aggref, output, 1);
	if (kind == SPEC_TARGET_QUANTILE)
		target.fraction = find_param(builder, SPEC_PARAM_FRACTION, float8_const(0.5));
	output->kind = SPEC_OUT_RANK;
	output->ntargets = 1;
	output->first_target = find_target(builder, &target);
}

/* Quantiles: one p or an array of them. */
static void
add_quantile(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output)
{
	List	   *elements;
	ListCell   *lc;
	bool		ordered = aggref->aggkind == AGGKIND_ORDERED_SET;
	Node	   *p = ordered ? linitial(aggref->aggdirectargs) : argument(aggref, 1);
	bool		descending = is_descending(aggref);
	SpecTarget	target = {.kind = SPEC_TARGET_QUANTILE,.end = output->end,
		.level = output->level};

	target.part = output->part = ranks_part(builder, aggref, output, 2);
	if (!type_is_array(exprType(p)))
	{
		target.fraction = fraction_param(builder, p, descending);
		output->kind = SPEC_OUT_RANK;
		output->ntargets = 1;
		output->first_target = find_target(builder, &target);
		return;
	}
	output->kind = SPEC_OUT_RANKS;
	output->type = get_element_type(aggref->aggtype);
	output->first_target = builder->spec.ntargets;
	if (output->end != SPEC_END_NONE)
		refuse(REFUSE_INTERVAL, builder->context->source, aggref->location);
	elements = array_elements(builder, p);
	output->ntargets = list_length(elements);
	foreach(lc, elements)
	{
		target.fraction = fraction_param(builder, lfirst(lc), descending);
		(void) add_target(builder, &target);
	}
}

/* ----------
 * Values, histograms, bounds, distinct values
 * ----------
 */

/* The most frequent value, or the most frequent n with their numbers. */
static void
add_frequent(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output, bool top)
{
	Node	   *expr = argument(aggref, 0);
	int			sketch = values_sketch(builder, aggref, expr, SPEC_SKETCH_VALUES);

	builder->wanted[builder->spec.noutputs].expr = expr;
	output->kind = top ? SPEC_OUT_TOP : SPEC_OUT_MODE;
	output->part = find_part(builder, top ? SPEC_PART_TOP : SPEC_PART_MODE, sketch);
	if (top)
		output->number = find_param(builder, SPEC_PARAM_NUMBER,
									written_number(builder, argument(aggref, 1),
												   REFUSE_PARAMETER));
}

static void
add_histogram(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output)
{
	Node	   *expr = argument(aggref, 0);
	bool		written = list_length(aggref->args) == 4;
	int			bound;
	int			buckets;

	(void) number_type(builder, expr);
	if (written)
		bound = find_bounds(builder, SPEC_PARAM_LOWER_WRITTEN,
							written_bound(builder, argument(aggref, 1)),
							written_bound(builder, argument(aggref, 2)));
	else
		bound = argument_bounds(builder, aggref, expr, 2);
	buckets = find_param(builder, SPEC_PARAM_NUMBER,
						 written_number(builder, argument(aggref, written ? 3 : 1),
										REFUSE_PARAMETER));
	builder->wanted[builder->spec.noutputs].expr = expr;
	output->kind = SPEC_OUT_HISTOGRAM;
	output->bound_x = output->bound_y = bound;
	output->part = find_part(builder, SPEC_PART_HISTOGRAM,
							 cells_sketch(builder, aggref, expr, SPEC_SCHEME_BUCKETS,
										  bound, buckets));
}

static void
add_bounds(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output)
{
	Node	   *expr = argument(aggref, 0);

	builder->wanted[builder->spec.noutputs].expr = expr;
	output->kind = SPEC_OUT_BOUNDS;
	output->part = find_part(builder, SPEC_PART_BOUNDS,
							 cells_sketch(builder, aggref, expr, SPEC_SCHEME_BINS, 0, 0));
}

/* Distinct values: of the unit that is a count of individuals. */
static void
add_distinct(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output)
{
	Node	   *expr = argument(aggref, 0);

	if (is_unit(builder, expr))
	{
		add_count(builder, aggref, output, true);
		return;
	}
	output->kind = SPEC_OUT_COUNT;
	builder->wanted[builder->spec.noutputs].sketch =
		values_sketch(builder, aggref, expr, SPEC_SKETCH_DISTINCT);
}

/* ----------
 * All of them
 * ----------
 */

static void
add_aggregate(ReleaseBuilder *builder, Aggref *aggref, DpFunction function,
			  SpecOutput *output)
{
	switch (function)
	{
		case DP_FUNC_COUNT:
			add_count(builder, aggref, output, false);
			break;
		case DP_FUNC_COUNT_DISTINCT:
			add_distinct(builder, aggref, output);
			break;
		case DP_FUNC_SUM:
			add_moments(builder, aggref, output, SPEC_OUT_SUM);
			break;
		case DP_FUNC_AVG:
			add_moments(builder, aggref, output, SPEC_OUT_AVG);
			break;
		case DP_FUNC_VAR:
			add_moments(builder, aggref, output, SPEC_OUT_VAR_SAMP);
			break;
		case DP_FUNC_VAR_POP:
			add_moments(builder, aggref, output, SPEC_OUT_VAR_POP);
			break;
		case DP_FUNC_STDDEV:
			add_moments(builder, aggref, output, SPEC_OUT_STDDEV_SAMP);
			break;
		case DP_FUNC_STDDEV_POP:
			add_moments(builder, aggref, output, SPEC_OUT_STDDEV_POP);
			break;
		case DP_FUNC_COVAR:
			add_pair(builder, aggref, output, SPEC_OUT_COVAR_SAMP);
			break;
		case DP_FUNC_COVAR_POP:
			add_pair(builder, aggref, output, SPEC_OUT_COVAR_POP);
			break;
		case DP_FUNC_CORR:
			add_pair(builder, aggref, output, SPEC_OUT_CORR);
			break;
		case DP_FUNC_REGR_SLOPE:
			add_pair(builder, aggref, output, SPEC_OUT_SLOPE);
			break;
		case DP_FUNC_REGR_INTERCEPT:
			add_pair(builder, aggref, output, SPEC_OUT_INTERCEPT);
			break;
		case DP_FUNC_REGR_R2:
			add_pair(builder, aggref, output, SPEC_OUT_R2);
			break;
		case DP_FUNC_REGR_COUNT:
			add_pair_count(builder, aggref, output);
			break;
		case DP_FUNC_REGR_AVGX:
			add_pair(builder, aggref, output, SPEC_OUT_AVGX);
			break;
		case DP_FUNC_REGR_AVGY:
			add_pair(builder, aggref, output, SPEC_OUT_AVGY);
			break;
		case DP_FUNC_REGR_SXX:
			add_pair(builder, aggref, output, SPEC_OUT_SXX);
			break;
		case DP_FUNC_REGR_SYY:
			add_pair(builder, aggref, output, SPEC_OUT_SYY);
			break;
		case DP_FUNC_REGR_SXY:
			add_pair(builder, aggref, output, SPEC_OUT_SXY);
			break;
		case DP_FUNC_MEDIAN:
			add_rank(builder, aggref, output, SPEC_TARGET_QUANTILE);
			break;
		case DP_FUNC_MIN:
			add_rank(builder, aggref, output, SPEC_TARGET_MIN);
			break;
		case DP_FUNC_MAX:
			add_rank(builder, aggref, output, SPEC_TARGET_MAX);
			break;
		case DP_FUNC_QUANTILE:
			add_quantile(builder, aggref, output);
			break;
		case DP_FUNC_MODE:
			add_frequent(builder, aggref, output, false);
			break;
		case DP_FUNC_TOP:
			add_frequent(builder, aggref, output, true);
			break;
		case DP_FUNC_HISTOGRAM:
			add_histogram(builder, aggref, output);
			break;
		case DP_FUNC_BOUNDS:
			add_bounds(builder, aggref, output);
			break;
		default:
			refuse(REFUSE_AGGREGATE, builder->context->source, aggref->location);
	}
}

/* The output's name, as in avg(cost). */
static void
name_output(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output)
{
	StringInfoData name;

	initStringInfo(&name);
	if (output->end != SPEC_END_NONE)
		appendStringInfo(&name, "%s of ", output->end == SPEC_END_LOW ? "low" : "high");
	appendStringInfo(&name, "%s(", get_func_name(aggref->aggfnoid));
	if (aggref->aggstar)
		appendStringInfoChar(&name, '*');
	else
	{
		Node	   *expr = strip_relabel(argument(aggref, 0));

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

/*
 * Adds an aggregate of the level to the release, or an end of the interval
 * around it, unless an equal one is there, and returns the position of its
 * output (from 0).  level is an expression, or NULL without an end.  Raises
 * ERRCODE_DP_QUERY_REFUSED or ERRCODE_DP_BOUNDS.
 */
int
add_output(ReleaseBuilder *builder, Aggref *aggref, SpecEnd end, Node *level)
{
	ReleaseSpec *spec = &builder->spec;
	SpecOutput *output;
	WantedOutput *wanted;
	DpFunction	function = aggregate_function(aggref);
	int			level_param = 0;
	int			i = 0;
	ListCell   *lc;

	if (end != SPEC_END_NONE)
		level_param = find_param(builder, SPEC_PARAM_LEVEL,
								 written_number(builder, level, REFUSE_PARAMETER));
	foreach(lc, builder->aggregates)
	{
		if (equal(lfirst(lc), aggref) && spec->outputs[i].end == end &&
			spec->outputs[i].level == level_param)
			return i;
		i++;
	}
	if (spec->noutputs >= DP_MAX_OUTPUTS)
		refuse(REFUSE_MANY_OUTPUTS, builder->context->source, aggref->location);
	check_form(builder, aggref, function);
	if (builder->context->strict > 0 && !builder->context->analyst && !is_dp_aggregate(aggref))
		refuse(REFUSE_MIXED, builder->context->source, aggref->location);

	output = &spec->outputs[spec->noutputs];
	output->end = end;
	output->level = level_param;
	output->type = aggref->aggtype;
	output->part = DP_NONE;
	for (int m = 0; m < SPEC_MOMENT_KINDS; m++)
		output->moments[m] = DP_NONE;
	wanted = &builder->wanted[spec->noutputs];
	wanted->set = wanted->sketch = DP_NONE;
	wanted->presence = false;
	wanted->expr = NULL;
	add_aggregate(builder, aggref, function, output);
	if (end != SPEC_END_NONE && output->kind >= SPEC_OUT_RANKS)
		refuse(REFUSE_INTERVAL, builder->context->source, aggref->location);
	name_output(builder, aggref, output);
	builder->aggregates = lappend(builder->aggregates, aggref);
	return spec->noutputs++;
}
