/*
 * contribution.c
 *		Reads a release's description and parameters for those who collect.
 *
 * SQL can hand any array to the aggregates.  What the description says is checked when it is
 * read (spec/serialise.c).
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "port/pg_bitutils.h"

#include "aggregate/contribution.h"
#include "core/errors.h"
#include "mechanism/noise.h"
#include "spec/domain.h"
#include "spec/serialise.h"
#include "spec/spec.h"

/* Does the type of an argument of a call match its description? */
bool
argument_type_matches(const SpecArgument *argument, Oid type)
{
	return argument->type == SPEC_ARG_ANY || domain_of_type(type) == argument->type;
}

/* Centres and half widths under this execution's parameters. */
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
}

/* What stands for missing values, and how each coordinate is bounded. */
static void
read_coordinates(Contributions *contributions)
{
	const ReleaseSpec *spec = &contributions->spec;

	for (int i = 1; i < spec->dimensions; i++)
	{
		const SpecCoordinate *coordinate = &spec->coordinates[i];
		int			x;

		if (coordinate->feature == DP_NONE)
			continue;
		x = spec->sets[spec->features[coordinate->feature].set].x;
		contributions->totals[i] = feature_reads_x(spec->features[coordinate->feature].kind) &&
			spec->arguments[x].total;
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
contributions_open(Datum description, ArrayType *params, MemoryContext context)
{
	Contributions *result = MemoryContextAlloc(context, sizeof(Contributions));
	double	   *values;

	spec_read_into(&result->spec, description);
	memset((char *) result + sizeof(ReleaseSpec), 0, sizeof(Contributions) - sizeof(ReleaseSpec));
	if (ARR_NDIM(params) != 1 || ARR_HASNULL(params) || ARR_ELEMTYPE(params) != FLOAT8OID ||
		ARR_DIMS(params)[0] != result->spec.nparams)
		malformed("release parameters");
	values = MemoryContextAlloc(context, result->spec.nparams * sizeof(double));
	memcpy(values, ARR_DATA_PTR(params), result->spec.nparams * sizeof(double));
	spec_read_params(&result->spec, values, &result->params);
	result->rows_shift = (result->params.rows & (result->params.rows - 1)) == 0 ?
		pg_leftmost_one_pos64(result->params.rows) : -1;
	read_bounds(result);
	read_coordinates(result);
	result->gate_weight = spec_gate_weight(&result->spec, &result->params);
	return result;
}
