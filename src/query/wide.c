/*
 * wide.c
 *		Which columns does a release read for their values?
 *
 * A value that is stored out of line (TOAST) is read when somebody looks at it.  If rows
 * decided about that, the pages read would tell about them: CASE WHEN kind = 'rare' THEN
 * body LIKE ... reads those of the rare rows.  So a scan of a protected relation fetches
 * such values for each of its rows, before any condition is asked (nodes/release/wide.c), and for
 * no row if nothing in the query looks at them.  What looks at a column:
 * everything but IS [NOT] NULL, octet_length(), which read its pointer, and arguments of a
 * collector that are only counted.
 */
#include "postgres.h"

#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "policy/cache.h"
#include "policy/extension.h"
#include "query/ctes.h"
#include "query/equalities.h"
#include "query/wide.h"
#include "spec/needs.h"
#include "spec/spec.h"

typedef struct WideContext
{
	List	   *queries;		/* from the innermost one out */
	List	   *relations;		/* of WideRelation */
	const ReleaseSpec *spec;	/* of the release whose query it is */
} WideContext;

/* The list of wide columns of a relation, found or added. */
static WideRelation *
find_or_add_relation(WideContext *context, Oid relid)
{
	WideRelation *result = find_wide_relation(context->relations, relid);

	if (result != NULL)
		return result;
	result = palloc0(sizeof(WideRelation));
	result->relid = relid;
	context->relations = lappend(context->relations, result);
	return result;
}

/*
 * How a column is stored now says nothing about values that are there already, so all
 * columns of variable length count.
 */
static void
add_column(WideContext *context, Oid relid, AttrNumber attno)
{
	WideRelation *relation;
	Oid			type;
	int32		typmod;
	Oid			collation;

	get_atttypetypmodcoll(relid, attno, &type, &typmod, &collation);
	if (get_typlen(type) != -1)
		return;
	relation = find_or_add_relation(context, relid);
	relation->columns = bms_add_member(relation->columns, attno);
}

/* Columns of sub-selects count where they are made; the levels below refuse whole rows. */
static void
add_var(WideContext *context, Var *var)
{
	Query	   *query;
	RangeTblEntry *rte;

	if ((int) var->varlevelsup >= list_length(context->queries))
		return;
	query = list_nth(context->queries, var->varlevelsup);
	rte = rt_fetch(var->varno, query->rtable);
	if (rte->rtekind == RTE_RELATION && var->varattno > 0 && policy_lookup(rte->relid) != NULL)
		add_column(context, rte->relid, var->varattno);
}

/* Is the expression a column, but for casts that keep the value? */
static bool
is_column(Node *node)
{
	return IsA(strip_relabel(node), Var);
}

/* Does the expression look at no more than the pointer of a column? */
static bool
leaves_value(Node *node)
{
	if (IsA(node, NullTest))
		return is_column((Node *) ((NullTest *) node)->arg);
	if (IsA(node, FuncExpr))
	{
		FuncExpr   *func = (FuncExpr *) node;

		return (func->funcid == F_OCTET_LENGTH_TEXT || func->funcid == F_OCTET_LENGTH_BYTEA ||
				func->funcid == F_OCTET_LENGTH_BPCHAR) && is_column(linitial(func->args));
	}
	return false;
}

/* Is the aggregate the collector, the one that reads the release's arguments? */
static bool
is_collector(Aggref *aggref)
{
	switch (extension_function(aggref->aggfnoid))
	{
		case DP_FUNC_COLLECT:
		case DP_FUNC_INDIVIDUAL:
		case DP_FUNC_BOUND:
			return true;
		default:
			return false;
	}
}

static bool wide_walker(Node *node, WideContext *context);

/* A collector's arguments are the last ones (collectors.c). */
static void
walk_collector(WideContext *context, Aggref *aggref)
{
	const ReleaseSpec *spec = context->spec;
	int			first = list_length(aggref->args) - spec->narguments;

	for (int i = 0; i < list_length(aggref->args); i++)
	{
		Node	   *argument = (Node *) list_nth_node(TargetEntry, aggref->args, i)->expr;

		if (i < first || spec->arguments[i - first].type != SPEC_ARG_ANY || !is_column(argument))
			(void) wide_walker(argument, context);
	}
}

static bool
wide_walker(Node *node, WideContext *context)
{
	if (node == NULL || leaves_value(node))
		return false;
	if (IsA(node, Query))
	{
		if (query_is_release((Query *) node))
			return false;		/* has a list of its own */
		context->queries = lcons(node, context->queries);
		(void) query_tree_walker((Query *) node, wide_walker, context, QTW_IGNORE_JOINALIASES);
		context->queries = list_delete_first(context->queries);
		return false;
	}
	if (IsA(node, Var))
		add_var(context, (Var *) node);
	if (IsA(node, Aggref) && is_collector((Aggref *) node))
	{
		walk_collector(context, (Aggref *) node);
		return false;
	}
	return expression_tree_walker(node, wide_walker, context);
}

/*
 * The columns of variable length of protected relations that the query R of a release, not
 * remembered yet, reads for their values: a list of WideRelation.
 */
List *
wide_columns(Query *release, const ReleaseSpec *spec)
{
	WideContext context = {.spec = spec};

	(void) wide_walker((Node *) release, &context);
	return context.relations;
}
