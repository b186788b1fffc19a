/*
 * parts_order.c
 *		Released values in an order: the first of them, or all as an array.
 *
 * Post-processing: the values have passed their threshold, and which ones have is what the part
 * released.  They are compared by an operator of PostgreSQL's own under a collation that comes
 * with it, so no code of a client runs, and nothing is looked up but what warm.c has.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/array.h"
#include "utils/lsyscache.h"

#include "nodes/release/parts_order.h"
#include "nodes/release/parts_state.h"
#include "spec/canonical.h"
#include "spec/spec.h"

/*
 * Looks up the comparisons of all outputs that need one, in the current memory context, before
 * the first row is read.
 */
void
open_orders(PartsState *state)
{
	const ReleaseSpec *spec = state->spec;

	state->ordered = palloc0(sizeof(OrderedOutput) * Max(spec->noutputs, 1));
	for (int i = 0; i < spec->noutputs; i++)
	{
		const SpecOutput *output = &spec->outputs[i];
		SortSupport order = &state->ordered[i].order;
		const SpecSketch *sketch;

		if (!is_ordered_output(output))
			continue;
		sketch = &spec->sketches[spec->parts[output->part].sketch];
		order->ssup_cxt = CurrentMemoryContext;
		order->ssup_collation = sketch->collation;
		PrepareSortSupportFromOrderingOp(output->order, order);
		canonical_open(&state->ordered[i].form, getBaseType(sketch->value_type), sketch->typmod,
					   CurrentMemoryContext);
	}
}

static OrderedOutput *
ordered_output(const PartsState *state, const SpecOutput *output)
{
	return &state->ordered[output - state->spec->outputs];
}

/* The first of the values that the output's part has released, at least one. */
Datum
first_value(const PartsState *state, const SpecOutput *output)
{
	const PartResult *result = &state->results[output->part];
	OrderedOutput *ordered = ordered_output(state, output);
	Datum		first = result->categories[0].value;

	for (int i = 1; i < result->ncategories; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (ApplySortComparator(result->categories[i].value, false, first, false,
								&ordered->order) < 0)
			first = result->categories[i].value;
	}
	return canonical_datum(&ordered->form, first);
}

static int
compare_values(const void *a, const void *b, void *order)
{
	CHECK_FOR_INTERRUPTS();
	return ApplySortComparator(*(const Datum *) a, false, *(const Datum *) b, false, order);
}

/* All values that the output's part has released, sorted, as an array of the output's type. */
Datum
ordered_array(const PartsState *state, const SpecOutput *output)
{
	const PartResult *result = &state->results[output->part];
	OrderedOutput *ordered = ordered_output(state, output);
	Datum	   *values = palloc(sizeof(Datum) * result->ncategories);
	Oid			type = get_element_type(output->type);
	int16		length;
	bool		by_value;
	char		align;

	for (int i = 0; i < result->ncategories; i++)
		values[i] = canonical_datum(&ordered->form, result->categories[i].value);
	qsort_arg(values, result->ncategories, sizeof(Datum), compare_values,
			  &ordered->order);
	get_typlenbyvalalign(type, &length, &by_value, &align);
	return PointerGetDatum(construct_array(values, result->ncategories, type, length, by_value,
										   align));
}
