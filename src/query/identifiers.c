/*
 * identifiers.c
 *		Direct identifiers below a release, and quasi-identifiers among its keys.
 *
 * A column that is classified as a direct identifier (tier/classes.c) may stand nowhere in a
 * release, whether its relation is protected or joined with one that is.  It is refused where a
 * query first names it (columns.c), so that no sub-select hands it on; what nobody asks for is
 * dropped before (unused.c).
 *
 * The unit is the exception: individuals have to be told apart.  A direct identifier that is
 * a column of the unit of a protected input may stand by itself, but for casts that keep its
 * value, where its values only say which rows are of one individual:
 *
 *	- as an argument of count(), with or without DISTINCT, also as CASE WHEN ... THEN unit END;
 *	- in IS NULL and IS NOT NULL;
 *	- in an equality with the same column of the unit of another protected input, also in
 *	  IN and EXISTS;
 *	- among the columns, GROUP BY and DISTINCT of a sub-select that keeps the unit.
 *
 * A sub-select that hands it out makes a column of it that is the same identifier, which is why
 * columns are followed down to the relation that they come from.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"

#include "core/refusals.h"
#include "policy/cache.h"
#include "policy/extension.h"
#include "query/ctes.h"
#include "query/equalities.h"
#include "query/identifiers.h"
#include "query/level.h"
#include "query/links.h"
#include "query/units.h"
#include "query/virtual.h"

/* ----------
 * Which column is it?
 * ----------
 */

/* The expression without casts that keep the value, and without canonical(), which does. */
Node *
strip_canonical(Node *node)
{
	node = strip_relabel(node);
	while (IsA(node, FuncExpr) &&
		   extension_function(((FuncExpr *) node)->funcid) == DP_FUNC_CANONICAL)
		node = strip_relabel(linitial(((FuncExpr *) node)->args));
	return node;
}

/*
 * Follows a column of the query down to the relation that it comes from.  Sub-selects hand a direct
 * identifier out as it is, or not at all: anything else was refused in them.  Returns whether it
 * is one; what it says of a column of a CTE, whose query is not at hand, is the caller's to know.
 */
bool
follow_column(Query *query, const Var *var, ColumnOrigin *origin, bool of_cte)
{
	RangeTblEntry *rte = rt_fetch(var->varno, query->rtable);
	List	   *branches = NIL;
	ListCell   *lc;

	if (rte->rtekind == RTE_RELATION)
	{
		*origin = (ColumnOrigin) {.relid = rte->relid,.attno = var->varattno};
		return policy_is_direct(rte->relid, var->varattno);
	}
	if (rte->rtekind != RTE_SUBQUERY)
		return of_cte && rte->rtekind == RTE_CTE;
	check_stack_depth();
	if (rte->subquery->setOperations == NULL)
		branches = list_make1(rte->subquery);
	else
	{
		foreach(lc, rte->subquery->rtable)
		{
			if (lfirst_node(RangeTblEntry, lc)->rtekind == RTE_SUBQUERY)
				branches = lappend(branches, lfirst_node(RangeTblEntry, lc)->subquery);
		}
	}
	foreach(lc, branches)
	{
		Query	   *branch = lfirst(lc);
		TargetEntry *tle = get_tle_by_resno(branch->targetList, var->varattno);
		Node	   *node = tle == NULL ? NULL : strip_canonical((Node *) tle->expr);

		if (node != NULL && virtual_origin(tle, &origin->relid, &origin->attno) &&
			policy_is_direct(origin->relid, origin->attno))
			return true;
		if (node != NULL && IsA(node, Var) && ((Var *) node)->varlevelsup == 0 &&
			follow_column(branch, (Var *) node, origin, of_cte))
			return true;
	}
	return false;
}

/* Is the column of the query a direct identifier? */
bool
find_identifier(Query *query, const Var *var, ColumnOrigin *origin)
{
	return follow_column(query, var, origin, false);
}

/* The level that a column of an expression of this level belongs to; NULL if none is known. */
static Level *
level_of(Level *level, const Var *var)
{
	for (Index up = 0; up < var->varlevelsup && level != NULL; up++)
		level = level->parent;
	return level;
}

/* Refuses a column of the level, wherever it stands, that is a direct identifier. */
void
check_identifier(RewriteContext *context, Level *level, Var *var)
{
	ColumnOrigin origin;

	level = level_of(level, var);
	if (level == NULL || var->varattno <= 0 || !find_identifier(level->query, var, &origin))
		return;
	refuse_named(REFUSE_DIRECT_IDENTIFIER, get_attname(origin.relid, origin.attno, false), context->source,
				 var->location);
}

/* ----------
 * The unit
 * ----------
 */

/* Which column of the unit, from 0, of a protected input a column is; -1 if it is none. */
static int
unit_position(Level *level, const Var *var)
{
	ListCell   *lc;

	level = level_of(level, var);
	if (level == NULL || level->inputs == NULL || level->inputs[var->varno] == NULL)
		return -1;
	foreach(lc, all_units(level->inputs[var->varno]))
	{
		ListCell   *lu;

		foreach(lu, (List *) lfirst(lc))
		{
			Var		   *unit = (Var *) strip_relabel(lfirst(lu));

			if (IsA(unit, Var) && unit->varno == var->varno && unit->varattno == var->varattno)
				return foreach_current_index(lu);
		}
	}
	return -1;
}

/* The column that an expression is, by itself, if it is one of the unit's; else NULL. */
Var *
bare_unit(Level *level, Node *node)
{
	node = strip_relabel(node);
	if (node == NULL || !IsA(node, Var) || unit_position(level, (Var *) node) < 0)
		return NULL;
	return (Var *) node;
}

/*
 * Is it IS [NOT] NULL of a column of the unit by itself?  That asks whether there is an individual
 * at all, as the weak side of an outer join is asked whether it has a partner.
 */
bool
tests_unit(Level *level, Node *node)
{
	return IsA(node, NullTest) && !((NullTest *) node)->argisrow &&
		bare_unit(level, (Node *) ((NullTest *) node)->arg) != NULL;
}

/* The place of a column among those of a link, if the link has the column; else -1. */
static int
link_position(const RowLink *link, const Var *var)
{
	ListCell   *lc;

	foreach(lc, link->exprs)
	{
		Var		   *column = (Var *) strip_relabel(lfirst(lc));

		if (IsA(column, Var) && column->varno == var->varno && column->varattno == var->varattno)
			return foreach_current_index(lc);
	}
	return -1;
}

/* What the rows of the input that a column is of name, by it or by others; NIL if it is of none. */
static List *
links_of_column(Level *level, Node *node)
{
	Var		   *var = (Var *) node;

	if (node == NULL || !IsA(node, Var))
		return NIL;
	level = level_of(level, var);
	if (level == NULL || level->inputs == NULL || level->inputs[var->varno] == NULL)
		return NIL;
	return all_links(level->inputs[var->varno]);
}

/*
 * Is a column, of what names a row of a protected relation, compared with the same column of what names a row of that
 * relation in another input?
 */
static bool
compares_links(Level *level, Node *left, Node *right)
{
	ListCell   *la;
	ListCell   *lb;

	foreach(la, links_of_column(level, left))
	{
		int			position = link_position(lfirst(la), (Var *) left);

		foreach(lb, position < 0 ? NIL : links_of_column(level, right))
		{
			if (links_have_same_target(lfirst(la), lfirst(lb)) &&
				link_position(lfirst(lb), (Var *) right) == position)
				return true;
		}
	}
	return false;
}

/*
 * Both sides, if an operator compares one column of the unit, or of what names a row of a protected relation, with the
 * same of another input.
 */
List *
tied_units(Level *level, OpExpr *op)
{
	Var		   *left;
	Var		   *right;

	if (!IsA(op, OpExpr) || list_length(op->args) != 2 || equalities_of((Node *) op) == NIL)
		return NIL;
	if (compares_links(level, strip_injective(linitial(op->args)), strip_injective(lsecond(op->args))))
		return list_make2(strip_injective(linitial(op->args)), strip_injective(lsecond(op->args)));
	left = bare_unit(level, strip_injective(linitial(op->args)));
	right = bare_unit(level, strip_injective(lsecond(op->args)));
	if (left == NULL || right == NULL ||
		(left->varno == right->varno && left->varlevelsup == right->varlevelsup) ||
		unit_position(level, left) != unit_position(level, right))
		return NIL;
	return list_make2(left, right);
}

/* The place of a column of a sub-select's result among those of its unit; -1 if it is none. */
static int
result_position(Query *query, Individuals *inner, int resno)
{
	TargetEntry *tle = get_tle_by_resno(query->targetList, resno);
	Node	   *node;
	ListCell   *lc;

	if (tle == NULL)
		return -1;
	node = strip_relabel((Node *) tle->expr);
	foreach(lc, all_units(inner))
	{
		ListCell   *lu;

		foreach(lu, (List *) lfirst(lc))
		{
			if (equal(strip_relabel(lfirst(lu)), node))
				return foreach_current_index(lu);
		}
	}
	return -1;
}

/*
 * The columns of the unit that the test of IN compares with the same column of the unit of its
 * sub-select, whose rows are those of inner.
 */
List *
in_units(Level *level, Node *test, Query *query, Individuals *inner)
{
	List	   *result = NIL;
	List	   *tests = test == NULL ? NIL :
		is_andclause(test) ? ((BoolExpr *) test)->args : list_make1(test);
	ListCell   *lc;

	foreach(lc, tests)
	{
		OpExpr	   *op = lfirst(lc);
		Var		   *left;
		Param	   *right;

		if (!IsA(op, OpExpr) || list_length(op->args) != 2 || equalities_of((Node *) op) == NIL)
			continue;
		left = bare_unit(level, linitial(op->args));
		right = (Param *) strip_relabel(lsecond(op->args));
		if (left != NULL && IsA(right, Param) && right->paramkind == PARAM_SUBLINK &&
			result_position(query, inner, right->paramid) == unit_position(level, left))
			result = lappend(result, left);
	}
	return result;
}

/* ----------
 * Expressions that are judged as a whole
 * ----------
 */

typedef struct IdentifiersContext
{
	RewriteContext *rewrite;
	Level	   *level;
} IdentifiersContext;

/* Refuses direct identifiers, but for ties.  Sub-selects are judged when they are guarded. */
static bool
identifiers_walker(Node *node, IdentifiersContext *context)
{
	if (node == NULL || IsA(node, Query))
		return false;
	if (IsA(node, Var))
	{
		check_identifier(context->rewrite, context->level, (Var *) node);
		return false;
	}
	if (IsA(node, SubLink) || tests_unit(context->level, node) ||
		(IsA(node, OpExpr) && tied_units(context->level, (OpExpr *) node) != NIL))
		return false;
	return expression_tree_walker(node, identifiers_walker, context);
}

/*
 * Refuses an expression of the level that names a direct identifier.  Of what becomes a
 * part of the release each column is judged by itself; this is for what is looked at before, or
 * dropped because its value is known.
 */
void
check_identifiers(RewriteContext *context, Level *level, Node *node)
{
	IdentifiersContext identifiers = {.rewrite = context,.level = level};

	(void) identifiers_walker(node, &identifiers);
}

/* Refuses direct identifiers in the ORDER BY of a sub-select, which is dropped below a release. */
void
check_sorted_identifiers(RewriteContext *context, Level *level)
{
	Query	   *query = level->query;
	ListCell   *lc;

	foreach(lc, query->sortClause)
		check_identifiers(context, level,
						  get_sortgroupclause_expr(lfirst(lc), query->targetList));
}

/* ----------
 * Quasi-identifiers among the keys
 * ----------
 */

typedef struct QuasiContext
{
	List	   *queries;		/* from the innermost one out */
	List	   *names;			/* of quasi-identifiers, as strings, each once */
} QuasiContext;

static bool quasi_walker(Node *node, QuasiContext *context);

/* Notes a quasi-identifier's name. */
static void
note_quasi(QuasiContext *context, Oid relid, AttrNumber attno)
{
	char	   *name;
	ListCell   *lc;

	if (!policy_is_quasi(relid, attno))
		return;
	name = get_attname(relid, attno, false);
	foreach(lc, context->names)
	{
		if (strcmp(lfirst(lc), name) == 0)
			return;
	}
	context->names = lappend(context->names, name);
}

/* Notes what a column of a sub-select is made of. */
static void
note_result(QuasiContext *context, Query *query, AttrNumber attno)
{
	TargetEntry *tle = get_tle_by_resno(query->targetList, attno);
	Oid			relid;
	AttrNumber	virtual;
	ListCell   *lc;

	if (query_is_release(query))
		return;
	if (tle != NULL && virtual_origin(tle, &relid, &virtual))
		note_quasi(context, relid, virtual);
	context->queries = lcons(query, context->queries);
	if (query->setOperations != NULL)
	{
		foreach(lc, query->rtable)
		{
			if (lfirst_node(RangeTblEntry, lc)->rtekind == RTE_SUBQUERY)
				note_result(context, lfirst_node(RangeTblEntry, lc)->subquery, attno);
		}
	}
	else if (tle != NULL)
		(void) quasi_walker((Node *) tle->expr, context);
	context->queries = list_delete_first(context->queries);
}

/* The query of a CTE that an entry of the query at a place in the list names; NULL if not there. */
static Query *
cte_query(List *queries, RangeTblEntry *rte)
{
	ListCell   *lc;

	if ((int) rte->ctelevelsup >= list_length(queries))
		return NULL;
	foreach(lc, ((Query *) list_nth(queries, rte->ctelevelsup))->cteList)
	{
		CommonTableExpr *cte = lfirst(lc);

		if (strcmp(cte->ctename, rte->ctename) == 0 && !cte->cterecursive &&
			castNode(Query, cte->ctequery)->commandType == CMD_SELECT)
			return (Query *) cte->ctequery;
	}
	return NULL;
}

/* Notes what a column of one of the queries is made of. */
static void
note_column(QuasiContext *context, Var *var)
{
	List	   *saved = context->queries;
	RangeTblEntry *rte;
	Query	   *named;

	if ((int) var->varlevelsup >= list_length(saved) || var->varattno <= 0)
		return;
	context->queries = list_copy_tail(saved, var->varlevelsup);
	rte = rt_fetch(var->varno, ((Query *) linitial(context->queries))->rtable);
	if (rte->rtekind == RTE_RELATION)
		note_quasi(context, rte->relid, var->varattno);
	else if (rte->rtekind == RTE_SUBQUERY)
		note_result(context, rte->subquery, var->varattno);
	else if (rte->rtekind == RTE_CTE && (named = cte_query(context->queries, rte)) != NULL)
	{
		context->queries = list_copy_tail(context->queries, rte->ctelevelsup);
		note_result(context, named, var->varattno);
	}
	context->queries = saved;
}

static bool
quasi_walker(Node *node, QuasiContext *context)
{
	if (node == NULL)
		return false;
	check_stack_depth();
	if (IsA(node, Var))
		note_column(context, (Var *) node);
	else if (IsA(node, Query))
	{
		context->queries = lcons(node, context->queries);
		(void) query_tree_walker((Query *) node, quasi_walker, context, QTW_IGNORE_JOINALIASES);
		context->queries = list_delete_first(context->queries);
		return false;
	}
	return expression_tree_walker(node, quasi_walker, context);
}

/*
 * Writes into the description which quasi-identifiers the keys of the release are made of: their
 * number, and the names, as many as fit.
 */
void
describe_quasi_keys(ReleaseBuilder *builder)
{
	ReleaseSpec *spec = &builder->spec;
	QuasiContext context = {0};
	ListCell   *lc;

	for (Level *level = builder->level; level != NULL; level = level->parent)
		context.queries = lappend(context.queries, level->query);
	(void) quasi_walker((Node *) builder->keys, &context);
	spec->nquasi_keys = list_length(context.names);
	foreach(lc, context.names)
	{
		Size		used = strlen(spec->quasi_keys);

		if (used + strlen(lfirst(lc)) + 3 > sizeof(spec->quasi_keys))
			break;
		snprintf(spec->quasi_keys + used, sizeof(spec->quasi_keys) - used, "%s%s",
				 used > 0 ? ", " : "", (char *) lfirst(lc));
	}
}
