/*
 * moments.c
 *		The moments that outputs are functions of, read from as few coordinates as
 *		there can be.
 *
 * A moment is a weighted sum of coordinates: the number of rows in a set, or the sum of
 * a feature over them.  There are several ways to read the same moment; which one costs
 * the fewest coordinates depends on the other outputs.  doc/privacy.md has the
 * arithmetic of the choices below.
 */
#include "postgres.h"

#include "core/refusals.h"
#include "query/builder.h"
#include "query/coordinates.h"
#include "query/moments.h"
#include "query/refuse.h"
#include "spec/spec.h"

/* An empty moment; all of its bytes, since moments are compared by memcmp. */
static void
clear_moment(SpecMoment *moment)
{
	memset(moment, 0, sizeof(*moment));
}

/* Adds weight times a coordinate to a moment. */
static void
add_term(SpecMoment *moment, int coordinate, double weight)
{
	for (int t = 0; t < moment->nterms; t++)
	{
		if (moment->terms[t].coordinate == coordinate)
		{
			moment->terms[t].weight += weight;
			return;
		}
	}
	Assert(moment->nterms < DP_MOMENT_TERMS);
	moment->terms[moment->nterms].coordinate = coordinate;
	moment->terms[moment->nterms].weight = weight;
	moment->nterms++;
}

/* Position of a moment, found among equal ones or added. */
static int
find_moment(ReleaseBuilder *builder, const SpecMoment *wanted)
{
	ReleaseSpec *spec = &builder->spec;

	for (int i = 0; i < spec->nmoments; i++)
	{
		if (memcmp(&spec->moments[i], wanted, sizeof(SpecMoment)) == 0)
			return i;
	}
	if (spec->nmoments >= DP_MAX_MOMENTS)
		refuse_limit(DP_MAX_MOMENTS, "moments", builder->context,
					 builder->level->query);
	spec->moments[spec->nmoments] = *wanted;
	return spec->nmoments++;
}

/* ----------
 * How the number of rows in a set is known
 * ----------
 */

/* The set whose count stands for this one's: all rows, if it has all. */
static int
counting_set(ReleaseBuilder *builder, int set)
{
	return builder->spec.sets[set].every_row ? find_set(builder, DP_NONE, DP_NONE, true) : set;
}

/* The coordinate 2n/r - 1 of a set, or with presence that of individuals in it. */
static SpecCoordinate
count_coordinate(ReleaseBuilder *builder, int set, bool presence)
{
	return (SpecCoordinate) {
		.feature = find_feature(builder, SPEC_FEATURE_ONE, counting_set(builder, set)),
		.sketch = DP_NONE,.imputation = SPEC_IMPUTE_LOWER,
		.presence = presence && !builder->spec.streamed};
}

/*
 * Does an individual count with one row in each of its groups, as is known before execution?  Of
 * several rows each then counts less, so that the individual adds 1.
 */
static bool
one_row_counts(ReleaseBuilder *builder)
{
	const ReleaseSpec *spec = &builder->spec;
	Node	   *rows = list_nth(builder->params, spec->whole && !spec->rows_asked ?
								DP_PARAM_TOTAL : DP_PARAM_ROWS);

	return spec->streamed ||
		(IsA(rows, Const) && !((Const *) rows)->constisnull &&
		 DatumGetFloat8(((Const *) rows)->constvalue) == 1);
}

/* Is coordinate 0 the number of rows in the set? */
static bool
counted_by_individuals(ReleaseBuilder *builder, int set, bool presence)
{
	if (!builder->spec.sets[set].every_row)
		return false;
	if (builder->spec.by_total)
		return !builder->spec.weighed;
	return presence || one_row_counts(builder);
}

/* Is the number of rows in the set known without another coordinate? */
static bool
is_counted(ReleaseBuilder *builder, int set)
{
	SpecCoordinate coordinate;

	if (counted_by_individuals(builder, set, false))
		return true;
	coordinate = count_coordinate(builder, set, false);
	return look_up_coordinate(builder, &coordinate) != DP_NONE;
}

/* Adds weight * n of a set to a moment, by its count. */
static void
add_count_terms(ReleaseBuilder *builder, SpecMoment *moment, int set, bool presence,
				double weight)
{
	if (counted_by_individuals(builder, set, presence))
		add_term(moment, 0, weight);
	else
	{
		add_term(moment, find_coordinate(builder, count_coordinate(builder, set, presence)),
				 weight / 2);
		add_term(moment, 0, weight / 2);
	}
}

/* ----------
 * How the sums of a set are read
 * ----------
 */

typedef enum SumSource
{
	SUM_BESIDE_COUNT,			/* a count, and the sum with centre imputation */
	SUM_TWICE,					/* the same with two copies of the sum */
	SUM_PAIR,					/* sums with lower and upper imputation */
	SUM_ZERO,					/* the sum with zero imputation: sums only */
	SUM_TOTAL					/* the sum alone, with bounds of its own */
} SumSource;

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

/* Does the output follow from numbers of rows or individuals, and not from values? */
static bool
only_counts(const SpecOutput *output)
{
	return output->kind == SPEC_OUT_COUNT || output->kind == SPEC_OUT_CLIPPED ||
		is_boolean_output(output);
}

/* Is an output of values made of the sums of its parts, and not of its one part as it is? */
static bool
is_combined(const WantedOutput *wanted)
{
	return wanted->nparts > 1 || (wanted->nparts == 1 && (wanted->shift != 0 || wanted->parts[0].weight != 1));
}

/* Is every output of the vector that is of values an average over this set? */
static bool
only_averages(ReleaseBuilder *builder, int set)
{
	for (int i = 0; i < builder->spec.noutputs; i++)
	{
		const SpecOutput *output = &builder->spec.outputs[i];

		if (is_moment_output(output) && output->kind != SPEC_OUT_CLIPPED &&
			(output->kind != SPEC_OUT_AVG || builder->wanted[i].set != set ||
			 builder->wanted[i].nparts > 1))
			return false;
	}
	return true;
}

/* What an output wants of the sums of a set. */
typedef enum SumUse
{
	SUM_UNUSED,
	SUM_ALONE,					/* a sum, which may take missing values as zeros */
	SUM_AND_NUMBER,				/* sum and number of values, or a sum that cannot do that */
	SUM_AND_MORE				/* squares or products */
} SumUse;

/* What output i, which is of values, wants of the sums of a set. */
static SumUse
sum_use(ReleaseBuilder *builder, int i, int set)
{
	const SpecOutput *output = &builder->spec.outputs[i];
	const WantedOutput *wanted = &builder->wanted[i];
	SumUse		use = SUM_UNUSED;

	if (wanted->nparts == 0)
		return wanted->set == set ? SUM_AND_MORE : SUM_UNUSED;
	for (int p = 0; p < wanted->nparts; p++)
	{
		/* the values of the first part are counted for all */
		bool		counted = p == 0 && (output->kind == SPEC_OUT_AVG || wanted->shift != 0);

		if (wanted->parts[p].set == set)
			use = Max(use, counted || !bounds_contain_zero(builder, wanted->parts[p].bound) ?
					  SUM_AND_NUMBER : SUM_ALONE);
	}
	return use;
}

/*
 * The best source for the sums of a set, given the outputs that use it and the
 * counts that are there.
 */
static SumSource
sum_source(ReleaseBuilder *builder, int set)
{
	const ReleaseSpec *spec = &builder->spec;
	SumUse		use = SUM_UNUSED;

	if (spec->sets[set].y != DP_NONE)
		return SUM_BESIDE_COUNT;
	if (spec->arguments[spec->sets[set].x].total)
		return SUM_TOTAL;
	for (int i = 0; i < spec->noutputs; i++)
	{
		if (is_moment_output(&spec->outputs[i]) && !only_counts(&spec->outputs[i]))
			use = Max(use, sum_use(builder, i, set));
	}
	if (use == SUM_AND_MORE)
		return SUM_BESIDE_COUNT;
	if (counted_by_individuals(builder, set, false) && only_averages(builder, set))
		return SUM_TWICE;
	if (is_counted(builder, set))
		return SUM_BESIDE_COUNT;
	return use == SUM_ALONE ? SUM_ZERO : SUM_PAIR;
}

/* The number of rows in a set, or with presence of individuals in it; its moment. */
static int
assign_n(ReleaseBuilder *builder, int set, bool presence, SumSource source)
{
	SpecMoment	moment;

	clear_moment(&moment);
	moment.individuals = presence;
	switch (source)
	{
		case SUM_BESIDE_COUNT:
		case SUM_TWICE:
			add_count_terms(builder, &moment, set, presence, 1.0);
			break;
		case SUM_PAIR:			/* half the difference is the number of missing values */
			add_term(&moment, 0, 1.0);
			add_term(&moment, feature_coordinate(builder, SPEC_FEATURE_X, set,
												 SPEC_IMPUTE_LOWER, 0), 0.5);
			add_term(&moment, feature_coordinate(builder, SPEC_FEATURE_X, set,
												 SPEC_IMPUTE_UPPER, 0), -0.5);
			break;
		case SUM_ZERO:			/* missing values count, as zeros */
			add_term(&moment, 0, 1.0);
			break;
		case SUM_TOTAL:			/* how many does not matter */
			add_term(&moment, 0, 1.0);
			moment.individuals = true;
			break;
	}
	return find_moment(builder, &moment);
}

/* The sum of x over a set; its moment. */
static int
assign_sum(ReleaseBuilder *builder, int set, bool not_negative, SumSource source)
{
	SpecMoment	moment;

	clear_moment(&moment);
	switch (source)
	{
		case SUM_BESIDE_COUNT:
			add_term(&moment, feature_coordinate(builder, SPEC_FEATURE_X, set,
												 SPEC_IMPUTE_CENTRE, 0), 1.0);
			break;
		case SUM_TWICE:
			for (int copy = 0; copy < 2; copy++)
				add_term(&moment, feature_coordinate(builder, SPEC_FEATURE_X, set,
													 SPEC_IMPUTE_CENTRE, copy), 0.5);
			break;
		case SUM_PAIR:
			add_term(&moment, feature_coordinate(builder, SPEC_FEATURE_X, set,
												 SPEC_IMPUTE_LOWER, 0), 0.5);
			add_term(&moment, feature_coordinate(builder, SPEC_FEATURE_X, set,
												 SPEC_IMPUTE_UPPER, 0), 0.5);
			break;
		case SUM_ZERO:
			add_term(&moment, feature_coordinate(builder, SPEC_FEATURE_X, set,
												 SPEC_IMPUTE_ZERO, 0), 1.0);
			break;
		case SUM_TOTAL:
			moment.individuals = true;
			if (not_negative)
				add_term(&moment, 0, 0.5);
			add_term(&moment, feature_coordinate(builder, SPEC_FEATURE_X, set,
												 not_negative ? SPEC_IMPUTE_LOWER :
												 SPEC_IMPUTE_CENTRE, 0), not_negative ? 0.5 : 1.0);
			break;
	}
	return find_moment(builder, &moment);
}

/* The sum of a feature other than x: of y, of products, of squares. */
static int
assign_feature(ReleaseBuilder *builder, int set, SpecFeatureKind kind)
{
	SpecMoment	moment;
	bool		square = kind == SPEC_FEATURE_XX || kind == SPEC_FEATURE_YY;

	clear_moment(&moment);
	add_term(&moment, feature_coordinate(builder, kind, set, SPEC_IMPUTE_CENTRE, 0),
			 square ? 0.5 : 1.0);
	if (square)					/* the coordinate has 2 x^2 - 1 */
		add_count_terms(builder, &moment, set, false, 0.5);
	return find_moment(builder, &moment);
}

/* The moment with its sign changed, if it is to be. */
static int
negated(ReleaseBuilder *builder, int moment, bool change)
{
	SpecMoment	result = builder->spec.moments[moment];

	for (int t = 0; change && t < result.nterms; t++)
		result.terms[t].weight = -result.terms[t].weight;
	return find_moment(builder, &result);
}

/* Which moments besides n an output is a function of. */
static void
needed_moments(SpecOutputKind kind, bool needed[SPEC_MOMENT_KINDS])
{
	memset(needed, 0, sizeof(bool) * SPEC_MOMENT_KINDS);
	switch (kind)
	{
		case SPEC_OUT_SUM:
		case SPEC_OUT_AVG:
		case SPEC_OUT_AVGX:
			needed[SPEC_MOMENT_X] = true;
			break;
		case SPEC_OUT_AVGY:
			needed[SPEC_MOMENT_Y] = true;
			break;
		case SPEC_OUT_VAR_POP:
		case SPEC_OUT_VAR_SAMP:
		case SPEC_OUT_STDDEV_POP:
		case SPEC_OUT_STDDEV_SAMP:
		case SPEC_OUT_SXX:
			needed[SPEC_MOMENT_X] = needed[SPEC_MOMENT_XX] = true;
			break;
		case SPEC_OUT_SYY:
			needed[SPEC_MOMENT_Y] = needed[SPEC_MOMENT_YY] = true;
			break;
		case SPEC_OUT_CORR:
		case SPEC_OUT_R2:
			needed[SPEC_MOMENT_XX] = needed[SPEC_MOMENT_YY] = true;
			needed[SPEC_MOMENT_X] = needed[SPEC_MOMENT_Y] = needed[SPEC_MOMENT_XY] = true;
			break;
		case SPEC_OUT_SLOPE:
		case SPEC_OUT_INTERCEPT:
			needed[SPEC_MOMENT_XX] = true;
			needed[SPEC_MOMENT_X] = needed[SPEC_MOMENT_Y] = needed[SPEC_MOMENT_XY] = true;
			break;
		case SPEC_OUT_COVAR_POP:
		case SPEC_OUT_COVAR_SAMP:
		case SPEC_OUT_SXY:
			needed[SPEC_MOMENT_X] = needed[SPEC_MOMENT_Y] = needed[SPEC_MOMENT_XY] = true;
			break;
		default:
			break;
	}
}

/* Output i is a count: of a set, or of distinct values by their sketch. */
static void
assign_count(ReleaseBuilder *builder, int i)
{
	SpecOutput *output = &builder->spec.outputs[i];
	const WantedOutput *wanted = &builder->wanted[i];
	SpecMoment	moment;

	if (wanted->sketch == DP_NONE)
		output->moments[SPEC_MOMENT_N] = assign_n(builder, wanted->set, wanted->presence,
												  SUM_BESIDE_COUNT);
	else
	{
		clear_moment(&moment);
		add_term(&moment, find_coordinate(builder, (SpecCoordinate) {
			.feature = DP_NONE,.sketch = wanted->sketch}), 0.5);
		add_term(&moment, 0, 0.5);
		output->moments[SPEC_MOMENT_N] = find_moment(builder, &moment);
	}
}

/*
 * The feature by which an individual is clipped in an output: the number of its rows, or a sum
 * that has bounds of its own.  By total it is clipped in all outputs alike.
 */
static int
clipped_feature(ReleaseBuilder *builder, int set)
{
	int			x = builder->spec.sets[set].x;

	if (builder->spec.by_total)
		return find_feature(builder, SPEC_FEATURE_ONE, find_set(builder, DP_NONE, DP_NONE, true));
	if (x != DP_NONE && builder->spec.arguments[x].total)
		return find_feature(builder, SPEC_FEATURE_X, set);
	return find_feature(builder, SPEC_FEATURE_ONE, counting_set(builder, set));
}

/*
 * Output i is the share of individuals that are clipped in a set; by total, each counts by its
 * weight.  Nobody is where rows are individuals, or where individuals are counted.
 */
static void
assign_clipped(ReleaseBuilder *builder, int i)
{
	SpecOutput *output = &builder->spec.outputs[i];
	const WantedOutput *wanted = &builder->wanted[i];
	SpecMoment	moment;

	clear_moment(&moment);
	moment.individuals = !builder->spec.by_total;
	add_term(&moment, 0, 1.0);
	output->moments[SPEC_MOMENT_N] = find_moment(builder, &moment);
	if (builder->spec.streamed || wanted->presence)
		return;
	clear_moment(&moment);
	moment.individuals = !builder->spec.by_total;
	add_term(&moment, find_coordinate(builder, (SpecCoordinate) {
		.feature = clipped_feature(builder, wanted->set),.sketch = DP_NONE,.imputation = SPEC_IMPUTE_LOWER,.clipped = true}), 0.5);
	add_term(&moment, 0, 0.5);
	output->moments[SPEC_MOMENT_X] = find_moment(builder, &moment);
}

/* Output i is a sum or average of several parts, or of one that is not as it is. */
static void
assign_terms(ReleaseBuilder *builder, int i, const SumSource *sources)
{
	ReleaseSpec *spec = &builder->spec;
	SpecOutput *output = &spec->outputs[i];
	const WantedOutput *wanted = &builder->wanted[i];

	output->shift = wanted->shift;
	output->first_term = spec->nterms;
	output->nterms = wanted->nparts;
	if (spec->nterms + wanted->nparts > DP_MAX_TERMS)
		refuse_limit(DP_MAX_TERMS, "terms of linear combinations", builder->context,
					 builder->level->query);
	for (int p = 0; p < wanted->nparts; p++)
	{
		const WantedPart *part = &wanted->parts[p];

		spec->terms[spec->nterms++] = (SpecTerm) {
			.weight = part->weight,.bound = part->bound,.digits = part->digits,
			.n = assign_n(builder, part->set, false, sources[part->set]),
			.x = assign_sum(builder, part->set, part->not_negative, sources[part->set])};
	}
	output->moments[SPEC_MOMENT_N] = assign_n(builder, wanted->set, false, sources[wanted->set]);
	output->moments[SPEC_MOMENT_X] = spec->terms[output->first_term].x;
}

/*
 * Output i says whether there are individuals in a set; their number, and that of those who have a
 * value at all.
 */
static void
assign_boolean(ReleaseBuilder *builder, int i)
{
	SpecOutput *output = &builder->spec.outputs[i];
	const WantedOutput *wanted = &builder->wanted[i];
	int			set = find_set(builder, wanted->argument, DP_NONE, false);

	output->moments[SPEC_MOMENT_N] = assign_n(builder, wanted->set, true, SUM_BESIDE_COUNT);
	output->moments[SPEC_MOMENT_X] = assign_n(builder, set, true, SUM_BESIDE_COUNT);
}

/* Output i is a function of sums: gives it those it needs, from the source. */
static void
assign_moments(ReleaseBuilder *builder, int i, SumSource source)
{
	SpecOutput *output = &builder->spec.outputs[i];
	const WantedOutput *wanted = &builder->wanted[i];
	int			set = wanted->set;
	bool		needed[SPEC_MOMENT_KINDS];

	needed_moments(output->kind, needed);
	output->moments[SPEC_MOMENT_N] = assign_n(builder, set, false, source);
	if (needed[SPEC_MOMENT_X])
		output->moments[SPEC_MOMENT_X] =
			negated(builder, assign_sum(builder, set, wanted->parts[0].not_negative, source),
					wanted->negated_x);
	if (needed[SPEC_MOMENT_Y])
		output->moments[SPEC_MOMENT_Y] =
			negated(builder, assign_feature(builder, set, SPEC_FEATURE_Y), wanted->negated_y);
	if (needed[SPEC_MOMENT_XX])
		output->moments[SPEC_MOMENT_XX] = assign_feature(builder, set, SPEC_FEATURE_XX);
	if (needed[SPEC_MOMENT_YY])
		output->moments[SPEC_MOMENT_YY] = assign_feature(builder, set, SPEC_FEATURE_YY);
	if (needed[SPEC_MOMENT_XY])
		output->moments[SPEC_MOMENT_XY] =
			negated(builder, assign_feature(builder, set, SPEC_FEATURE_XY),
					wanted->negated_x != wanted->negated_y);
}

/* How the sums of each set are read, and so how many rows it has. */
static void
find_sources(ReleaseBuilder *builder, SumSource *sources)
{
	const ReleaseSpec *spec = &builder->spec;

	/* how many values a sum with bounds of its own is over must be counted for a shift */
	for (int i = 0; i < spec->noutputs; i++)
	{
		const WantedOutput *wanted = &builder->wanted[i];

		if (wanted->nparts > 0 && wanted->set != wanted->parts[0].set)
			(void) assign_n(builder, wanted->set, false, SUM_BESIDE_COUNT);
	}
	for (int set = 0; set < spec->nsets; set++)
		sources[set] = spec->sets[set].x == DP_NONE ? SUM_BESIDE_COUNT : sum_source(builder, set);
}

/*
 * Gives every output of the vector its moments: counts first, because a sum
 * beside a count needs one coordinate where it would need two by itself.
 */
void
assign_coordinates(ReleaseBuilder *builder)
{
	ReleaseSpec *spec = &builder->spec;
	SumSource	sources[DP_MAX_SETS];

	for (int i = 0; i < spec->noutputs; i++)
	{
		if (is_moment_output(&spec->outputs[i]))
			spec->numeric = true;
		if (spec->outputs[i].kind == SPEC_OUT_COUNT)
			assign_count(builder, i);
		if (spec->outputs[i].kind == SPEC_OUT_CLIPPED)
			assign_clipped(builder, i);
		if (is_boolean_output(&spec->outputs[i]))
			assign_boolean(builder, i);
	}
	/* sets with squares or products come with a count that others may use */
	for (int i = 0; i < spec->noutputs; i++)
	{
		bool		needed[SPEC_MOMENT_KINDS];

		needed_moments(spec->outputs[i].kind, needed);
		if (needed[SPEC_MOMENT_XX] || needed[SPEC_MOMENT_YY] || needed[SPEC_MOMENT_XY])
			assign_moments(builder, i, SUM_BESIDE_COUNT);
	}
	find_sources(builder, sources);
	for (int i = 0; i < spec->noutputs; i++)
	{
		if (!is_moment_output(&spec->outputs[i]) ||
			spec->outputs[i].moments[SPEC_MOMENT_N] != DP_NONE)
			continue;
		if (is_combined(&builder->wanted[i]))
			assign_terms(builder, i, sources);
		else
			assign_moments(builder, i, sources[builder->wanted[i].set]);
	}
	/* keys alone need the gate of the vector */
	if (spec->nparts == 0)
		spec->numeric = true;
	if (spec->by_total)
		spec->rows = find_feature(builder, SPEC_FEATURE_ONE,
								  find_set(builder, DP_NONE, DP_NONE, true));
	/* a release without a vector still counts individuals, and never says so */
	if (spec->nfeatures == 0)
		(void) find_feature(builder, SPEC_FEATURE_ONE,
							find_set(builder, DP_NONE, DP_NONE, true));
}
