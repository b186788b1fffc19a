/*
 * direct.c
 *		Finds out where columns lie in the tuples of a heap.
 */
#include "postgres.h"

#include "nodes/bound/direct.h"

static bool
is_wanted(int column, const AttrNumber *attnos, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (attnos[i] == column + 1)
			return true;
	}
	return false;
}

/*
 * Where a column lies in every tuple without NULL, if the one before it ends at "end" in each;
 * -1 if that depends on the tuple.
 */
static int
place_of(Form_pg_attribute attribute, int end)
{
	int			aligned = end < 0 ? -1 : (int) att_align_nominal(end, attribute->attalign);

	/* one of variable length may have a short header, which is not aligned */
	return attribute->attlen > 0 || aligned == end ? aligned : -1;
}

/* Lists a column, unless it is the last that is listed. */
static void
list_column(DirectColumns *direct, const DirectColumn *column)
{
	if (direct->n == 0 || direct->columns[direct->n - 1].column != column->column)
		direct->columns[direct->n++] = *column;
}

/*
 * Opens the columns attnos[0 .. n - 1], in the current memory context.  A column is listed if it
 * is one of them, or if the place of a later one depends on it: also one that ends at a known
 * place where the next begins there or after it, as one of variable length does that is aligned.
 */
void
direct_columns_open(DirectColumns *direct, TupleDesc desc, const AttrNumber *attnos, int n)
{
	DirectColumn before = {0};
	int			end = 0;

	direct->n = 0;
	direct->last = 0;
	for (int i = 0; i < n; i++)
		direct->last = Max(direct->last, attnos[i]);
	direct->columns = palloc(Max(direct->last, 1) * sizeof(DirectColumn));
	for (int i = 0; i < direct->last; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		DirectColumn column = {.column = i,.offset = place_of(attribute, end),
			.length = attribute->attlen,.by_value = attribute->attbyval,
			.wanted = is_wanted(i, attnos, n),.align = attribute->attalign};

		end = column.offset < 0 || column.length < 0 ? -1 : column.offset + column.length;
		if (column.offset < 0)
			list_column(direct, &before);
		if (column.wanted || end < 0)
			list_column(direct, &column);
		before = column;
	}
}
