/*
 * sums.c
 *		Outputs that are functions of sums: averages, variances, regressions.
 *
 * What they are functions of may be the sums of other arguments (bases.c).
 */
#include "postgres.h"

#include "nodes/nodeFuncs.h"

#include "query/aggregates.h"
#include "query/arguments.h"
#include "query/bases.h"
#include "query/builder.h"
#include "query/coordinates.h"
#include "query/linear.h"
#include "query/scales.h"
#include "query/sums.h"
#include "spec/spec.h"

/*
 * Adds weight times an argument to an output, with its bounds.  Returns its position among the
 * collector's.
 */
static int
add_part(ReleaseBuilder *builder, Aggref *aggref, WantedOutput *wanted, Node *expr, double weight,
		 bool sum)
{
	WantedPart *part = &wanted->parts[wanted->nparts++];
	SpecArgType type = number_type(builder, expr);
	bool		every_row = never_null(builder, aggref, expr);
	TotalBounds total = {0};
	int			x;

	if (sum && total_bounds(builder, aggref, expr, &total))
	{
		part->bound = total.bound;
		x = total_argument(builder, guard_argument(builder, aggref, expr), type, &total);
	}
	else
	{
		part->bound = argument_bounds(builder, aggref, expr, 1);
		x = find_argument(builder, guard_argument(builder, aggref, expr), type, part->bound);
	}
	part->weight = weight;
	part->not_negative = total.not_negative;
	part->digits = digits_of_sum(builder->level, expr);
	part->set = find_set(builder, x, DP_NONE, every_row);
	return x;
}

/*
 * The set of rows that are counted in an output, whose first part is of argument x.  How many
 * values make up a sum with bounds of its own is counted with those of no sum.
 */
static int
counted_set(ReleaseBuilder *builder, const WantedOutput *wanted, int x)
{
	const SpecSet *set = &builder->spec.sets[wanted->parts[0].set];

	if (!builder->spec.arguments[x].total || wanted->shift == 0)
		return wanted->parts[0].set;
	return find_set(builder, find_argument(builder, list_nth(builder->arguments, x),
										   builder->spec.arguments[x].type, 0),
					DP_NONE, set->every_row);
}

/* How an output of one argument is shown. */
static SpecDigits
output_digits(ReleaseBuilder *builder, const SpecOutput *output, Node *expr)
{
	if (output->kind == SPEC_OUT_SUM)
		return digits_of_sum(builder->level, expr);
	return digits_of_mean(builder->level, expr, output->type);
}

/*
 * An output of one argument, or of those that it is made of: sum, average, variance, ...  Spreads
 * are made of one only, and need no parts: what they are of shows in the bounds.
 */
void
add_moments(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output, SpecOutputKind kind)
{
	Node	   *expr = aggregate_argument(aggref, 0);
	const Combination *made = find_combination(builder, aggref);
	WantedOutput *wanted = &builder->wanted[builder->spec.noutputs];
	int			x = DP_NONE;

	output->kind = kind;
	output->digits = output_digits(builder, output, expr);
	if (made == NULL)
		x = add_part(builder, aggref, wanted, expr, 1, kind == SPEC_OUT_SUM);
	else
	{
		wanted->shift = made->shift;
		for (int p = 0; p < made->nparts; p++)
		{
			int			argument = add_part(builder, aggref, wanted, copyObject(made->parts[p].base),
											made->parts[p].weight, kind == SPEC_OUT_SUM);

			x = p == 0 ? argument : x;
		}
	}
	output->bound_x = output->bound_y = made == NULL ? wanted->parts[0].bound :
		combined_bounds(builder, wanted);
	wanted->set = counted_set(builder, wanted, x);
	if (kind != SPEC_OUT_SUM && kind != SPEC_OUT_AVG)
		wanted->nparts = 0;
}

/*
 * One argument of a pair, number n; i: position of its bounds among the aggregate's arguments, or 0
 * if it needs none.  What is linear in another is read from that one's moments.  Returns its
 * position among the collector's; *every_row stays if it is never NULL.
 */
static int
add_side(ReleaseBuilder *builder, Aggref *aggref, int n, int i, int16 *bound, bool *negated,
		 bool *every_row)
{
	Node	   *expr = aggregate_argument(aggref, n);
	WantedOutput one = {.nparts = 1};
	LinearForm	form;
	SpecArgType type;

	if (list_length(aggref->args) == 2 && linear_form(expr, &form) && form.nterms == 1)
	{
		expr = copyObject(form.terms[0].leaf);
		one.shift = form.shift;
		one.parts[0].weight = form.terms[0].weight;
		*negated = form.terms[0].weight < 0;
	}
	else
		one.parts[0].weight = 1;
	type = number_type(builder, expr);
	*every_row = *every_row && never_null(builder, aggref, expr);
	if (i > 0)
	{
		one.parts[0].bound = argument_bounds(builder, aggref, expr, i);
		*bound = one.parts[0].weight == 1 && one.shift == 0 ? one.parts[0].bound :
			combined_bounds(builder, &one);
	}
	return find_argument(builder, guard_argument(builder, aggref, expr), type, one.parts[0].bound);
}

/*
 * An output of two arguments.  The standard puts the dependent variable y
 * first: corr(y, x), regr_slope(y, x).  regr_count(y, x), the rows in which both have a value,
 * needs no bounds.
 */
void
add_pair(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output, SpecOutputKind kind)
{
	bool		every_row = true;
	bool		bounded = kind != SPEC_OUT_COUNT;
	WantedOutput *wanted = &builder->wanted[builder->spec.noutputs];
	int			x;
	int			y;

	output->kind = kind;
	y = add_side(builder, aggref, 0, bounded ? 2 : 0, &output->bound_y, &wanted->negated_y,
				 &every_row);
	x = add_side(builder, aggref, 1, bounded ? 4 : 0, &output->bound_x, &wanted->negated_x,
				 &every_row);
	wanted->set = find_set(builder, x, y, every_row);
}
