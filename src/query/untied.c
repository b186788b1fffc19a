/*
 * untied.c
 *		What is told where protected inputs are not tied.
 *
 * Most often the units are compared, but by a cast that makes one value of several: '05'::int
 * is 5, as '5'::int is.  Then rows of two individuals would meet, and the message says which cast
 * keeps them apart.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

#include "core/refusals.h"
#include "query/equalities.h"
#include "query/identifiers.h"
#include "query/level.h"
#include "query/untied.h"

/* What is under casts of any kind. */
static Node *
strip_casts(Node *node)
{
	while (node != NULL)
	{
		if (IsA(node, RelabelType))
			node = (Node *) ((RelabelType *) node)->arg;
		else if (IsA(node, CoerceViaIO))
			node = (Node *) ((CoerceViaIO *) node)->arg;
		else if (IsA(node, FuncExpr) && ((FuncExpr *) node)->args != NIL &&
				 (((FuncExpr *) node)->funcformat == COERCE_EXPLICIT_CAST ||
				  ((FuncExpr *) node)->funcformat == COERCE_IMPLICIT_CAST))
			node = linitial(((FuncExpr *) node)->args);
		else
			break;
	}
	return node;
}

/* A column as it is written in the query's text. */
static char *
written_column(Level *level, Var *var)
{
	RangeTblEntry *rte = rt_fetch(var->varno, level->query->rtable);

	return psprintf("%s.%s", quote_identifier(rte->eref->aliasname),
					quote_identifier(get_rte_attribute_name(rte, var->varattno)));
}

/* Is the type one of whole numbers, or uuid: can its values be cast to text one by one? */
static bool
tells_apart_as_text(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID || type == UUIDOID;
}

/* The comparison of the two columns that does tie; NULL if no cast makes one. */
static char *
comparison_that_ties(Level *level, Var *left, Var *right)
{
	Oid			other = right->vartype;

	if (!tells_apart_as_text(left->vartype))
	{
		if (!tells_apart_as_text(other))
			return NULL;
		return comparison_that_ties(level, right, left);
	}
	if (other != TEXTOID && other != VARCHAROID && !(other == NUMERICOID && left->vartype != UUIDOID))
		return NULL;
	return psprintf("%s::%s = %s", written_column(level, left),
					other == NUMERICOID ? "numeric" : "text", written_column(level, right));
}

typedef struct UntiedContext
{
	Level	   *level;
	Var		   *left;			/* columns of the unit of two inputs, compared through casts */
	Var		   *right;
} UntiedContext;

/* Looks for a comparison of units through casts. */
static bool
untied_walker(Node *node, UntiedContext *context)
{
	if (node == NULL || IsA(node, Query))
		return false;
	if (IsA(node, OpExpr) && list_length(((OpExpr *) node)->args) == 2)
	{
		Var		   *left = bare_unit(context->level, strip_casts(linitial(((OpExpr *) node)->args)));
		Var		   *right = bare_unit(context->level, strip_casts(lsecond(((OpExpr *) node)->args)));

		if (left != NULL && right != NULL && left->varlevelsup == 0 && right->varlevelsup == 0 &&
			left->varno != right->varno && left->vartype != right->vartype)
		{
			context->left = left;
			context->right = right;
			return true;
		}
	}
	return expression_tree_walker(node, untied_walker, context);
}

/*
 * Raises ERRCODE_DP_QUERY_REFUSED for a level whose protected inputs are not tied, and names the
 * casts that stand in the way and the comparison that would do, if there is one.
 */
void
refuse_not_tied(RewriteContext *context, Level *level, int location)
{
	UntiedContext untied = {.level = level};

	if (untied_walker((Node *) level->query->jointree, &untied))
		refuse_cast(format_type_be(untied.left->vartype), format_type_be(untied.right->vartype),
					comparison_that_ties(level, untied.left, untied.right), context->source,
					location);
	refuse(REFUSE_NOT_TIED, context->source, location);
}
