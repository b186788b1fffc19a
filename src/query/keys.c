/*
 * keys.c
 *		Where one value stands for several, it is the canonical one.
 *
 * Equal values of some types can look different (spec/canonical.c).  Of several equal ones the
 * executor shows the first that it meets, as the key of a group, as a minimum, or for DISTINCT.
 * Which one that is depends on the order of rows, and so, where they were sorted, on all of
 * them.  So group keys of a release, GROUP BY and DISTINCT of sub-selects below it and arguments
 * of min() and max() are brought into the canonical form before they are compared.  Types
 * without one are refused there.
 *
 * A column that depends on a grouped primary key stands for several values as well, unless the
 * key is unique in all that is read.  The key of a table with inheritance children is not.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "parser/parse_clause.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"

#include "core/refusals.h"
#include "policy/enforced.h"
#include "policy/extension.h"
#include "query/checks.h"
#include "query/constants.h"
#include "query/equalities.h"
#include "query/keys.h"
#include "query/level.h"
#include "query/refuse.h"
#include "spec/canonical.h"

/* Is the expression in canonical form, by its type or by canonical()? */
static bool
is_canonical(Node *node)
{
	return canonical_is_plain(exprType(node)) ||
		(IsA(node, FuncExpr) &&
		 extension_function(((FuncExpr *) node)->funcid) == DP_FUNC_CANONICAL);
}

/*
 * The expression in canonical form.  As a cast that carries its type modifier, so that
 * whoever reads the column gets the same type.  Refuses types without one
 * (ERRCODE_DP_QUERY_REFUSED).
 */
Node *
canonical_expression(RewriteContext *context, Node *expr)
{
	Oid			type = exprType(expr);
	Oid			collation = exprCollation(expr);
	List	   *args;

	if (!canonical_exists(type))
		refuse_type(context, exprType(expr), exprLocation(expr));
	if (is_canonical(expr))
		return expr;
	args = list_make2(expr, int4_const(exprTypmod(expr)));
	return (Node *) makeFuncExpr(extension_oid(DP_FUNC_CANONICAL, InvalidOid), type, args,
								 collation, collation, COERCE_EXPLICIT_CAST);
}

/*
 * A group key of a release in the form that is shown.  Refuses types without one
 * (ERRCODE_DP_QUERY_REFUSED).
 */
Node *
canonical_key(RewriteContext *context, Node *key)
{
	check_compared(context, key);
	return canonical_expression(context, key);
}

/* ----------
 * Sub-selects that group
 * ----------
 */

/* An expression that a level groups by, and its canonical form. */
typedef struct Grouped
{
	Node	   *written;
	Node	   *canonical;
} Grouped;

typedef struct GroupsContext
{
	List	   *groups;			/* of Grouped */
	Index		levelsup;
} GroupsContext;

/* Replaces what a level groups by with the canonical forms, outside of its aggregates. */
static Node *
groups_mutator(Node *node, GroupsContext *context)
{
	ListCell   *lc;

	if (node == NULL)
		return NULL;
	check_stack_depth();
	if (IsA(node, Query))
	{
		Query	   *result;

		context->levelsup++;
		result = query_tree_mutator((Query *) node, groups_mutator, context, 0);
		context->levelsup--;
		return (Node *) result;
	}
	/* an aggregate sees the rows themselves */
	if (IsA(node, Aggref) && ((Aggref *) node)->agglevelsup == context->levelsup)
		return copyObject(node);
	foreach(lc, context->groups)
	{
		Grouped    *group = lfirst(lc);
		Node	   *written = copyObject(group->written);
		Node	   *canonical;

		IncrementVarSublevelsUp(written, context->levelsup, 0);
		if (!equal(node, written))
			continue;
		canonical = copyObject(group->canonical);
		IncrementVarSublevelsUp(canonical, context->levelsup, 0);
		return canonical;
	}
	return expression_tree_mutator(node, groups_mutator, (void *) context);
}

/*
 * The clauses' expressions and their canonical forms, a list of Grouped.  Those that are in
 * canonical form already are listed, too, so that nothing inside of them is replaced.  A constant
 * is left out: it is the same in all rows.
 */
static List *
groups_of(RewriteContext *context, List *clauses, List *targets)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, clauses)
	{
		Node	   *expr = (Node *) get_sortgroupclause_tle(lfirst(lc), targets)->expr;
		Grouped    *group = palloc(sizeof(Grouped));

		group->written = expr;
		group->canonical = canonical_expression(context, expr);
		if (contain_vars_of_level(expr, 0))
			result = lappend(result, group);
	}
	return result;
}

/* Were all groups in canonical form as they were written? */
static bool
are_all_canonical(List *groups)
{
	ListCell   *lc;

	foreach(lc, groups)
	{
		Grouped    *group = lfirst(lc);

		if (group->written != group->canonical)
			return false;
	}
	return true;
}

/* A column of the unit in terms of what the level hands out; *wide as canonical_units() says. */
static Node *
canonical_unit_column(List *groups, Node *column, bool *wide)
{
	CoalesceExpr *either;
	ListCell   *lc;

	foreach(lc, groups)
	{
		Grouped    *group = lfirst(lc);

		if (!equal(strip_relabel(group->written), column))
			continue;
		/* canonical() makes a value that is too wide NULL */
		if (group->written != group->canonical && get_typlen(exprType(column)) == -1 &&
			exprType(column) != NUMERICOID)
			*wide = true;
		return group->written == group->canonical ? column : group->canonical;
	}
	if (!IsA(column, CoalesceExpr))
		return column;
	either = copyObject((CoalesceExpr *) column);	/* both sides of a FULL JOIN */
	foreach(lc, either->args)
		lfirst(lc) = canonical_unit_column(groups, lfirst(lc), wide);
	return (Node *) either;
}

/*
 * Alternatives of the unit in terms of what the level hands out.  *wide becomes true if one of
 * them is NULL where the unit is too wide.
 */
static List *
canonical_units(List *groups, List *units, bool *wide)
{
	List	   *result = NIL;
	ListCell   *lc;
	ListCell   *lu;

	foreach(lc, units)
	{
		List	   *unit = NIL;

		foreach(lu, (List *) lfirst(lc))
			unit = lappend(unit, canonical_unit_column(groups, lfirst(lu), wide));
		result = lappend(result, unit);
	}
	return result;
}

/* The same of links, in place. */
static void
canonical_links(List *groups, List *links)
{
	ListCell   *lc;

	foreach(lc, links)
	{
		RowLink    *link = lfirst(lc);
		bool		wide = false;

		link->exprs = linitial(canonical_units(groups, list_make1(link->exprs), &wide));
		link->sure = link->sure && !wide;
	}
}

/* Replaces what the clauses name, in the columns and HAVING of the query. */
static void
canonical_clauses(RewriteContext *context, Query *query, List *clauses, bool above_groups,
				  Individuals *individuals)
{
	GroupsContext groups = {.groups = groups_of(context, clauses, query->targetList)};
	bool		partial = true; /* those may be NULL anyway */
	ListCell   *lc;

	if (are_all_canonical(groups.groups))
		return;
	if (above_groups)
	{
		query->targetList = (List *) groups_mutator((Node *) query->targetList, &groups);
		query->havingQual = groups_mutator(query->havingQual, &groups);
	}
	else
	{
		foreach(lc, clauses)
		{
			TargetEntry *tle = get_sortgroupclause_tle(lfirst(lc), query->targetList);

			if (contain_vars_of_level((Node *) tle->expr, 0))
				tle->expr = (Expr *) canonical_expression(context, (Node *) tle->expr);
		}
	}
	if (individuals == NULL)
		return;
	individuals->units = canonical_units(groups.groups, individuals->units,
										 &individuals->may_be_null);
	individuals->partial = canonical_units(groups.groups, individuals->partial, &partial);
	canonical_links(groups.groups, individuals->links);
	canonical_links(groups.groups, individuals->partial_links);
}

/* ----------
 * Columns that depend on a primary key
 * ----------
 */

typedef struct DependentContext
{
	List	   *grouped;		/* expressions of GROUP BY */
	List	   *vars;			/* other columns that are not inside an aggregate */
	Index		levelsup;
} DependentContext;

/* Finds columns of the level that are neither grouped nor inside an aggregate. */
static bool
dependent_walker(Node *node, DependentContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		context->levelsup++;
		(void) query_tree_walker((Query *) node, dependent_walker, context, 0);
		context->levelsup--;
		return false;
	}
	if (IsA(node, Aggref) && ((Aggref *) node)->agglevelsup == context->levelsup)
		return false;
	if (context->levelsup == 0 && list_member(context->grouped, node))
		return false;
	if (IsA(node, Var) && ((Var *) node)->varlevelsup == context->levelsup)
	{
		Var		   *var = copyObject((Var *) node);

		var->varlevelsup = 0;
		if (!list_member(context->grouped, var))
			context->vars = list_append_unique(context->vars, var);
		return false;
	}
	return expression_tree_walker(node, dependent_walker, context);
}

/* The unique index that shows that the grouped columns fix the row that a column is of. */
static Oid
index_of_groups(Query *query, Var *var, List *grouped)
{
	RangeTblEntry *rte = rt_fetch(var->varno, query->rtable);
	Bitmapset  *columns = NULL;
	ListCell   *lc;

	if (rte->rtekind != RTE_RELATION)
		return InvalidOid;
	foreach(lc, grouped)
	{
		Var		   *key = (Var *) strip_relabel(lfirst(lc));

		if (IsA(key, Var) && key->varno == var->varno && key->varlevelsup == 0 &&
			key->varattno > 0)
			columns = bms_add_member(columns, key->varattno);
	}
	return policy_unique_index(rte->relid, columns);
}

/* Groups by one expression more. */
static void
group_by(RewriteContext *context, Query *query, Node *expr)
{
	TargetEntry *tle = makeTargetEntry((Expr *) expr, list_length(query->targetList) + 1,
									   pstrdup("dp_key"), true);
	SortGroupClause *clause;

	check_compared(context, expr);
	if (!canonical_exists(exprType(expr)))
		refuse_type(context, exprType(expr), exprLocation(expr));
	clause = default_clause(exprType(expr));
	query->targetList = lappend(query->targetList, tle);
	clause->tleSortGroupRef = assignSortGroupRef(tle, query->targetList);
	query->groupClause = lappend(query->groupClause, clause);
}

/*
 * The parser lets columns stand beside aggregates that depend on a grouped primary key.  Where
 * the key is proven to be unique a group has one row of that table; otherwise the column
 * is one more to group by.  True if all were proven.
 */
static bool
group_dependent_columns(RewriteContext *context, Query *query)
{
	DependentContext dependent = {0};
	bool		proven = true;
	ListCell   *lc;

	if (query->constraintDeps == NIL)
		return true;
	dependent.grouped = get_sortgrouplist_exprs(query->groupClause, query->targetList);
	(void) dependent_walker((Node *) query->targetList, &dependent);
	(void) dependent_walker(query->havingQual, &dependent);
	foreach(lc, dependent.vars)
	{
		Oid			index = index_of_groups(query, lfirst(lc), dependent.grouped);

		if (OidIsValid(index))
			context->proofs = list_append_unique_oid(context->proofs, index);
		else
		{
			group_by(context, query, lfirst(lc));
			proven = false;
		}
	}
	return proven;
}

/*
 * Groups a level that is grouped, or made distinct, by what names a row also by the unit, which depends on it: groups stay
 * what they are.
 */
void
group_by_unit(RewriteContext *context, Query *query, Individuals *individuals)
{
	ListCell   *lc;

	if (query->groupClause == NIL && !query->hasAggs)
	{
		query->groupClause = query->distinctClause;
		query->distinctClause = NIL;
	}
	foreach(lc, (List *) linitial(individuals->units))
		group_by(context, query, copyObject(lfirst(lc)));
}

/*
 * Brings what a query below a release groups by or leaves distinct into canonical form, in
 * place; its expressions are guarded already.  individuals: whose rows they are, with their
 * unit in terms of the query's columns; NULL for a public query.  Raises
 * ERRCODE_DP_QUERY_REFUSED for types that have none.
 */
void
canonical_groups(RewriteContext *context, Query *query, Individuals *individuals)
{
	bool		proven = group_dependent_columns(context, query);

	if (individuals != NULL && !proven)
	{
		individuals->unique = false;
		individuals->proofs = NIL;
	}
	canonical_clauses(context, query, query->groupClause, true, individuals);
	if (!query->hasDistinctOn)
		canonical_clauses(context, query, query->distinctClause, false, individuals);
}
