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
 * Opens the columns that a plan's list of integers tells (layout.h), in the current memory
 * context; elog if they are not what the description wants.
 */
void
input_columns_open(InputColumns *columns, List *numbers, TupleDesc desc, const ReleaseSpec *spec)
{
	int			n = list_length(numbers) - BOUND_FIRST_COLUMN;
	AttrNumber *attnos;

	columns->nkeys = list_nth_int(numbers, BOUND_KEYS);
	columns->nunits = list_nth_int(numbers, BOUND_UNITS);
	if (columns->nkeys != spec->nkeys ||
		list_nth_int(numbers, BOUND_ARGUMENTS) != spec->narguments ||
		list_nth_int(numbers, BOUND_SKETCHES) != spec->nsketches ||
		n != columns->nkeys + columns->nunits + spec->narguments + spec->nsketches)
		malformed("plan of a release");
	attnos = palloc(n * sizeof(AttrNumber));
	for (int i = 0; i < n; i++)
		attnos[i] = (AttrNumber) list_nth_int(numbers, BOUND_FIRST_COLUMN + i);
	direct_columns_open(&columns->direct, desc, attnos, n);
	columns->keys = attnos;
	columns->units = columns->keys + columns->nkeys;
	columns->arguments = columns->units + columns->nunits;
	columns->values = columns->arguments + spec->narguments;
}

/* Would the sequential scan that has begun only pass on the rows of its table? */
static bool
passes_on(const PlanState *child)
{
	return IsA(child, SeqScanState) && child->qual == NULL && child->ps_ProjInfo == NULL &&
		child->instrument == NULL && child->state->es_epq_active == NULL;
}

/* Does the scan keep a list of the rows of its page? */
static bool
has_list(const TableScanDescData *scan)
{
	return scan->rs_rd->rd_tableam == GetHeapamTableAmRoutine() && scan->rs_nkeys == 0 &&
		(scan->rs_flags & SO_ALLOW_PAGEMODE) != 0;
}

/* Reads past the executor from now on, if the child, which has handed out a row, allows for it. */
void
rows_read_past(RowReader *rows)
{
	if (!passes_on(rows->child))
		return;
	rows->scan = (ScanState *) rows->child;
	if (has_list(rows->scan->ss_currentScanDesc))
		rows->heap = (HeapScanDesc) rows->scan->ss_currentScanDesc;
}

/*
 * Checks the types of the arguments, and opens the sketches, all in the current memory
 * context.
 */
SketchReader *
rows_open_values(const ReleaseSpec *spec, ArrayType *params, TupleDesc desc,
				 const InputColumns *columns)
{
	SketchReader *sketches = palloc0(spec->nsketches * sizeof(SketchReader));

	for (int i = 0; i < spec->narguments; i++)
	{
		if (!argument_type_matches(&spec->arguments[i],
								   TupleDescAttr(desc, columns->arguments[i] - 1)->atttypid))
			malformed("release description");
	}
	for (int i = 0; i < spec->nsketches; i++)
		sketch_reader_open(&sketches[i], spec, i, params, true, CurrentMemoryContext);
	return sketches;
}
