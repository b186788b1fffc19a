/*
 * arrays.c
 *		Arrays below a release: how wide they may be, and searches of them by
 *		comparisons that may fail.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "core/refusals.h"
#include "policy/allowed.h"
#include "query/arrays.h"
#include "query/calls.h"
#include "query/equalities.h"
#include "query/level.h"
#include "query/refuse.h"

/* The most bytes of a numeric: 131072 + 16383 digits. */
#define WIDEST_NUMERIC (80 * 1024)

/*
 * The most nodes that the copies of an expression may have together, where it is copied for each
 * element of an array.
 */
#define MOST_EXPANDED 10000

/* The most bytes that an element of an array may take; MaxAllocSize if that is not known. */
static Size
widest_element(Node *element, Oid type)
{
	if (IsA(element, Const) && ((Const *) element)->constisnull)
		return 0;
	type = getBaseType(type);
	if (get_typlen(type) > 0)
		return get_typlen(type);
	if (IsA(element, Const) && get_typlen(type) == -1)
		return toast_raw_datum_size(((Const *) element)->constvalue);
	return type == NUMERICOID ? WIDEST_NUMERIC : MaxAllocSize;
}

/*
 * Keeps ARRAY[...] from failing for a row, in place; its elements are guarded already.  It would
 * fail where these are too many bytes together.  So the most bytes of each are added up, and more
 * than "widest" are refused (ERRCODE_DP_QUERY_REFUSED).  A parameter that is a text, as in
 * x IN ($1, $2), is narrowed.
 */
void
settle_array(RewriteContext *context, ArrayExpr *array, Size widest)
{
	Size		width = 0;
	ListCell   *lc;

	foreach(lc, array->elements)
	{
		Node	   *element = strip_relabel(lfirst(lc));

		if (IsA(element, Param) && (array->element_typeid == TEXTOID ||
									array->element_typeid == VARCHAROID ||
									array->element_typeid == BPCHAROID))
		{
			lfirst(lc) = narrow_text(lfirst(lc));
			width += GUARDED_WIDEST;
		}
		else
			width += widest_element(element, array->element_typeid);
		width += MAXIMUM_ALIGNOF;
		if (width > widest)
			refuse(REFUSE_EXPRESSION, context->source, array->location);
	}
}

/* Elements of an array that is written in the query, each as a constant. */
static List *
constant_elements(Const *array)
{
	Oid			type = get_element_type(array->consttype);
	int16		length;
	bool		byval;
	char		align;
	Datum	   *values;
	bool	   *nulls;
	int			n;
	List	   *result = NIL;

	get_typlenbyvalalign(type, &length, &byval, &align);
	deconstruct_array(DatumGetArrayTypeP(array->constvalue), type, length, byval, align,
					  &values, &nulls, &n);
	for (int i = 0; i < n; i++)
		result = lappend(result, makeConst(type, -1, array->constcollid, length, values[i],
										   nulls[i], byval));
	return result;
}

/* Counts the nodes of an expression, up to MOST_EXPANDED. */
static bool
count_walker(Node *node, int *count)
{
	return node != NULL && (++*count > MOST_EXPANDED ||
							expression_tree_walker(node, count_walker, count));
}

/*
 * Makes x LIKE a OR x LIKE b of x LIKE ANY (ARRAY[a, b]), where each comparison can go through
 * guarded().  The array is guarded already.  Raises ERRCODE_DP_QUERY_REFUSED for an array of
 * unknown elements, for too many of them, and if x holds a sub-select, which would run several
 * times.
 */
Node *
expand_search(RewriteContext *context, ScalarArrayOpExpr *op, Node *left, Node *array)
{
	List	   *elements;
	List	   *comparisons = NIL;
	ListCell   *lc;
	int			count;

	if (IsA(array, ArrayExpr))
		elements = ((ArrayExpr *) array)->elements;
	else if (IsA(array, Const) && !((Const *) array)->constisnull)
		elements = constant_elements((Const *) array);
	else
		refuse_operator(context, op->opno, op->location);
	count = 0;
	(void) count_walker(left, &count);
	if (list_length(elements) * count > MOST_EXPANDED || contain_subplans(left))
		refuse_operator(context, op->opno, op->location);
	foreach(lc, elements)
	{
		OpExpr	   *comparison = (OpExpr *) make_opclause(op->opno, BOOLOID, false, (Expr *) left,
														  lfirst(lc), InvalidOid, op->inputcollid);

		comparison->location = op->location;
		comparisons = lappend(comparisons, guard_call(context, (Node *) comparison, op->opfuncid,
													  BOOLOID, InvalidOid, op->inputcollid,
													  copyObject(comparison->args)));
	}
	if (comparisons == NIL)
		return makeBoolConst(!op->useOr, false);
	return (Node *) makeBoolExpr(op->useOr ? OR_EXPR : AND_EXPR, comparisons, op->location);
}
