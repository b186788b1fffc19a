/*
 * rowless.c
 *		Which expressions need no row.
 */
#include "postgres.h"

#include "nodes/nodeFuncs.h"
#include "nodes/primnodes.h"

#include "core/rowless.h"

/* Is there anything in the expression that has another value with another row? */
static bool
row_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Const:
		case T_SQLValueFunction:
		case T_FuncExpr:
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
		case T_ScalarArrayOpExpr:
		case T_BoolExpr:
		case T_CoalesceExpr:
		case T_MinMaxExpr:
		case T_NullTest:
		case T_BooleanTest:
		case T_RelabelType:
		case T_CoerceViaIO:
		case T_CollateExpr:
		case T_SubscriptingRef:
		case T_ArrayExpr:
		case T_List:
			return expression_tree_walker(node, row_walker, context);
		case T_CaseExpr:
			/* one with an argument hands it to its branches by other nodes */
			return ((CaseExpr *) node)->arg != NULL ||
				expression_tree_walker(node, row_walker, context);
		case T_CaseWhen:
			return expression_tree_walker(node, row_walker, context);
		case T_Param:
			return ((Param *) node)->paramkind != PARAM_EXTERN;
		default:
			return true;
	}
}

/*
 * Has the expression another value with another row, or with another of the queries around it?  If it has not, it is made of
 * constants, parameters of the client's, and functions of these.
 */
bool
needs_row(Node *node)
{
	return row_walker(node, NULL);
}
