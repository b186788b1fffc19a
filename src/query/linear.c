/*
 * linear.c
 *		Expressions as linear combinations of others.
 *
 * 2 * (x + y) - 3 is 2 x + 2 y - 3.  An expression is taken apart at +, - and the product with a
 * constant, and at casts that keep each number; what is left are its leaves.  All of these
 * operations are strict, so the expression has a value where all leaves have.  (But for overflow:
 * x + 1 has none where x is the largest integer, and is NULL there below a release.)
 */
#include "postgres.h"

#include <math.h>

#include "access/transam.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"

#include "query/equalities.h"
#include "query/linear.h"
#include "spec/domain.h"
#include "spec/spec.h"

static bool take_apart(Node *node, LinearForm *form);

/* Is it a type of numbers, or a domain over one? */
static bool
is_number(Oid type)
{
	SpecArgType kind = domain_of_type(type);

	return kind >= SPEC_ARG_INT2 && kind <= SPEC_ARG_NUMERIC;
}

/* Is it a type of integers? */
static bool
is_integer(Oid type)
{
	return is_number(type) && domain_is_whole(domain_of_type(type));
}

/* Does a cast from one type of numbers to another keep each number, as far as doubles tell? */
static bool
keeps_numbers(Oid from, Oid to)
{
	if (from == to)
		return true;
	switch (to)
	{
		case INT4OID:
			return from == INT2OID;
		case INT8OID:
			return from == INT2OID || from == INT4OID;
		case NUMERICOID:
			return is_integer(from);
		case FLOAT8OID:
			return is_number(from);
		default:
			return false;
	}
}

/* What stands below casts that keep each number. */
static Node *
below_casts(Node *node)
{
	node = strip_relabel(node);
	while (IsA(node, FuncExpr) && ((FuncExpr *) node)->funcid < FirstNormalObjectId &&
		   ((FuncExpr *) node)->funcformat != COERCE_EXPLICIT_CALL &&
		   list_length(((FuncExpr *) node)->args) == 1 &&
		   keeps_numbers(exprType(linitial(((FuncExpr *) node)->args)),
						 ((FuncExpr *) node)->funcresulttype))
		node = strip_relabel(linitial(((FuncExpr *) node)->args));
	return node;
}

/* Adds weight times a leaf; false if there are too many. */
static bool
add_leaf(LinearForm *form, Node *leaf, double weight)
{
	int			t = 0;

	while (t < form->nterms && !equal(form->terms[t].leaf, leaf))
		t++;
	if (t >= DP_FORM_TERMS)
		return false;
	if (t == form->nterms)
	{
		form->terms[t].leaf = leaf;
		form->terms[t].weight = 0;
		form->nterms++;
	}
	form->terms[t].weight += weight;
	return true;
}

/* Adds weight times a form to another one. */
static bool
add_form(LinearForm *form, const LinearForm *added, double weight)
{
	form->shift += weight * added->shift;
	for (int t = 0; t < added->nterms; t++)
	{
		if (!add_leaf(form, added->terms[t].leaf, weight * added->terms[t].weight))
			return false;
	}
	return true;
}

/* An operator with one or two operands that are numbers; false if the result is not linear in them. */
static bool
take_operator_apart(OpExpr *op, LinearForm *form)
{
	LinearForm	a;
	LinearForm	b = {0};
	bool		binary = list_length(op->args) == 2;
	char	   *name;

	if (op->opno >= FirstNormalObjectId || !is_number(op->opresulttype) ||
		op->opresulttype == FLOAT4OID || !is_number(exprType(linitial(op->args))) ||
		(binary && !is_number(exprType(lsecond(op->args)))))
		return false;
	name = get_opname(op->opno);
	if (name == NULL || strlen(name) != 1 || !take_apart(linitial(op->args), &a) ||
		(binary && !take_apart(lsecond(op->args), &b)))
		return false;
	*form = (LinearForm) {0};
	switch (name[0])
	{
		case '+':
			return add_form(form, &a, 1) && add_form(form, &b, 1);
		case '-':
			return binary ? add_form(form, &a, 1) && add_form(form, &b, -1) : add_form(form, &a, -1);
		case '*':
			if (b.nterms == 0)
				return add_form(form, &a, b.shift);
			return a.nterms == 0 && add_form(form, &b, a.shift);
		case '/':
			return b.nterms == 0 && b.shift != 0 && !is_integer(op->opresulttype) &&
				add_form(form, &a, 1 / b.shift);
		default:
			return false;
	}
}

/* Any expression that is a number, down to its leaves; false if a constant among them is none. */
static bool
take_apart(Node *node, LinearForm *form)
{
	check_stack_depth();
	node = below_casts(node);
	*form = (LinearForm) {0};
	if (IsA(node, Const))
	{
		Const	   *con = (Const *) node;

		return !con->constisnull && is_number(con->consttype) &&
			domain_number(domain_of_type(con->consttype), con->constvalue, &form->shift) &&
			isfinite(form->shift);
	}
	if (IsA(node, OpExpr) && take_operator_apart((OpExpr *) node, form))
		return true;
	*form = (LinearForm) {0};
	return add_leaf(form, node, 1);
}

/* Are all numbers finite, and is there a leaf, and none that has come to nothing? */
static bool
is_proper(const LinearForm *form)
{
	if (form->nterms == 0 || !isfinite(form->shift))
		return false;
	for (int t = 0; t < form->nterms; t++)
	{
		if (form->terms[t].weight == 0 || !isfinite(form->terms[t].weight))
			return false;
	}
	return true;
}

/*
 * Fills in the form of an expression that is a number; its leaves are parts of the expression.
 * False for constants, for what is no number, and for what holds a query.
 */
bool
linear_form(Node *expr, LinearForm *form)
{
	if (!is_number(exprType(expr)) || checkExprHasSubLink(expr) ||
		!contain_var_clause(expr) || !take_apart(expr, form))
		return false;
	if (!is_proper(form))
	{
		*form = (LinearForm) {0};
		return add_leaf(form, below_casts(expr), 1);
	}
	return true;
}
