/*
 * branches.c
 *		Intervals of expressions that choose among others: CASE, COALESCE, LEAST, GREATEST, NULLIF.
 *
 * A condition of CASE that compares an expression with a constant is a fact about the same
 * expression in its branch, and its opposite in the branches after it.  A condition of WHERE, of
 * a join, or of FILTER is one in all rows.
 */
#include "postgres.h"

#include <math.h>

#include "access/stratnum.h"
#include "access/transam.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "core/compat.h"
#include "policy/extension.h"
#include "query/branches.h"
#include "query/conditions.h"
#include "query/equalities.h"
#include "query/grains.h"
#include "query/lengths.h"
#include "query/scope.h"
#include "spec/domain.h"

/* The smallest interval around all the expressions; NULLs contribute nothing. */
Range
list_range(Scope *scope, List *nodes)
{
	Range		result = range_nothing();
	ListCell   *lc;

	foreach(lc, nodes)
		result = range_around(result, scope->derive(scope, lfirst(lc)));
	return result;
}

/* Is it the time, which always has a value?  Rounded to a grain it is one as well. */
static bool
is_time(Node *node)
{
	if (is_grain_end((FuncExpr *) node))
		node = linitial(((FuncExpr *) node)->args);
	return IsA(node, SQLValueFunction) ||
		(IsA(node, FuncExpr) && (((FuncExpr *) node)->funcid == F_NOW ||
								 ((FuncExpr *) node)->funcid == F_STATEMENT_TIMESTAMP));
}

/*
 * The interval of an expression that has the same value in all rows, which is not NULL; false if
 * it may be anything else.  That of a text is about its length, not about how it compares.
 */
static bool
constant_range(Scope *scope, Node *node, Range *value)
{
	if (!is_time(node))
	{
		if (is_text_type(exprType(node)) || contain_var_clause(node))
			return false;
		node = known_grain_end(strip_relabel(eval_const_expressions(scope->root, node)));
		if (!IsA(node, Const) || ((Const *) node)->constisnull)
			return false;
	}
	*value = scope->derive(scope, node);
	return isfinite(value->lower) && isfinite(value->upper);
}

/* Is it surely not NULL, as a constant or a COALESCE that has one? */
static bool
is_sure(Scope *scope, Node *node)
{
	Range		value;
	ListCell   *lc;

	if (!IsA(node, CoalesceExpr))
		return constant_range(scope, node, &value);
	foreach(lc, ((CoalesceExpr *) node)->args)
	{
		if (constant_range(scope, lfirst(lc), &value))
			return true;
	}
	return false;
}

/* GREATEST and LEAST, which pass over NULLs: one end is cut by what is surely a value. */
Range
extreme_range(Scope *scope, MinMaxExpr *expr)
{
	Range		result = range_nothing();
	Range		cut = range_everything();
	ListCell   *lc;

	foreach(lc, expr->args)
	{
		Range		range = scope->derive(scope, lfirst(lc));

		result = range_around(result, range);
		if (!is_sure(scope, lfirst(lc)))
			continue;
		if (expr->op == IS_GREATEST)
			cut.lower = Max(cut.lower, range.lower);
		else
			cut.upper = Min(cut.upper, range.upper);
	}
	result.lower = Max(result.lower, cut.lower);
	result.upper = Min(result.upper, cut.upper);
	return result;
}

/* Notes the statement's parameters in an expression whose values are not known yet. */
static bool
note_unknown(Node *node, Scope *scope)
{
	if (node == NULL)
		return false;
	if (!IsA(node, Param))
		return expression_tree_walker(node, note_unknown, scope);
	(void) scope->derive(scope, node);
	return false;
}

/* NULLIF(a, 0): multiples of a step that are not 0 begin a step away from it. */
Range
nullif_range(Scope *scope, NullIfExpr *expr)
{
	Range		a = scope->derive(scope, linitial(expr->args));
	Range		b;

	if (a.step > 0 && a.lower <= 0 && a.upper >= 0)
		(void) note_unknown(lsecond(expr->args), scope);
	if (a.step > 0 && constant_range(scope, lsecond(expr->args), &b) && range_is_point(b) &&
		b.lower == 0)
	{
		if (a.lower == 0 && a.upper >= a.step)
			a.lower = a.step;
		else if (a.upper == 0 && a.lower <= -a.step)
			a.upper = -a.step;
	}
	return a;
}

/* ----------
 * Conditions
 * ----------
 */

/*
 * Does a cast keep every number, or round it as domain_number() does?  Casts that can fail do
 * not: they are NULL where the number is not.
 */
static bool
keeps_numbers(Oid funcid)
{
	switch (funcid)
	{
		case F_INT4_INT2:
		case F_INT8_INT2:
		case F_INT8_INT4:
		case F_FLOAT8_INT2:
		case F_FLOAT8_INT4:
		case F_FLOAT8_INT8:
		case F_FLOAT8_FLOAT4:
		case F_NUMERIC_INT2:
		case F_NUMERIC_INT4:
		case F_NUMERIC_INT8:
			return true;
		default:
			return false;
	}
}

/* The expression below casts that keep numbers. */
static Node *
below_casts(Node *node)
{
	node = strip_relabel(node);
	while (IsA(node, FuncExpr) && keeps_numbers(((FuncExpr *) node)->funcid))
		node = strip_relabel(linitial(((FuncExpr *) node)->args));
	return node;
}

/* Adds that the expression and what a constant is compared with are related so. */
static List *
add_fact(List *facts, Node *node, Range constant, int strategy)
{
	Fact	   *fact;
	Range		range = range_everything();

	if (strategy == BTLessStrategyNumber || strategy == BTLessEqualStrategyNumber ||
		strategy == BTEqualStrategyNumber)
		range.upper = constant.upper;
	if (strategy == BTGreaterStrategyNumber || strategy == BTGreaterEqualStrategyNumber ||
		strategy == BTEqualStrategyNumber)
		range.lower = constant.lower;
	if (range.lower == -INFINITY && range.upper == INFINITY)
		return facts;
	fact = palloc(sizeof(Fact));
	*fact = (Fact) {below_casts(node), range};
	return lappend(facts, fact);
}

/* The comparison that says that one is not so; 0 if it says nothing. */
static int
opposite(int strategy)
{
	switch (strategy)
	{
		case BTLessStrategyNumber:
			return BTGreaterEqualStrategyNumber;
		case BTLessEqualStrategyNumber:
			return BTGreaterStrategyNumber;
		case BTGreaterEqualStrategyNumber:
			return BTLessStrategyNumber;
		case BTGreaterStrategyNumber:
			return BTLessEqualStrategyNumber;
		default:
			return 0;
	}
}

static bool
is_number(Node *node)
{
	SpecArgType type = domain_of_type(exprType(node));

	return type != SPEC_ARG_ANY && type != SPEC_ARG_DATE && type != SPEC_ARG_TIMESTAMP &&
		type != SPEC_ARG_INTERVAL;
}

/* Is the operator a built-in comparison of two numbers, or of two values of one type? */
static bool
is_comparison(OpExpr *op)
{
	return op->opno < FirstNormalObjectId && list_length(op->args) == 2 &&
		(exprType(linitial(op->args)) == exprType(lsecond(op->args)) ||
		 (is_number(linitial(op->args)) && is_number(lsecond(op->args))));
}

/* The facts of a comparison with a constant, on either side. */
static List *
comparison_facts(Scope *scope, List *facts, OpExpr *op, bool holds)
{
	Node	   *node;
	Range		constant;
	List	   *meanings;
	int			strategy;
	Oid			operator = op->opno;

	if (!is_comparison(op))
		return facts;
	node = linitial(op->args);
	if (!constant_range(scope, lsecond(op->args), &constant))
	{
		if (!constant_range(scope, node, &constant))
			return facts;
		node = lsecond(op->args);
		operator = get_commutator(operator);
	}
	meanings = OidIsValid(operator) ? DP_ORDER_INTERPRETATION(operator) : NIL;
	if (meanings == NIL)
		return facts;
	strategy = DP_ORDER_STRATEGY(linitial(meanings));
	return add_fact(facts, node, constant, holds ? strategy : opposite(strategy));
}

/*
 * Adds the facts that follow where a condition is true (holds), or where it is false or NULL.
 * Where it is NULL the expression that is compared is, too, and has no value to be outside of.
 */
static List *
add_facts(Scope *scope, List *facts, Node *condition, bool holds)
{
	ListCell   *lc;

	check_stack_depth();
	if (IsA(condition, OpExpr))
		return comparison_facts(scope, facts, (OpExpr *) condition, holds);
	if (!IsA(condition, BoolExpr))
		return facts;
	switch (((BoolExpr *) condition)->boolop)
	{
		case NOT_EXPR:
			return add_facts(scope, facts, linitial(((BoolExpr *) condition)->args), !holds);
		case AND_EXPR:
			if (!holds)
				return facts;
			break;
		case OR_EXPR:
			if (holds)
				return facts;
			break;
	}
	foreach(lc, ((BoolExpr *) condition)->args)
		facts = add_facts(scope, facts, lfirst(lc), holds);
	return facts;
}

/*
 * CASE: the interval around its branches, each within what its conditions say.  Where that is not
 * enough, it may be with parameters whose values are not known yet.
 */
Range
case_range(Scope *scope, CaseExpr *expr)
{
	Scope		rest = *scope;
	Range		result = range_nothing();
	ListCell   *lc;

	foreach(lc, expr->args)
	{
		CaseWhen   *when = lfirst(lc);
		Scope		branch = rest;

		if (expr->arg == NULL)
		{
			branch.facts = add_facts(&rest, list_copy(rest.facts), (Node *) when->expr, true);
			rest.facts = add_facts(&rest, list_copy(rest.facts), (Node *) when->expr, false);
		}
		result = range_around(result, scope->derive(&branch, (Node *) when->result));
	}
	if (expr->defresult != NULL)
		result = range_around(result, scope->derive(&rest, (Node *) expr->defresult));
	if (!isfinite(result.lower) || !isfinite(result.upper))
	{
		foreach(lc, expr->args)
			(void) note_unknown((Node *) lfirst_node(CaseWhen, lc)->expr, scope);
	}
	return result;
}

/* Is there a parameter of the statement in the expression? */
static bool
has_parameter(Node *node, void *context)
{
	if (node == NULL)
		return false;
	return IsA(node, Param) || expression_tree_walker(node, has_parameter, context);
}

/*
 * What conditions say about columns, and expressions of them, where all of them hold.  Parameters say nothing here: a plan that
 * serves all their values has the same bounds.  Nor do volatile functions, of public sub-selects.
 */
static List *
row_facts(Scope *scope, List *conditions)
{
	List	   *facts = NIL;
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, conditions)
	{
		if (!has_parameter(lfirst(lc), NULL))
			facts = add_facts(scope, facts, lfirst(lc), true);
	}
	foreach(lc, facts)
	{
		Node	   *node = ((Fact *) lfirst(lc))->node;

		if (contain_var_clause(node) && !contain_volatile_functions(node))
			result = lappend(result, lfirst(lc));
	}
	return result;
}

/* What conditions of WHERE and joins say in all rows of the scope's level. */
List *
where_facts(Scope *scope)
{
	return row_facts(scope, sure_conditions(scope->level));
}

/* The facts of the scope, and what an aggregate's FILTER (NULL: it has none) says. */
List *
filter_facts(Scope *scope, Expr *filter)
{
	if (filter == NULL)
		return scope->facts;
	return list_concat_copy(scope->facts, row_facts(scope, make_ands_implicit(filter)));
}

/* The function that an expression calls, and with what, also through guarded(); false if it is no call. */
static bool
called(Node *node, Oid *funcid, List **args)
{
	if (IsA(node, OpExpr))
	{
		set_opfuncid((OpExpr *) node);
		*funcid = ((OpExpr *) node)->opfuncid;
		*args = ((OpExpr *) node)->args;
		return true;
	}
	if (!IsA(node, FuncExpr))
		return false;
	*funcid = ((FuncExpr *) node)->funcid;
	*args = ((FuncExpr *) node)->args;
	if (extension_function(*funcid) == DP_FUNC_GUARDED)
	{
		*funcid = DatumGetObjectId(linitial_node(Const, *args)->constvalue);
		*args = list_copy_tail(*args, 2);
	}
	return true;
}

/*
 * Do two expressions of a level have the same value?  Conditions are guarded before the arguments of
 * aggregates are.
 */
static bool
same_value(Node *a, Node *b)
{
	Oid			functions[2];
	List	   *args[2];
	ListCell   *lca;
	ListCell   *lcb;

	check_stack_depth();
	if (!called(a, &functions[0], &args[0]) || !called(b, &functions[1], &args[1]))
		return equal(a, b);
	if (functions[0] != functions[1] || list_length(args[0]) != list_length(args[1]) ||
		exprInputCollation(a) != exprInputCollation(b))
		return false;
	forboth(lca, args[0], lcb, args[1])
	{
		if (!same_value(lfirst(lca), lfirst(lcb)))
			return false;
	}
	return true;
}

/* An expression's interval (range), within what conditions say about it. */
Range
range_by_facts(Scope *scope, Node *node, Range range)
{
	ListCell   *lc;

	foreach(lc, scope->facts)
	{
		Fact	   *fact = lfirst(lc);

		if (same_value(fact->node, node))
			range = range_within(range, fact->range);
	}
	return range;
}
