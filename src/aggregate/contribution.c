/*
 * contribution.c
 *		Reads a release's description and parameters for those who collect.
 *
 * SQL can hand any bytea to the aggregates: every position in the description that
 * collecting follows is checked here.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "port/pg_bitutils.h"

#include "aggregate/contribution.h"
#include "core/errors.h"
#include "mechanism/noise.h"
#include "spec/domain.h"
#include "spec/spec.h"

/* Does the type of an argument of a call match its description? */
bool
argument_type_matches(const SpecArgument *argument, Oid type)
{
	return argument->type == SPEC_ARG_ANY || domain_of_type(type) == argument->type;
}

static void
check_index(int i, int n, bool optional)
{
	if (i >= n || i < (optional ? DP_NONE : 0))
		malformed("release description");
}

/* Every index in the description that collecting follows; its counts are checked. */
static void
check_spec(const ReleaseSpec *spec)
{
	for (int i = 0; i < spec->narguments; i++)
		check_index(spec->arguments[i].bound == 0 ? 0 : spec->arguments[i].bound + 1,
					spec->nparams, false);
	for (int i = 0; i < spec->nsets; i++)
	{
		check_index(spec->sets[i].x, spec->narguments, true);
		check_index(spec->sets[i].y, spec->narguments, true);
	}
	for (int i = 0; i < spec->nfeatures; i++)
	{
		const SpecFeature *feature = &spec->features[i];

		check_index(feature->set, spec->nsets, false);
		check_index(feature->ones, spec->nfeatures, false);
		if (feature->kind != SPEC_FEATURE_ONE)
		{
			check_index(spec->sets[feature->set].x, spec->narguments, false);
			if (feature->kind != SPEC_FEATURE_X && feature->kind != SPEC_FEATURE_XX)
				check_index(spec->sets[feature->set].y, spec->narguments, false);
		}
	}
	for (int i = 1; i < spec->dimensions; i++)
		check_index(spec->coordinates[i].feature, spec->nfeatures, true);
}

/* Centres, half widths and imputed values under this execution's parameters. */
static void
read_bounds(Contributions *contributions)
{
	const ReleaseSpec *spec = &contributions->spec;

	for (int i = 0; i < spec->narguments; i++)
	{
		ArgumentReader *reader = &contributions->readers[i];
		int			bound = spec->arguments[i].bound;

		reader->type = spec->arguments[i].type;
		reader->bounded = bound > 0;
		if (reader->bounded)
		{
			double		lower = contributions->params.values[bound];
			double		upper = contributions->params.values[bound + 1];

			reader->mid = lower / 2 + upper / 2;
			reader->half = upper / 2 - lower / 2;
		}
	}
	for (int i = 1; i < spec->dimensions; i++)
	{
		const SpecCoordinate *coordinate = &spec->coordinates[i];
		int			x;

		if (coordinate->feature == DP_NONE)
			continue;
		x = spec->sets[spec->features[coordinate->feature].set].x;
		switch (coordinate->imputation)
		{
			case SPEC_IMPUTE_CENTRE:
				contributions->imputed[i] = 0;
				break;
			case SPEC_IMPUTE_LOWER:
				contributions->imputed[i] = -DP_SCALE;
				break;
			case SPEC_IMPUTE_UPPER:
				contributions->imputed[i] = DP_SCALE;
				break;
			case SPEC_IMPUTE_ZERO:
				contributions->imputed[i] = x < 0 ? 0 :
					quantise(0.0, contributions->readers[x].mid, contributions->readers[x].half);
				break;
		}
	}
}

/*
 * Opens a description and its parameters: a copy of both in "context".  elog if one of
 * them is malformed; ERRCODE_INVALID_PARAMETER_VALUE, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE
 * or ERRCODE_DP_BOUNDS if a parameter is out of range.
 */
Contributions *
contributions_open(bytea *spec, ArrayType *params, MemoryContext context)
{
	Contributions *result = MemoryContextAlloc(context, sizeof(Contributions));
	double	   *values;

	if (VARSIZE(spec) != sizeof(ReleaseSpec))
		malformed("release description");
	memset((char *) result + sizeof(ReleaseSpec), 0, sizeof(Contributions) - sizeof(ReleaseSpec));
	memcpy(&result->spec, spec, sizeof(ReleaseSpec));
	if (result->spec.nparams < 0 || result->spec.nparams > DP_MAX_PARAMS ||
		ARR_NDIM(params) != 1 || ARR_HASNULL(params) || ARR_ELEMTYPE(params) != FLOAT8OID ||
		ARR_DIMS(params)[0] != result->spec.nparams)
		malformed("release parameters");
	values = MemoryContextAlloc(context, result->spec.nparams * sizeof(double));
	memcpy(values, ARR_DATA_PTR(params), result->spec.nparams * sizeof(double));
	spec_read_params(&result->spec, values, &result->params);
	result->rows_shift = (result->params.rows & (result->params.rows - 1)) == 0 ?
		pg_leftmost_one_pos64(result->params.rows) : -1;
	check_spec(&result->spec);
	read_bounds(result);
	return result;
}
