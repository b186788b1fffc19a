/*
 * limits_text.c
 *		What limits and bounds of a release are, and where they come from, in words.
 *
 * A description has the limits, and which of them were asked for; where others come from is told by
 * what they are: what follows from the query is less than what is declared.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/lsyscache.h"

#include "core/settings.h"
#include "mechanism/noise.h"
#include "nodes/release/limits_text.h"
#include "policy/cache.h"
#include "spec/domain.h"
#include "spec/spec.h"

/* ----------
 * Limits
 * ----------
 */

/* Adds a limit and its origin; a comma stands before, if it is not the first. */
static void
add_limit(StringInfo text, const char *name, int64 limit, const char *origin)
{
	appendStringInfo(text, "%s%s " INT64_FORMAT "%s%s%s", text->len > 0 ? ", " : "", name, limit,
					 origin != NULL ? " (" : "", origin != NULL ? origin : "",
					 origin != NULL ? ")" : "");
}

/* Where a limit comes from that the query, or the session, has asked for. */
static const char *
asked_by(int64 limit, int setting, const char *name)
{
	return setting > 0 && limit == setting ? psprintf("set by dp_agg.%s", name) :
		"asked for by dp_with";
}

/* Where max_groups comes from. */
static const char *
groups_origin(const ReleaseSpec *spec, const ReleaseParams *params)
{
	if (params->kept == spec->possible_groups && spec->possible_groups < DP_MAX_GROUPS)
		return "the keys have no more for one individual";
	return spec->groups_asked ? asked_by(params->kept, dp_setting_max_groups, "max_groups") :
		"declared by protect";
}

/* Where max_rows comes from. */
static const char *
rows_origin(const ReleaseSpec *spec, const ReleaseParams *params)
{
	const ProtectedRelation *rel = policy_lookup(spec->relid);

	if ((double) params->rows < params->values[DP_PARAM_ROWS])
		return "no more than max_total";
	if (!spec->rows_asked)
		return params->rows == 1 && rel != NULL && rel->max_rows > 1 ?
			"a unique index allows no more in a group" : "declared by protect";
	/* what was asked for may have been more */
	if (params->rows == 1 && dp_setting_max_rows != 1)
		return "asked for, or a unique index allows no more in a group";
	return asked_by(params->rows, dp_setting_max_rows, "max_rows");
}

/* Does the release read one protected relation?  Limits of several are combined. */
static bool
one_relation(const ReleaseSpec *spec)
{
	return strchr(spec->relations, ',') == NULL;
}

/* Where max_total comes from; NULL if that is not known. */
static const char *
total_origin(const ReleaseSpec *spec, const ReleaseParams *params)
{
	const ProtectedRelation *rel = policy_lookup(spec->relid);
	int64		asked = (int64) params->values[DP_PARAM_TOTAL];

	if (params->total < asked)
		return params->gaussian ? "max_rows times the root of the number of groups" :
			"max_rows in each group";
	if (dp_setting_max_total > 0 && asked == dp_setting_max_total)
		return "set by dp_agg.max_total";
	if (rel != NULL && rel->max_total > 0 && asked == rel->max_total)
		return "declared by protect";
	if (rel != NULL && rel->max_total == 0 && asked == (int64) rel->max_groups * rel->max_rows)
		return "max_groups times max_rows, as declared by protect";
	if ((double) asked == params->values[DP_PARAM_GROUPS] * params->values[DP_PARAM_ROWS])
		return "max_groups times max_rows";
	return one_relation(spec) ? "asked for by dp_with" : NULL;
}

/*
 * limits_text
 *		The limits that bound an individual in a release, as last_release() shows them, with their
 *		origins.
 */
char *
limits_text(const ReleaseSpec *spec, const ReleaseParams *params)
{
	SpecLimits	limits = spec_limits(spec, params);
	StringInfoData text;

	if (!spec_may_bound(spec))
		return pstrdup("one row per individual, by a unique index or a GROUP BY of the unit");
	initStringInfo(&text);
	if (limits.groups > 0 && spec->grouped)
		add_limit(&text, "max_groups", limits.groups, groups_origin(spec, params));
	if (!spec->whole || spec->rows_asked)
		add_limit(&text, "max_rows", limits.rows, rows_origin(spec, params));
	if (limits.total > 0)
		add_limit(&text, "max_total", limits.total, total_origin(spec, params));
	if (params->gaussian && spec->by_total && params->norm < params->total)
		add_limit(&text, "max_norm", params->norm, NULL);
	return text.data;
}

/* ----------
 * Bounds
 * ----------
 */

/* A type in which values of an argument are shown. */
static Oid
shown_type(SpecArgType type)
{
	switch (type)
	{
		case SPEC_ARG_DATE:
			return DATEOID;
		case SPEC_ARG_TIMESTAMP:
			return TIMESTAMPOID;
		case SPEC_ARG_INTERVAL:
			return INTERVALOID;
		default:
			return FLOAT8OID;
	}
}

/* A bound as its type shows it. */
static char *
bound_value(SpecArgType type, double value)
{
	Oid			shown = shown_type(type);
	Oid			function;
	bool		varlena;

	getTypeOutputInfo(shown, &function, &varlena);
	return OidOutputFunctionCall(function, domain_datum(shown, value));
}

/* Adds a pair of bounds at a position of the parameters, with their origin, unless it is there. */
static void
add_bounds(StringInfo text, const ReleaseSpec *spec, const ReleaseParams *params,
		   SpecArgType type, int bound, bool total)
{
	const double *values = &params->values[bound];
	char	   *one = psprintf("%s .. %s (%s%s)", bound_value(type, values[0]),
							   bound_value(type, values[1]),
							   spec->param_kinds[bound] == SPEC_PARAM_LOWER_WRITTEN ?
							   "written in the query" : "declared, or following from the query",
							   total ? ", of the sum of an individual" : "");

	if (bound > 0 && strstr(text->data, one) == NULL)
		appendStringInfo(text, "%s%s", text->len > 0 ? ", " : "", one);
}

/* Adds the bounds of the argument whose lower bound stands at that position. */
static void
add_argument_bounds(StringInfo text, const ReleaseSpec *spec, const ReleaseParams *params,
					int bound)
{
	for (int i = 0; i < spec->narguments && bound > 0; i++)
	{
		if (spec->arguments[i].bound != bound)
			continue;
		add_bounds(text, spec, params, spec->arguments[i].type, bound, spec->arguments[i].total);
		return;
	}
}

/*
 * bounds_text
 *		The bounds of the values that an output is made of, with their origins; NULL if it has none.
 */
char *
bounds_text(const ReleaseSpec *spec, const ReleaseParams *params, const SpecOutput *output)
{
	StringInfoData text;

	initStringInfo(&text);
	if (output->part != DP_NONE)
	{
		const SpecSketch *sketch = &spec->sketches[spec->parts[output->part].sketch];

		if (sketch->bound > 0)
			add_bounds(&text, spec, params, sketch->type, sketch->bound, false);
	}
	else if (output->nterms > 0)
	{
		for (int t = output->first_term; t < output->first_term + output->nterms; t++)
			add_argument_bounds(&text, spec, params, spec->terms[t].bound);
	}
	else
	{
		add_argument_bounds(&text, spec, params, output->bound_x);
		add_argument_bounds(&text, spec, params, output->bound_y);
	}
	return text.len > 0 ? text.data : NULL;
}
