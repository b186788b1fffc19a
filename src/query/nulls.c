/*
 * nulls.c
 *		Which expressions are never NULL, as the schema and the query alone show?
 */
#include "postgres.h"

#include "access/transam.h"
#include "miscadmin.h"
#include "optimizer/clauses.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"

#include "core/compat.h"
#include "policy/allowed.h"
#include "policy/enforced.h"
#include "query/level.h"
#include "query/nulls.h"
#include "query/planning.h"

/* Is the column never NULL?  What is believed is checked again at execution. */
static bool
column_not_null(Oid relid, AttrNumber attno)
{
	if (!policy_not_null(relid, attno))
		return false;
	planning_believe(relid, attno);
	return true;
}

/* Is it generate_series() alone, which yields no NULL? */
static bool
is_series(RangeTblEntry *rte)
{
	RangeTblFunction *function = linitial(rte->functions);

	return list_length(rte->functions) == 1 && IsA(function->funcexpr, FuncExpr) &&
		((FuncExpr *) function->funcexpr)->funcid < FirstNormalObjectId &&
		strcmp(get_func_name(((FuncExpr *) function->funcexpr)->funcid), "generate_series") == 0;
}

/* Is a column never NULL in the rows that the WHERE of its level leaves? */
static bool
var_not_null(Level *level, Var *var)
{
	RangeTblEntry *rte;

	if (var->varlevelsup != 0)
		return false;

	/* A strict condition in WHERE, or membership in the unit. */
	if (DP_IS_NONNULLABLE(find_nonnullable_vars(level->query->jointree->quals), var))
		return true;
	if (bms_is_member(var->varno, level->nullable))
		return false;
	rte = rt_fetch(var->varno, level->query->rtable);
	if (rte->rtekind == RTE_FUNCTION)
		return is_series(rte);
	if (rte->rtekind == RTE_RELATION)
		return var->varattno > 0 && column_not_null(rte->relid, var->varattno);
	if (rte->rtekind == RTE_SUBQUERY && rte->subquery->setOperations == NULL)
	{
		TargetEntry *tle = get_tle_by_resno(rte->subquery->targetList, var->varattno);
		Level		below = {.query = rte->subquery};

		if (tle == NULL || rte->subquery->groupingSets != NIL)
			return false;
		for (int i = 1; i <= list_length(rte->subquery->rtable); i++)
		{
			/* without its inputs at hand, trust base columns only without outer joins */
			if (rt_fetch(i, rte->subquery->rtable)->rtekind == RTE_JOIN &&
				rt_fetch(i, rte->subquery->rtable)->jointype != JOIN_INNER)
				return false;
		}
		return expression_not_null(&below, (Node *) tle->expr);
	}
	return false;
}

/* Are all expressions of a list never NULL? */
static bool
list_not_null(Level *level, List *exprs)
{
	ListCell   *lc;

	foreach(lc, exprs)
	{
		if (!expression_not_null(level, lfirst(lc)))
			return false;
	}
	return exprs != NIL;
}

/* Is a call of a function never NULL?  A cast that cannot fail keeps values. */
static bool
call_not_null(Level *level, FuncExpr *func)
{
	if ((func->funcformat != COERCE_EXPLICIT_CAST && func->funcformat != COERCE_IMPLICIT_CAST) ||
		function_verdict(func->funcid) != FUNCTION_SAFE)
		return false;
	return list_not_null(level, func->args);
}

/* Is a comparison by an operator of an order never NULL?  Such operators are NULL for NULL alone. */
static bool
comparison_not_null(Level *level, Oid opno, List *args)
{
	return opno < FirstNormalObjectId && DP_ORDER_INTERPRETATION(opno) != NIL &&
		function_verdict(get_opcode(opno)) == FUNCTION_SAFE && list_not_null(level, args);
}

/*
 * Is the expression of the level known not to be NULL, in the rows that its WHERE leaves?
 * Neither rows nor statistics are looked at.  Whoever adds up an argument that may be NULL
 * needs one more coordinate: how many values there are.
 */
bool
expression_not_null(Level *level, Node *node)
{
	ListCell   *lc;

	CHECK_FOR_INTERRUPTS();
	check_stack_depth();
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Const:
			return !((Const *) node)->constisnull;
		case T_Var:
			return var_not_null(level, (Var *) node);
		case T_RelabelType:
			return expression_not_null(level, (Node *) ((RelabelType *) node)->arg);
		case T_NullTest:
		case T_BooleanTest:
		case T_DistinctExpr:
			return true;
		case T_OpExpr:
			return comparison_not_null(level, ((OpExpr *) node)->opno, ((OpExpr *) node)->args);
		case T_BoolExpr:
			return list_not_null(level, ((BoolExpr *) node)->args);
		case T_Aggref:
			return strcmp(get_func_name(((Aggref *) node)->aggfnoid), "count") == 0;
		case T_FuncExpr:
			return call_not_null(level, (FuncExpr *) node);
		case T_CoalesceExpr:
			foreach(lc, ((CoalesceExpr *) node)->args)
			{
				if (expression_not_null(level, lfirst(lc)))
					return true;
			}
			return false;
		case T_CaseExpr:
			foreach(lc, ((CaseExpr *) node)->args)
			{
				if (!expression_not_null(level, (Node *) lfirst_node(CaseWhen, lc)->result))
					return false;
			}
			return expression_not_null(level, (Node *) ((CaseExpr *) node)->defresult);
		default:
			return false;
	}
}

/* expr IS NOT NULL, of a copy of the expression. */
NullTest *
not_null_test(Node *expr)
{
	NullTest   *test = makeNode(NullTest);

	test->arg = (Expr *) copyObject(expr);
	test->nulltesttype = IS_NOT_NULL;
	test->argisrow = false;
	test->location = -1;
	return test;
}
