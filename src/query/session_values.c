/*
 * session_values.c
 *		Values of the session: CURRENT_USER, current_setting() and the like.
 *
 * They may fail, and others may change them while a portal is open: so they are computed
 * before the release is paid for, and once for each execution.  The largest expression
 * around them that needs no row becomes a sub-select of its own,
 *
 *		tenant = current_setting('app.tenant')::int
 *		-> tenant = (SELECT guarded_cast(current_setting('app.tenant')))
 *
 * which the planner makes an InitPlan: one value, for all processes.  When the statement
 * starts, nodes/release/settle.c asks for it.  No row is read by then, and the client could as well
 * have written the value into the query.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"

#include "core/rowless.h"
#include "policy/allowed.h"
#include "query/session_values.h"

/* Is it a value of the session's by itself? */
static bool
is_session_value(Node *node)
{
	if (IsA(node, FuncExpr))
		return function_verdict(((FuncExpr *) node)->funcid) == FUNCTION_OF_SESSION;
	if (!IsA(node, SQLValueFunction))
		return false;
	switch (((SQLValueFunction *) node)->op)
	{
		case SVFOP_CURRENT_ROLE:
		case SVFOP_CURRENT_USER:
		case SVFOP_USER:
		case SVFOP_SESSION_USER:
		case SVFOP_CURRENT_CATALOG:
		case SVFOP_CURRENT_SCHEMA:
			return true;
		default:
			return false;		/* the time is the transaction's */
	}
}

/*
 * Is there a value of the session's in the expression, sub-selects left out?
 */
bool
has_session_value(Node *node, void *context)
{
	if (node == NULL || IsA(node, Query))
		return false;
	return is_session_value(node) || expression_tree_walker(node, has_session_value, context);
}

/*
 * Is the expression made of values of the session's, constants and the client's parameters, and
 * nothing else?
 */
bool
is_of_session(Node *node)
{
	return !IsA(node, List) && !IsA(node, CaseWhen) && has_session_value(node, NULL) &&
		!needs_row(node);
}

/* (SELECT value), of the level; value: guarded, an expression for which is_of_session() holds. */
Node *
settled_value(Query *level, Node *value)
{
	Query	   *query = makeNode(Query);
	SubLink    *sublink = makeNode(SubLink);

	if (IsA(value, Const))
		return value;
	query->commandType = CMD_SELECT;
	query->canSetTag = true;
	query->jointree = makeFromExpr(NIL, NULL);
	query->targetList = list_make1(makeTargetEntry((Expr *) value, 1, pstrdup("value"), false));
	sublink->subLinkType = EXPR_SUBLINK;
	sublink->subselect = (Node *) query;
	sublink->location = exprLocation(value);
	level->hasSubLinks = true;
	return (Node *) sublink;
}
