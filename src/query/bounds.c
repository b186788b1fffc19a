/*
 * bounds.c
 *		Bounds of an aggregate's argument that follow from those of its columns, and what is said
 *		where none do.
 */
#include "postgres.h"

#include <math.h>

#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_aggregate.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "core/errors.h"
#include "core/names.h"
#include "core/refusals.h"
#include "policy/cache.h"
#include "policy/extension.h"
#include "policy/policy.h"
#include "query/bounds.h"
#include "query/derive.h"
#include "query/equalities.h"
#include "query/lengths.h"
#include "query/level.h"
#include "query/outlived.h"
#include "query/walk.h"
#include "spec/domain.h"
#include "spec/spec.h"

/*
 * Derives finite bounds of an argument (node) of an aggregate of the level that is a number, date or time, in the
 * units of spec/domain.h; false if there are none.  lower = upper means that the expression is
 * a constant.  *unknown: they would follow from a parameter whose value is not known yet.
 */
bool
derive_bounds(RewriteContext *context, Level *level, Aggref *aggref, Node *node, double *lower,
			  double *upper, bool *unknown)
{
	int			steps = 0;

	*unknown = false;
	if (domain_of_type(exprType(node)) == SPEC_ARG_ANY ||
		!range_as_bounds(derive_range(context->root, level, INFINITY, aggref->aggfilter, node, unknown, &steps),
						 lower, upper))
		return false;
	if (!*unknown)
		ereport(DEBUG1, (errmsg_internal("bounds %.17g and %.17g follow", *lower, *upper)));
	return true;
}

/* Raises ERRCODE_DP_BOUNDS if a column of the expression has outlived the bounds declared for it. */
static void
check_outlived(Level *level, Node *node)
{
	ListCell   *lc;

	foreach(lc, pull_vars_of_level(node, 0))
	{
		Var		   *var = lfirst_node(Var, lc);
		RangeTblEntry *rte = rt_fetch(var->varno, level->query->rtable);

		if (rte->rtekind == RTE_RELATION)
			refuse_outlived_bounds(rte->relid, var->varattno);
		else if (rte->rtekind == RTE_SUBQUERY && rte->subquery->setOperations == NULL)
		{
			Level		below = {.query = rte->subquery};
			TargetEntry *tle = get_tle_by_resno(rte->subquery->targetList, var->varattno);

			if (tle != NULL)
				check_outlived(&below, (Node *) tle->expr);
		}
	}
}

/* ----------
 * What to write instead
 * ----------
 */

/*
 * A column as the query may write it: quoted where that is needed, after the name of its FROM
 * item if there are several.
 */
static char *
written_column(Level *level, Var *var)
{
	RangeTblEntry *rte = rt_fetch(var->varno, level->query->rtable);
	const char *column = quote_identifier(get_rte_attribute_name(rte, var->varattno));
	char	   *item = pstrdup(quote_identifier(rte->eref->aliasname));

	return list_length(level->query->rtable) > 1 ? psprintf("%s.%s", item, column) :
		pstrdup(column);
}

/* The schema of the dp_ aggregates with a dot, quoted; empty if search_path finds them. */
static const char *
aggregate_schema(void)
{
	Oid			function = extension_oid(DP_FUNC_WITH, InvalidOid);

	if (FunctionIsVisible(function))
		return "";
	return psprintf("%s.", quote_identifier(get_namespace_name(get_func_namespace(function))));
}

/*
 * The call of an aggregate about x with bounds, as the query may write it.  Those of two
 * arguments and those that take more than bounds beside x are stood for by dp_avg().
 */
static char *
call_with_bounds(Aggref *aggref, const char *x)
{
	const char *name = get_func_name(aggref->aggfnoid);
	const char *prefix = strncmp(name, "dp_", 3) == 0 ? "" : "dp_";

	if (list_length(aggref->args) != 1 || aggref->aggkind != AGGKIND_NORMAL)
	{
		name = "avg";
		prefix = "dp_";
	}
	return psprintf("%s%s%s(%s, lower, upper)", aggregate_schema(), prefix, name, x);
}

/* In ereport(): the place of the aggregate in the text. */
static int
at_aggregate(RewriteContext *context, Aggref *aggref)
{
	return errposition(cursor_position(context->source, aggref->location));
}

/* What endless_text() looks for. */
typedef struct EndlessText
{
	Query	   *query;
	Var		   *var;			/* what it has found */
} EndlessText;

/*
 * Finds a text column of a table whose length the expression asks for, and which is not declared.  Guarded calls have not been made yet.
 */
static bool
endless_text(Node *node, EndlessText *search)
{
	ListCell   *lc;

	if (node == NULL)
		return false;
	if (!IsA(node, FuncExpr) || units_of_length(((FuncExpr *) node)->funcid) == 0)
		return expression_tree_walker(node, endless_text, search);
	foreach(lc, pull_vars_of_level(linitial(((FuncExpr *) node)->args), 0))
	{
		Var		   *var = lfirst_node(Var, lc);
		RangeTblEntry *rte = rt_fetch(var->varno, search->query->rtable);
		const ProtectedRelation *rel = rte->rtekind == RTE_RELATION ? policy_declared(rte->relid) : NULL;

		if (rte->rtekind == RTE_RELATION && rte->relid >= FirstNormalObjectId && is_text_type(var->vartype) &&
			(rel == NULL || policy_length(rel, var->varattno) == 0))
			search->var = var;
	}
	return search->var != NULL;
}

/* What the hint says that an administrator may declare, so that bounds of the expression follow. */
static const char *
what_to_declare(Level *level, Node *node)
{
	EndlessText search = {.query = level->query};
	Oid			relid;

	if (!endless_text(node, &search))
		return "declare them for its columns with dp_agg.set_bounds()";
	relid = rt_fetch(search.var->varno, level->query->rtable)->relid;
	return psprintf("ask the administrator to call dp_agg.set_length(%s, %s, characters)",
					quote_literal_cstr(relation_for_statement(relid)),
					quote_literal_cstr(get_attname(relid, search.var->varattno, false)));
}

/*
 * Raises ERRCODE_DP_BOUNDS at the aggregate, naming the column where there is one.  No bounds
 * would serve an argument that names columns of an enclosing query: it is refused.
 */
void
no_bounds(RewriteContext *context, Level *level, Node *node, Aggref *aggref)
{
	Node	   *bare = strip_relabel(node);

	if (names_outer_columns(node))
		refuse(REFUSE_CORRELATED, context->source, aggref->location);
	check_outlived(level, node);
	while (IsA(bare, FuncExpr) && list_length(((FuncExpr *) bare)->args) == 1 &&
		   ((FuncExpr *) bare)->funcformat != COERCE_EXPLICIT_CALL)
		bare = strip_relabel(linitial(((FuncExpr *) bare)->args));
	if (IsA(bare, Var) && ((Var *) bare)->varlevelsup == 0)
	{
		RangeTblEntry *rte = rt_fetch(((Var *) bare)->varno, level->query->rtable);
		char	   *column = get_rte_attribute_name(rte, ((Var *) bare)->varattno);
		char	   *call = call_with_bounds(aggref, written_column(level, (Var *) bare));

		if (rte->rtekind == RTE_RELATION && rte->relid >= FirstNormalObjectId)
		{
			/* an alias may have given the column another name */
			char	   *own = get_attname(rte->relid, ((Var *) bare)->varattno, false);

			ereport(ERROR,
					(errcode(ERRCODE_DP_BOUNDS),
					 errmsg("no bounds are declared for column \"%s\"", column),
					 errhint("Give bounds, as in %s, or ask the administrator to call dp_agg.%s(%s, %s, lower, upper).",
							 call, policy_lookup(rte->relid) != NULL ? "set_bounds" : "set_public_bounds", quote_literal_cstr(relation_for_statement(rte->relid)),
							 quote_literal_cstr(own)),
					 at_aggregate(context, aggref)));
		}
		ereport(ERROR,
				(errcode(ERRCODE_DP_BOUNDS),
				 errmsg("no bounds are known for column \"%s\"", column),
				 errhint("Give bounds, as in %s; others follow from dp_agg.set_bounds() for columns of protected relations, and for sums and counts per individual from their max_groups and max_rows.",
						 call),
				 at_aggregate(context, aggref)));
	}
	ereport(ERROR,
			(errcode(ERRCODE_DP_BOUNDS),
			 errmsg("no bounds follow for the argument of %s() from those of its columns",
					get_func_name(aggref->aggfnoid)),
			 errhint("Give bounds, as in %s where x is the expression, or %s.",
					 call_with_bounds(aggref, "x"), what_to_declare(level, node)),
			 at_aggregate(context, aggref)));
}
