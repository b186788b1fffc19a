/*
 * products.c
 *		Bounds of what an individual adds to a sum of products.
 *
 * A declared total says how much the values of a column make for one individual. What is sold at a discount makes no more
 * than what is sold: price * (1 - discount), with a discount of 0 to 0.1, is within 0 and the total of prices, and
 * price * discount within a tenth of it.  That is far less than max_total times the bounds of one product where few
 * individuals have many large values.  Which bounds are taken decides about noise and about what is cut off, never
 * about privacy: the sum of an individual is clipped to those that noise is made for.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "nodes/nodeFuncs.h"

#include "policy/extension.h"
#include "query/derive.h"
#include "query/equalities.h"
#include "query/operations.h"
#include "query/products.h"
#include "query/totals.h"

typedef struct Scene
{
	PlannerInfo *root;
	Expr	   *filter;			/* condition of the rows that count, or NULL; of the outermost
								 * level */
} Scene;

static bool total_of(const Scene *scene, Level *level, Node *node, Total *total);

/* What a number is within; false if that is not known. */
static bool
known_range(const Scene *scene, Level *level, Node *node, Range *range)
{
	bool		unknown = false;
	int			steps = 0;
	double		lower;
	double		upper;

	*range = derive_range(scene->root, level, INFINITY, scene->filter, node, &unknown, &steps);
	return !unknown && !range_is_nothing(*range) && range_as_bounds(*range, &lower, &upper);
}

/* A column, or whatever has a total and is never negative, times a number. */
static bool
total_times(const Scene *scene, Level *level, Node *column, Node *factor, Total *total)
{
	Range		values;
	Range		factors;

	if (!total_of(scene, level, column, total) || total->lower < 0 ||
		!known_range(scene, level, column, &values) || values.lower < 0 ||
		!known_range(scene, level, factor, &factors))
		return false;
	*total = (Total) {Min(factors.lower, 0) * total->upper, Max(factors.upper, 0) * total->upper,
		Max(fabs(factors.lower), fabs(factors.upper)) * total->norm};
	return true;
}

/* The operands of a product, also of one that is guarded; false if it is none. */
static bool
is_product(Node *node, Node **a, Node **b)
{
	Oid			funcid = InvalidOid;
	List	   *args = NIL;

	if (IsA(node, OpExpr))
	{
		set_opfuncid((OpExpr *) node);
		funcid = ((OpExpr *) node)->opfuncid;
		args = ((OpExpr *) node)->args;
	}
	else if (IsA(node, FuncExpr) && extension_function(((FuncExpr *) node)->funcid) == DP_FUNC_GUARDED)
	{
		args = ((FuncExpr *) node)->args;
		funcid = DatumGetObjectId(linitial_node(Const, args)->constvalue);
		args = list_copy_tail(args, 2);
	}
	if (list_length(args) != 2 || operation_of(funcid) != RANGE_MULTIPLY)
		return false;
	*a = linitial(args);
	*b = lsecond(args);
	return true;
}

/* Adds what one arm of CASE makes: its rows are others than those of the other arms. */
static bool
add_arm(const Scene *scene, Level *level, Node *arm, Total *total)
{
	Total		one = {0};
	Range		range;

	if (arm == NULL || (IsA(arm, Const) && ((Const *) arm)->constisnull))
		return true;
	if (!(known_range(scene, level, arm, &range) && range.lower == 0 && range.upper == 0) &&
		!total_of(scene, level, arm, &one))
		return false;
	total->lower += Min(one.lower, 0);
	total->upper += Max(one.upper, 0);
	total->norm = total->norm < 0 || (one.norm == 0 && one.upper > 0) ? -1 : total->norm + one.norm;
	return true;
}

/* CASE that is one of what has totals, or 0. */
static bool
total_of_case(const Scene *scene, Level *level, CaseExpr *expr, Total *total)
{
	ListCell   *lc;

	*total = (Total) {0};
	foreach(lc, expr->args)
	{
		if (!add_arm(scene, level, (Node *) lfirst_node(CaseWhen, lc)->result, total))
			return false;
	}
	if (!add_arm(scene, level, (Node *) expr->defresult, total))
		return false;
	total->norm = Max(total->norm, 0);
	return true;
}

/* A column of a sub-select that hands rows on. */
static bool
total_below(const Scene *scene, Level *level, Var *var, Total *total)
{
	Scene		below = {.root = scene->root};
	Level		inner;
	double		rows;
	Node	   *expr = below_column(level, var, &inner, &rows);

	return expr != NULL && inner.query->groupClause == NIL && !inner.query->hasAggs &&
		inner.query->distinctClause == NIL && total_of(&below, &inner, expr, total);
}

static bool
total_of(const Scene *scene, Level *level, Node *node, Total *total)
{
	Node	   *a;
	Node	   *b;

	check_stack_depth();
	node = strip_relabel(node);
	if (derive_total(level, node, &total->lower, &total->upper, &total->norm))
		return true;
	if (IsA(node, Var))
		return total_below(scene, level, (Var *) node, total);
	if (IsA(node, CaseExpr))
		return total_of_case(scene, level, (CaseExpr *) node, total);
	return is_product(node, &a, &b) &&
		(total_times(scene, level, a, b, total) || total_times(scene, level, b, a, total));
}

/*
 * Bounds of the sum of an individual's values of an expression of the level that is no column, and the norm of these sums over
 * groups, 0 if none is declared; false if there are none.  filter: a condition of the rows that count, or NULL.
 */
bool
derive_total_of_product(PlannerInfo *root, Level *level, Expr *filter, Node *node, Total *total)
{
	Scene		scene = {.root = root,.filter = filter};

	return total_of(&scene, level, node, total) && total->lower <= total->upper &&
		Max(fabs(total->lower), fabs(total->upper)) > 0;
}
