/*
 * equalities.c
 *		The equalities that conditions state, by the equality of the values' own type.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "access/transam.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "query/calls.h"
#include "query/equalities.h"

/* The btree operator family that says when values of a type are equal, and how they are sorted. */
Oid
equality_family(Oid type)
{
	return lookup_type_cache(getBaseType(type), TYPECACHE_BTREE_OPFAMILY)->btree_opf;
}

/* The argument of a cast from a smaller to a larger integer, else NULL. */
static Node *
widened_integer(Node *node)
{
	FuncExpr   *func = (FuncExpr *) node;

	if (!IsA(node, FuncExpr) || list_length(func->args) != 1)
		return NULL;
	if (func->funcid == F_INT8_INT4 || func->funcid == F_INT8_INT2 ||
		func->funcid == F_INT4_INT2)
		return linitial(func->args);
	return NULL;
}

/*
 * Removes casts that leave a value what it is: varchar to text, integer to
 * bigint, but not varchar to char, under which 'a' and 'a ' are equal.
 */
Node *
strip_relabel(Node *node)
{
	while (node != NULL && (IsA(node, RelabelType) || widened_integer(node) != NULL))
	{
		Node	   *arg = IsA(node, RelabelType) ?
			(Node *) ((RelabelType *) node)->arg : widened_integer(node);

		if (equality_family(exprType(node)) != equality_family(exprType(arg)))
			break;
		node = arg;
	}
	return node;
}

/*
 * The argument of a cast that makes different values of different ones, and the same one of equal
 * ones: among integers, of an integer to numeric, of an integer or uuid to text.  A smaller integer
 * takes none from a value that does not fit.  NULL for any other expression.
 */
static Node *
injective_argument(Node *node)
{
	List	   *args;

	if (IsA(node, CoerceViaIO))
	{
		CoerceViaIO *cast = (CoerceViaIO *) node;
		Oid			source = exprType((Node *) cast->arg);
		bool		integer = source == INT2OID || source == INT4OID || source == INT8OID;

		return (integer || source == UUIDOID) &&
			(cast->resulttype == TEXTOID || cast->resulttype == VARCHAROID) ?
			(Node *) cast->arg : NULL;
	}
	if (!IsA(node, FuncExpr))
		return NULL;
	switch (called_function(node, &args))
	{
		case F_INT8_INT4:
		case F_INT8_INT2:
		case F_INT4_INT2:
		case F_INT4_INT8:
		case F_INT2_INT8:
		case F_INT2_INT4:
		case F_NUMERIC_INT2:
		case F_NUMERIC_INT4:
		case F_NUMERIC_INT8:
			return linitial(args);
		default:
			return NULL;
	}
}

/*
 * Removes casts that tell values apart, beside those that strip_relabel() removes: whoever is
 * equal to the result is one individual.
 */
Node *
strip_injective(Node *node)
{
	Node	   *arg;

	node = strip_relabel(node);
	while (node != NULL && (arg = injective_argument(node)) != NULL)
		node = strip_relabel(arg);
	return node;
}

/* Is the operator the equality that the expression's type itself goes by? */
bool
is_own_equality(Oid opno, Node *node)
{
	Oid			family = equality_family(exprType(node));

	return OidIsValid(family) &&
		get_op_opfamily_strategy(opno, family) == BTEqualStrategyNumber;
}

/*
 * The equalities among conditions that AND connects, by built-in operators that
 * are the equality of both sides' types.
 */
List *
equalities_of(Node *quals)
{
	List	   *result = NIL;
	ListCell   *lc;

	if (quals == NULL)
		return NIL;
	if (IsA(quals, List))
	{
		foreach(lc, (List *) quals)
			result = list_concat(result, equalities_of(lfirst(lc)));
	}
	else if (is_andclause(quals))
		return equalities_of((Node *) ((BoolExpr *) quals)->args);
	else if (IsA(quals, OpExpr) && list_length(((OpExpr *) quals)->args) == 2)
	{
		OpExpr	   *op = (OpExpr *) quals;
		Node	   *left = strip_relabel(linitial(op->args));
		Node	   *right = strip_relabel(lsecond(op->args));

		/* a conversion that depends on settings may map two values to one */
		if (op->opno < FirstNormalObjectId &&
			func_volatile(get_opcode(op->opno)) == PROVOLATILE_IMMUTABLE &&
			is_own_equality(op->opno, left) && is_own_equality(op->opno, right))
		{
			Equality   *equality = palloc0(sizeof(Equality));

			equality->left = left;
			equality->right = right;
			result = list_make1(equality);
		}
	}
	return result;
}

/*
 * Do the equalities say that a = b: are they the same, is it among them, or does it follow over others?  Equality
 * within a family is transitive, and casts that are left aside tell values apart.
 */
static bool
equalities_imply(List *equalities, Node *a, Node *b)
{
	ListCell   *lc;

	CHECK_FOR_INTERRUPTS();
	if (equal(a, b))
		return true;
	foreach(lc, equalities)
	{
		Node	   *left = strip_injective(((Equality *) lfirst(lc))->left);
		Node	   *right = strip_injective(((Equality *) lfirst(lc))->right);
		List	   *others;

		if (!equal(left, a) && !equal(right, a))
			continue;
		others = list_delete_ptr(list_copy(equalities), lfirst(lc));
		if ((equal(left, a) && equalities_imply(others, right, b)) ||
			(equal(right, a) && equalities_imply(others, left, b)))
			return true;
	}
	return false;
}

/*
 * Do the equalities tie some alternative of the unit in left to one in right, column by column?
 * left, right: as the units of Individuals.
 */
bool
equalities_tie(List *equalities, List *left, List *right)
{
	ListCell   *la;
	ListCell   *lb;

	foreach(la, left)
	{
		foreach(lb, right)
		{
			List	   *a = lfirst(la);
			List	   *b = lfirst(lb);
			bool		tied = list_length(a) == list_length(b);

			for (int i = 0; tied && i < list_length(a); i++)
				tied = equalities_imply(equalities, strip_relabel(list_nth(a, i)),
										strip_relabel(list_nth(b, i)));
			if (tied)
				return true;
		}
	}
	return false;
}
