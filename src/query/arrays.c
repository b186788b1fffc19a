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

/* No number that a numeric holds takes more: 131072 + 16383 digits. */
#define WIDEST_NUMERIC (80 * 1024)

/* So many nodes may an expression have that is copied for each element of an array. */
#define MOST_EXPANDED 10000

/* The most bytes an element of an array may take; of any other one, too many. */
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
 * Keeps ARRAY[...] from failing, in place; its elements are guarded.  It fails for a row whose
 * elements differ in their dimensions or are too many bytes together (more than "widest"), so
 * there must be no such elements.  A text that is a parameter is narrowed: x IN ($1, $2) is an
 * array.
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

/* Counts the nodes of an expression, as far as matters. */
static bool
count_walker(Node *node, int *count)
{
	return node != NULL && (++*count > MOST_EXPANDED ||
							expression_tree_walker(node, count_walker, count));
}

/*
 * x LIKE ANY (ARRAY[a, b]) as x LIKE a OR x LIKE b: each through guarded().  The array
 * is guarded.
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
		refuse(REFUSE_FUNCTION, context->source, op->location);
	count = 0;
	(void) count_walker(left, &count);
	if (list_length(elements) * count > MOST_EXPANDED || contain_subplans(left))
		refuse(REFUSE_FUNCTION, context->source, op->location);
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
