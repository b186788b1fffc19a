/*
 * rows.c
 *		Opens the columns of the rows below a node.
 */
#include "postgres.h"

#include "aggregate/contribution.h"
#include "aggregate/sketch_add.h"
#include "core/errors.h"
#include "nodes/bound/layout.h"
#include "nodes/bound/rows.h"
#include "spec/spec.h"

/*
 * The columns of a plan's list of integers (bound.h), and the last of them; elog if there
 * are not as many as the description wants.
 */
AttrNumber *
rows_columns(List *numbers, int expected, int *last_column)
{
	int			n = list_length(numbers) - BOUND_FIRST_COLUMN;
	AttrNumber *columns;

	if (n != expected)
		malformed("plan of a release");
	columns = palloc(n * sizeof(AttrNumber));
	*last_column = 0;
	for (int i = 0; i < n; i++)
	{
		columns[i] = (AttrNumber) list_nth_int(numbers, BOUND_FIRST_COLUMN + i);
		*last_column = Max(*last_column, columns[i]);
	}
	return columns;
}

/*
 * Checks the types of the arguments, whose columns these are, and opens the sketches, all
 * in the current memory context.
 */
SketchReader *
rows_open_values(const ReleaseSpec *spec, ArrayType *params, TupleDesc desc,
				 const AttrNumber *columns)
{
	SketchReader *sketches = palloc0(spec->nsketches * sizeof(SketchReader));

	for (int i = 0; i < spec->narguments; i++)
	{
		if (!argument_type_matches(&spec->arguments[i],
								   TupleDescAttr(desc, columns[i] - 1)->atttypid))
			malformed("release description");
	}
	for (int i = 0; i < spec->nsketches; i++)
		sketch_reader_open(&sketches[i], spec, i, params, true, CurrentMemoryContext);
	return sketches;
}
