/*
 * parts_output.c
 *		Result values of outputs that the parts of a release make.
 *
 * Post-processing: everything here is made of what the parts have released.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "mechanism/noise.h"
#include "mechanism/status.h"
#include "nodes/release/parts_order.h"
#include "nodes/release/parts_output.h"
#include "nodes/release/parts_state.h"
#include "spec/domain.h"
#include "spec/spec.h"

/* A noisy number of rows, from units of r rows, or of T by total. */
static int64
row_count(PartsState *state, dp_int128 weight)
{
	double		rows = (double) weight / (double) DP_SCALE * (double) state->params->unit;

	return (int64) Min(Max(rint(rows), 0.0), 9e18);
}

/* Value number i (from 0) of the part's targets. */
static double
target_value(PartsState *state, const SpecOutput *output, int i)
{
	int			position = 0;

	for (int t = 0; t < output->first_target + i; t++)
	{
		if (state->spec->targets[t].part == output->part)
			position++;
	}
	return state->results[output->part].ranks[position];
}

static Datum
ranks_array(PartsState *state, const SpecOutput *output)
{
	Datum	   *values = palloc(sizeof(Datum) * output->ntargets);
	int16		length;
	bool		by_value;
	char		align;

	for (int i = 0; i < output->ntargets; i++)
		values[i] = domain_datum(output->type, target_value(state, output, i));
	get_typlenbyvalalign(output->type, &length, &by_value, &align);
	return PointerGetDatum(construct_array(values, output->ntargets, output->type,
										   length, by_value, align));
}

static Datum
bounds_array(PartsState *state, const SpecOutput *output)
{
	const Grid *grid = &state->grids[output->part];
	const PartResult *result = &state->results[output->part];
	double		lower = grid_edge(grid, result->lowest);
	double		upper = grid_edge(grid, result->highest + 1);
	Datum		values[2];

	/* nothing but zeros: bounds that may be written all the same */
	if (lower == upper)
		upper = grid_edge(grid, result->highest + 2);
	values[0] = Float8GetDatum(lower);
	values[1] = Float8GetDatum(upper);
	return PointerGetDatum(construct_array(values, 2, FLOAT8OID, sizeof(float8),
										   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* An array of n composites of the output's element type. */
static Datum
composite_array(const SpecOutput *output, int n, const Datum *values, int natts)
{
	Oid			type = get_element_type(output->type);
	TupleDesc	desc = lookup_rowtype_tupdesc(type, -1);
	Datum	   *elements = palloc(sizeof(Datum) * Max(n, 1));
	bool	   *nulls = palloc0(sizeof(bool) * natts);

	if (desc->natts != natts)
		elog(ERROR, "unexpected columns in type %u", type);
	for (int i = 0; i < n; i++)
		elements[i] = HeapTupleGetDatum(heap_form_tuple(desc, unconstify(Datum *, values) + i * natts,
														nulls));
	ReleaseTupleDesc(desc);
	return PointerGetDatum(construct_array(elements, n, type, -1, false, TYPALIGN_DOUBLE));
}

static Datum
histogram_array(PartsState *state, const SpecOutput *output)
{
	const Grid *grid = &state->grids[output->part];
	const PartResult *result = &state->results[output->part];
	TupleDesc	desc = lookup_rowtype_tupdesc(get_element_type(output->type), -1);
	Oid			edge = TupleDescAttr(desc, 0)->atttypid;
	Datum	   *values = palloc(sizeof(Datum) * 3 * grid->cells);

	ReleaseTupleDesc(desc);
	for (int i = 0; i < grid->cells; i++)
	{
		values[3 * i] = domain_datum(edge, grid_edge(grid, i));
		values[3 * i + 1] = domain_datum(edge, grid_edge(grid, i + 1));
		values[3 * i + 2] = Int64GetDatum(row_count(state, result->counts[i]));
	}
	return composite_array(output, grid->cells, values, 3);
}

static Datum
top_array(PartsState *state, const SpecOutput *output)
{
	const SpecPart *part = &state->spec->parts[output->part];
	const PartResult *result = &state->results[output->part];
	int			n = Min(result->ncategories, (int) state->params->values[output->number]);
	Datum	   *values = palloc(sizeof(Datum) * 2 * Max(n, 1));
	Oid			out;
	bool		varlena;

	getTypeOutputInfo(state->spec->sketches[part->sketch].value_type, &out, &varlena);
	for (int i = 0; i < n; i++)
	{
		char	   *text = OidOutputFunctionCall(out, result->categories[i].value);

		values[2 * i] = CStringGetTextDatum(text);
		values[2 * i + 1] = Int64GetDatum(row_count(state, result->categories[i].weight));
	}
	return composite_array(output, n, values, 2);
}

/* An output of the current group; NULL if its part released nothing. */
Datum
parts_output(PartsState *state, const SpecOutput *output, bool *isnull)
{
	const PartResult *result = &state->results[output->part];

	*isnull = !result->passed;
	if (*isnull)
		return (Datum) 0;
	switch (output->kind)
	{
		case SPEC_OUT_RANK:
			return domain_datum(output->type, target_value(state, output, 0));
		case SPEC_OUT_RANKS:
			return ranks_array(state, output);
		case SPEC_OUT_MODE:
			return result->mode;
		case SPEC_OUT_TOP:
			return top_array(state, output);
		case SPEC_OUT_HISTOGRAM:
			return histogram_array(state, output);
		case SPEC_OUT_BOUNDS:
			return bounds_array(state, output);
		case SPEC_OUT_FIRST:
			return first_value(state, output);
		case SPEC_OUT_LIST:
			return ordered_array(state, output);
		default:
			elog(ERROR, "output %d is not one of a part", (int) output->kind);
	}
	return (Datum) 0;
}
