/*
 * selections.c
 *		Aggregates that choose from a sketch or count without the vector: order
 *		statistics, frequent values, histograms, bounds, distinct values.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "access/transam.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "core/compat.h"
#include "core/refusals.h"
#include "policy/allowed.h"
#include "query/aggregates.h"
#include "query/arguments.h"
#include "query/builder.h"
#include "query/checks.h"
#include "query/constants.h"
#include "query/refuse.h"
#include "query/selections.h"
#include "spec/spec.h"

/* ----------
 * Sketches and parts
 * ----------
 */

/*
 * Position of a sketch, found or added; the description says what is equal.  Of values there is
 * one for those who count rows and those who do not, so that it is paid for once.
 */
static int
find_sketch(ReleaseBuilder *builder, Node *expr, const SpecSketch *wanted)
{
	ReleaseSpec *spec = &builder->spec;
	int			i = 0;
	ListCell   *lc;

	foreach(lc, builder->sketch_arguments)
	{
		SpecSketch *sketch = &spec->sketches[i];
		SpecSketch	counted = *sketch;

		counted.shares = wanted->shares;
		if (equal(lfirst(lc), expr) && memcmp(&counted, wanted, sizeof(SpecSketch)) == 0)
		{
			sketch->shares = sketch->shares && wanted->shares;
			return i;
		}
		i++;
	}
	if (spec->nsketches >= DP_MAX_SKETCHES)
		refuse_limit(DP_MAX_SKETCHES, "different arguments of dp_median, dp_mode and the like", builder->context,
					 builder->level->query);
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
	sketch.typmod = type_precision(expr);
	sketch.value_type = exprType(expr);
	sketch.bound = bound;
	sketch.buckets = buckets;
	sketch.complete = scheme != SPEC_SCHEME_BINS && never_null(builder, aggref, expr);
	return find_sketch(builder, guard_argument(builder, aggref, expr), &sketch);
}

/*
 * A sketch of the values themselves, or of which there are.  shares: how many rows have a value does
 * not matter.
 */
static int
values_sketch(ReleaseBuilder *builder, Aggref *aggref, Node *expr, SpecSketchKind kind, bool shares)
{
	SpecSketch	sketch;
	TypeCacheEntry *type = lookup_type_cache(exprType(expr),
											 TYPECACHE_EQ_OPR | TYPECACHE_HASH_EXTENDED_PROC);

	if (!type_is_allowed(exprType(expr)) || !OidIsValid(type->eq_opr) ||
		type->eq_opr >= FirstNormalObjectId || !OidIsValid(type->hash_extended_proc))
		refuse_type(builder->context, exprType(expr), exprLocation(expr));
	check_compared(builder->context, expr); /* values are hashed */
	memset(&sketch, 0, sizeof(sketch));
	sketch.kind = kind;
	sketch.typmod = exprTypmod(expr);
	sketch.value_type = exprType(expr);
	sketch.collation = exprCollation(expr);
	sketch.shares = shares;
	return find_sketch(builder, guard_argument(builder, aggref, expr), &sketch);
}

/* Position of the part that chooses from a sketch, found or added. */
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
		refuse_limit(DP_MAX_PARTS, "parts, such as medians of different arguments", builder->context,
					 builder->level->query);
	spec->parts[spec->nparts] = (SpecPart) {.kind = kind,.sketch = sketch};
	return spec->nparts++;
}

/* ----------
 * Order statistics
 * ----------
 */

/* Adds an order statistic to the part that chooses it, and returns its position. */
static int
add_target(ReleaseBuilder *builder, const SpecTarget *target)
{
	ReleaseSpec *spec = &builder->spec;

	if (spec->ntargets >= DP_MAX_TARGETS)
		refuse_limit(DP_MAX_TARGETS, "order statistics and ends of their intervals", builder->context,
					 builder->level->query);
	spec->targets[spec->ntargets] = *target;
	spec->parts[target->part].ntargets++;
	return spec->ntargets++;
}

/* Position of an order statistic, found or added. */
static int
find_target(ReleaseBuilder *builder, const SpecTarget *wanted)
{
	for (int i = 0; i < builder->spec.ntargets; i++)
	{
		const SpecTarget *target = &builder->spec.targets[i];

		if (target->kind == wanted->kind && target->end == wanted->end &&
			target->part == wanted->part && target->fraction == wanted->fraction &&
			target->level == wanted->level &&
			target->reversed == wanted->reversed)
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
	DpOrder		strategy;

	if (aggref->aggorder == NIL)
		return false;
	clause = linitial_node(SortGroupClause, aggref->aggorder);
	return get_ordering_op_properties(clause->sortop, &family, &type, &strategy) &&
		strategy == DP_DESCENDING;
}

/* Position of a fraction p. */
static int
fraction_param(ReleaseBuilder *builder, Node *expr)
{
	return find_param(builder, SPEC_PARAM_FRACTION,
					  written_number(builder, expr, REFUSE_PARAMETER));
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
	Node	   *expr = without_cast(aggregate_argument(aggref, 0));
	int			bound;

	(void) number_type(builder, expr);
	bound = argument_bounds(builder, aggref, expr, bounds);
	output->bound_x = output->bound_y = bound;
	return find_part(builder, SPEC_PART_RANKS,
					 cells_sketch(builder, aggref, expr, SPEC_SCHEME_GRID, bound, 0));
}

/* min, max and median: one order statistic. */
void
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
void
add_quantile(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output)
{
	List	   *elements;
	ListCell   *lc;
	bool		ordered = aggref->aggkind == AGGKIND_ORDERED_SET;
	Node	   *p = ordered ? linitial(aggref->aggdirectargs) : aggregate_argument(aggref, 1);
	SpecTarget	target = {.kind = SPEC_TARGET_QUANTILE,.end = output->end,
		.level = output->level,.reversed = is_descending(aggref)};

	target.part = output->part = ranks_part(builder, aggref, output, 2);
	if (!type_is_array(exprType(p)))
	{
		target.fraction = fraction_param(builder, p);
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
		target.fraction = fraction_param(builder, lfirst(lc));
		(void) add_target(builder, &target);
	}
}

/* ----------
 * Values, histograms, bounds, distinct values
 * ----------
 */

/* The most frequent value, or the most frequent n with their numbers. */
void
add_frequent(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output, bool top)
{
	Node	   *expr = aggregate_argument(aggref, 0);
	int			sketch = values_sketch(builder, aggref, expr, SPEC_SKETCH_VALUES, false);

	output->kind = top ? SPEC_OUT_TOP : SPEC_OUT_MODE;
	output->part = find_part(builder, top ? SPEC_PART_TOP : SPEC_PART_MODE, sketch);
	if (top)
		output->number = find_param(builder, SPEC_PARAM_NUMBER,
									written_number(builder, aggregate_argument(aggref, 1),
												   REFUSE_PARAMETER));
}

/*
 * An output made of the values that pass their threshold, sorted by an operator of PostgreSQL's
 * own.  All such outputs of an argument, and its dp_top, are made of what one part releases.
 */
static void
add_ordered(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output, SpecOutputKind kind,
			Oid order)
{
	Node	   *expr = aggregate_argument(aggref, 0);

	if (!OidIsValid(order) || order >= FirstNormalObjectId)
		refuse_type(builder->context, exprType(expr), exprLocation(expr));
	output->kind = kind;
	output->order = order;
	output->part = find_part(builder, SPEC_PART_TOP,
							 values_sketch(builder, aggref, expr, SPEC_SKETCH_VALUES, true));
}

/* min, or max (last): the first of the released values in the type's own order, or the last. */
void
add_first_value(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output, bool last)
{
	TypeCacheEntry *type = lookup_type_cache(exprType(aggregate_argument(aggref, 0)),
											 TYPECACHE_LT_OPR | TYPECACHE_GT_OPR);

	add_ordered(builder, aggref, output, SPEC_OUT_FIRST, last ? type->gt_opr : type->lt_opr);
}

/*
 * array_agg(DISTINCT x): all released values, in the order in which DISTINCT or ORDER BY sort them.
 * The result must be an array with elements of the type of x.
 */
void
add_list(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output)
{
	TargetEntry *argument = linitial_node(TargetEntry, aggref->args);
	SortGroupClause *clause = get_sortgroupref_clause(argument->ressortgroupref,
													  aggref->aggdistinct);

	if (get_element_type(aggref->aggtype) != getBaseType(exprType((Node *) argument->expr)))
		refuse(REFUSE_AGGREGATE, builder->context->source, aggref->location);
	add_ordered(builder, aggref, output, SPEC_OUT_LIST, clause->sortop);
}

/*
 * A histogram: the numbers of values in buckets of equal width, between written or declared
 * bounds.
 */
void
add_histogram(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output)
{
	Node	   *expr = aggregate_argument(aggref, 0);
	bool		written = list_length(aggref->args) == 4;
	int			bound;
	int			buckets;

	(void) number_type(builder, expr);
	if (written)
		bound = find_bounds(builder, SPEC_PARAM_LOWER_WRITTEN,
							written_bound(builder, aggregate_argument(aggref, 1)),
							written_bound(builder, aggregate_argument(aggref, 2)));
	else
		bound = argument_bounds(builder, aggref, expr, 2);
	buckets = find_param(builder, SPEC_PARAM_NUMBER,
						 written_number(builder, aggregate_argument(aggref, written ? 3 : 1),
										REFUSE_PARAMETER));
	output->kind = SPEC_OUT_HISTOGRAM;
	output->bound_x = output->bound_y = bound;
	output->part = find_part(builder, SPEC_PART_HISTOGRAM,
							 cells_sketch(builder, aggref, expr, SPEC_SCHEME_BUCKETS,
										  bound, buckets));
}

/* Bounds that most of the values lie within, for who knows none yet. */
void
add_bounds(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output)
{
	Node	   *expr = aggregate_argument(aggref, 0);

	output->kind = SPEC_OUT_BOUNDS;
	output->part = find_part(builder, SPEC_PART_BOUNDS,
							 cells_sketch(builder, aggref, expr, SPEC_SCHEME_BINS, 0, 0));
}

/* Distinct values of anything but the unit. */
void
add_distinct(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output)
{
	Node	   *expr = aggregate_argument(aggref, 0);

	output->kind = SPEC_OUT_COUNT;
	builder->wanted[builder->spec.noutputs].sketch =
		values_sketch(builder, aggref, expr, SPEC_SKETCH_DISTINCT, false);
}
