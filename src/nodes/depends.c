/*
 * depends.c
 *		Does an expression depend on other plans and relations?
 */
#include "postgres.h"

#include "nodes/nodeFuncs.h"

#include "nodes/depends.h"

static bool
depends_walker(Node *node, const Index *own)
{
	if (node == NULL)
		return false;
	if (IsA(node, SubPlan) || IsA(node, AlternativeSubPlan))
		return true;
	if (IsA(node, Param))
		return ((Param *) node)->paramkind == PARAM_EXEC;
	if (IsA(node, Var))
		return *own != DP_ANY_RELATION && ((Var *) node)->varno != (int) *own;
	return expression_tree_walker(node, depends_walker, (void *) own);
}

/*
 * depends_on_others
 *		Does a planned expression, or a list of them, ask for what other plans say, or for columns of relations other than the one
 *		with this range table index (DP_ANY_RELATION: none is another)?
 *
 * Columns of others come with what a LATERAL sub-select computed, which is a condition on a
 * relation when it is pulled up.
 */
bool
depends_on_others(Node *expr, Index own)
{
	return depends_walker(expr, &own);
}
