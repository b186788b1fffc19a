/*
 * advice.c
 *		What would make the outputs of a release sharper.
 *
 * Where it is epsilon or a limit, the error is computed that the output would have then, and the advice
 * only given if that is less.  Everything follows from the description, its parameters and the labels.
 */
#include "postgres.h"

#include <math.h>

#include "lib/stringinfo.h"

#include "nodes/release/advice.h"
#include "nodes/release/precision.h"
#include "nodes/release/smallest.h"
#include "nodes/release/state.h"
#include "spec/spec.h"

/* An error is less if it is this part of another one. */
#define LESS 0.99

/* Most epsilon of a release. */
#define MOST_EPSILON 1000.0

/*
 * With fewer rows a release may be made otherwise than with more: a limit of 1 needs no count of
 * rows (one_row_counts() in query/moments.c), and with a few the release may be bounded by total
 * (FEW_ROWS in query/totals.c).  What that would yield, only the query with that limit tells.
 */
#define LEAST_TOTAL 2
#define LEAST_ROWS 5

/* Adds a sentence. */
static void
add_sentence(StringInfo text, const char *sentence)
{
	appendStringInfo(text, "%s%s", text->len > 0 ? " " : "", sentence);
}

/* The text, or NULL if it is empty. */
static char *
or_null(const StringInfo text)
{
	return text->len > 0 ? text->data : NULL;
}

/* The error of an output in a group of so many individuals if a parameter had another value. */
static double
error_with(const ReleaseState *state, const SpecOutput *output, int64 individuals, int position,
		   double value)
{
	ReleaseSpec *spec = palloc(sizeof(ReleaseSpec));
	ReleaseParams params = {0};
	double	   *values = palloc(sizeof(double) * state->spec->nparams);
	double		result;

	memcpy(spec, state->spec, sizeof(ReleaseSpec));
	memcpy(values, state->params.values, sizeof(double) * spec->nparams);
	values[position] = value;
	if (position == DP_PARAM_TOTAL)
		spec->norm = 0;			/* a norm is declared for max_total as it is declared */
	if (position == DP_PARAM_ROWS)
		spec->rows_asked = true;
	if (position == DP_PARAM_GROUPS)
		spec->groups_asked = true;
	spec_read_params(spec, values, &params);
	result = typical_error(spec, &params, output, individuals);
	pfree(values);
	pfree(spec);
	return result;
}

/* ----------
 * Of one output
 * ----------
 */

/* Says what twice the epsilon would do. */
static void
advise_epsilon(StringInfo text, const ReleaseState *state, const SpecOutput *output,
			   int64 individuals, double error)
{
	double		twice = 2 * state->params.values[DP_PARAM_EPSILON];
	double		better;

	if (twice > MOST_EPSILON)
		return;
	better = error_with(state, output, individuals, DP_PARAM_EPSILON, twice);
	if (better < LESS * error)
		add_sentence(text, psprintf("At twice the epsilon, %.10g, its standard error is %.3g.",
									twice, better));
}

/*
 * Says what half of a limit would do, and at what price; below "least", only that it would.
 */
static void
advise_limit(StringInfo text, const ReleaseState *state, const SpecOutput *output,
			 int64 individuals, double error, int position, const char *name, int64 limit,
			 int64 least)
{
	double		better;

	if (limit < 2)
		return;
	better = error_with(state, output, individuals, position, (double) (limit / 2));
	if (better >= LESS * error)
		return;
	if (limit / 2 >= least)
		add_sentence(text, psprintf("With dp_with(%s => " INT64_FORMAT ") it is %.3g, and what individuals have beyond that is left out.",
									name, limit / 2, better));
	else
		add_sentence(text, psprintf("A smaller %s, as of dp_with(%s => 1), makes it smaller, and what individuals have beyond that is left out.",
									name, name));
}

/* Says what smaller limits would do. */
static void
advise_limits(StringInfo text, const ReleaseState *state, const SpecOutput *output,
			  int64 individuals, double error)
{
	const ReleaseSpec *spec = state->spec;
	const ReleaseParams *params = &state->params;

	if (!spec_may_bound(spec))
		return;
	if (spec->by_total || (spec->whole && !spec->rows_asked))
	{
		advise_limit(text, state, output, individuals, error, DP_PARAM_TOTAL, "max_total",
					 params->total, LEAST_TOTAL);
		return;
	}
	advise_limit(text, state, output, individuals, error, DP_PARAM_GROUPS, "max_groups",
				 params->groups, 1);
	advise_limit(text, state, output, individuals, error, DP_PARAM_ROWS, "max_rows",
				 params->rows, LEAST_ROWS);
}

/* Has the argument whose bounds stand at that position bounds of its sum? */
static bool
has_total(const ReleaseSpec *spec, int bound)
{
	for (int i = 0; i < spec->narguments; i++)
	{
		if (spec->arguments[i].bound == bound && spec->arguments[i].total)
			return true;
	}
	return false;
}

/* Says what bounds have to do with the error. */
static void
advise_bounds(StringInfo text, const ReleaseState *state, const SpecOutput *output)
{
	const ReleaseSpec *spec = state->spec;
	const double *bounds = &state->params.values[output->bound_x];

	if (output->nterms == 0 && (output->bound_x == 0 || bounds[0] == bounds[1]))
		return;
	switch (output->kind)
	{
		case SPEC_OUT_SUM:
			add_sentence(text, "Its error grows with the magnitude of the bounds: narrower ones help.");
			if (spec_may_bound(spec) && output->nterms == 0 && !has_total(spec, output->bound_x) &&
				state->params.unit > 1)
				add_sentence(text, "If the sum of an individual's values is bounded by less than its rows allow, dp_agg.set_total() of the column says so.");
			break;
		case SPEC_OUT_AVG:
		case SPEC_OUT_STDDEV_POP:
		case SPEC_OUT_STDDEV_SAMP:
		case SPEC_OUT_COVAR_POP:
		case SPEC_OUT_COVAR_SAMP:
			add_sentence(text, "Its error grows with the width of the bounds: narrower ones help, and so do larger groups.");
			break;
		case SPEC_OUT_VAR_POP:
		case SPEC_OUT_VAR_SAMP:
			add_sentence(text, "Its error grows with the square of the width of the bounds: narrower ones help, and so do larger groups.");
			break;
		default:
			break;
	}
}

/*
 * advice_about_output
 *		What would make an output sharper in a group of so many individuals; NULL if nothing is known.
 */
char *
advice_about_output(const ReleaseState *state, const SpecOutput *output, int64 individuals)
{
	double		error = typical_error(state->spec, &state->params, output, individuals);
	StringInfoData text;

	if (isnan(error))
		return NULL;
	initStringInfo(&text);
	advise_epsilon(&text, state, output, individuals, error);
	advise_limits(&text, state, output, individuals, error);
	advise_bounds(&text, state, output);
	return or_null(&text);
}

/* ----------
 * Of a release
 * ----------
 */

/* Says what would bound an individual more closely, where that multiplies the noise. */
static void
advise_declarations(StringInfo text, const ReleaseSpec *spec, const ReleaseParams *params)
{
	bool		one_relation = strchr(spec->relations, ',') == NULL;

	if (!spec_may_bound(spec))
		return;
	if (one_relation && (params->kept > 1 || params->unit > 1))
		add_sentence(text, "If each individual has one row, a UNIQUE index on the unit, whose columns are NOT NULL, says so.");
	if (spec->grouped && params->kept > 1 && spec->possible_groups >= DP_MAX_GROUPS)
		add_sentence(text, "Keys with few values, declared by dp_agg.set_domain(), bound the number of groups of an individual.");
}

/*
 * advice_about_release
 *		What would make all outputs of a release sharper, and its groups smaller; NULL if nothing is known.
 */
char *
advice_about_release(const ReleaseState *state, int64 individuals)
{
	const ReleaseSpec *spec = state->spec;
	int64		smallest = smallest_of_group((ReleaseState *) state);
	StringInfoData text;

	initStringInfo(&text);
	if (individuals < smallest)
		add_sentence(&text, psprintf("A group of " INT64_FORMAT " individuals is mostly held back.", individuals));
	if (spec_shares(spec) > 1)
		add_sentence(&text, psprintf("Epsilon is divided among %d parts: what is added up, and each column that medians, modes or histograms are chosen from. Each is sharper in a query of its own.",
									 spec_shares(spec)));
	else if (spec->dimensions > 3 && spec->noutputs > 1)
		add_sentence(&text, "Fewer outputs, of fewer columns, have less noise each.");
	advise_declarations(&text, spec, &state->params);
	return or_null(&text);
}
