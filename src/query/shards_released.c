/*
 * shards_released.c
 *		Released rows below a release over tables of Citus: a list of the largest groups, an overall average.
 *
 * They are drawn here, and the rows that they are joined with or compared to are elsewhere.  So a sub-select of the
 * piece that holds a release, and reads nothing protected otherwise, becomes a CTE of the query R that gathers the
 * pieces, and in its place in the piece stands what it has yielded:
 *
 *		FROM visits JOIN (released sub-select) r ON ...
 *		-> FROM visits JOIN unnest($1, $2) AS r(clinic, n) ON ...
 *
 * R hands an array for each column, ARRAY(SELECT clinic FROM the CTE), to the call that stands for the pieces, which the
 * planner makes InitPlans; the only value of a public sub-select is handed over likewise.  Before the first protected row is read they have their values, and these
 * become constants of the piece (nodes/shards/node.c).  The releases are found in R's plan, and paid for with it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "core/compat.h"
#include "core/refusals.h"
#include "query/ctes.h"
#include "query/publics.h"
#include "query/queries.h"
#include "query/questions.h"
#include "query/shards_released.h"
#include "query/walk.h"

typedef struct TakeContext
{
	RewriteContext *rewrite;
	Level	   *level;			/* whose query the piece will stand below */
	TakenReleases *taken;
	int			depth;			/* queries between the one that is walked and the piece */
} TakeContext;

/* What is taken of one sub-select: for the piece, FROM unnest(...); for R, its values. */
typedef struct TakenRows
{
	CommonTableExpr *cte;		/* what it has become */
	Index		levelsup;		/* from a sub-select of R to that CTE */
} TakenRows;

/* ----------
 * In R
 * ----------
 */

/* Adds a value to those that R hands over; returns what stands for it in the piece. */
static Node *
hand_over(TakeContext *context, Node *value)
{
	Param	   *param = makeNode(Param);

	context->taken->values = lappend(context->taken->values, value);
	param->paramkind = PARAM_EXEC;	/* of no plan: the node replaces it */
	param->paramid = list_length(context->taken->values) - 1;
	param->paramtype = exprType(value);
	param->paramtypmod = exprTypmod(value);
	param->paramcollid = exprCollation(value);
	param->location = -1;
	return (Node *) param;
}

/* Column i (from 0) of the rows, where they are the only item of FROM. */
static Node *
column_of_rows(const TakenRows *rows, int i)
{
	return (Node *) makeVar(1, i + 1, list_nth_oid(rows->cte->ctecoltypes, i),
							list_nth_int(rows->cte->ctecoltypmods, i),
							list_nth_oid(rows->cte->ctecolcollations, i), 0);
}

/* ARRAY(SELECT column FROM the CTE), in R. */
static Node *
array_of_column(const TakenRows *rows, int i)
{
	RangeTblEntry *rte = make_cte_reference(rows->cte, rows->levelsup);
	Query	   *query = select_of(rte);
	SubLink    *sublink = makeNode(SubLink);

	rte->eref = makeAlias("released", copyObject(rows->cte->ctecolnames));
	append_target(query, column_of_rows(rows, i), "value", false);
	sublink->subLinkType = ARRAY_SUBLINK;
	sublink->subselect = (Node *) query;
	sublink->location = -1;
	rows->cte->cterefcount++;
	return (Node *) sublink;
}

/* The name of a CTE in a sub-select that moves up to where the piece stands, from so many queries below. */
static void
move_name_up(RangeTblEntry *entry, Index depth, void *below)
{
	int			queries = *(int *) below;

	if (entry->ctelevelsup <= depth)
		return;					/* one of its own */
	if ((int) (entry->ctelevelsup - depth) <= queries + 1)
		refuse(REFUSE_SHARDS_RELEASED, NULL, -1);	/* of a query that stays behind */
	entry->ctelevelsup -= queries;
}

/* Makes a sub-select that holds a release, at this depth of the piece, a CTE of R. */
static void
make_released_cte(TakeContext *context, Query *query, TakenRows *rows)
{
	walk_cte_names(query, move_name_up, &context->depth);
	rows->cte = make_cte(unguessable_name("dp_agg released"), query);
	rows->cte->cterefcount = 0;
	rows->levelsup = 1;
	context->taken->ctes = lappend(context->taken->ctes, rows->cte);
}

/* ----------
 * In the piece
 * ----------
 */

/* FROM unnest(arrays): the columns of the rows, by position. */
static RangeTblEntry *
entry_of_arrays(TakeContext *context, const TakenRows *rows)
{
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	int			n = list_length(rows->cte->ctecoltypes);

	rte->rtekind = RTE_FUNCTION;
	rte->eref = makeAlias("released", copyObject(rows->cte->ctecolnames));
	rte->inFromCl = true;
	for (int i = 0; i < n; i++)
	{
		RangeTblFunction *function = makeNode(RangeTblFunction);
		Oid			type = list_nth_oid(rows->cte->ctecoltypes, i);
		Oid			collation = list_nth_oid(rows->cte->ctecolcollations, i);
		Node	   *array;

		/* the rows of several arrays would not be those of one of arrays */
		if (!OidIsValid(get_array_type(type)) || type_is_array(type))
			refuse(REFUSE_SHARDS_RELEASED, NULL, -1);
		array = hand_over(context, array_of_column(rows, i));
		function->funcexpr = (Node *) makeFuncExpr(F_UNNEST_ANYARRAY, type, list_make1(array),
												   collation, collation, COERCE_EXPLICIT_CALL);
		((FuncExpr *) function->funcexpr)->funcretset = true;
		function->funccolcount = 1;
		rte->functions = lappend(rte->functions, function);
	}
	if (n == 0)
		refuse(REFUSE_SHARDS_RELEASED, NULL, -1);
	return rte;
}

/* Puts it in the place of an entry of FROM, under the same names. */
static void
replace_entry(RangeTblEntry *entry, RangeTblEntry *rows)
{
	rows->alias = entry->alias;
	rows->eref = entry->eref;
	rows->lateral = false;
	*entry = *rows;
}

/* SELECT of all columns of the rows, in the place of a sub-select. */
static Query *
select_arrays(TakeContext *context, const TakenRows *rows)
{
	Query	   *query = select_of(entry_of_arrays(context, rows));

	for (int i = 0; i < list_length(rows->cte->ctecoltypes); i++)
		append_target(query, column_of_rows(rows, i), strVal(list_nth(rows->cte->ctecolnames, i)), false);
	return query;
}

/* May the sub-select be drawn here?  It holds a release, and is public otherwise, of no row around it. */
static bool
is_released(TakeContext *context, Query *query)
{
	return holds_release((Node *) query) && !mentions_private(context->rewrite, query) &&
		!query_names_outer_columns(query);
}

/*
 * Is it the only value of a public sub-select, of no row around it?  Citus would compute it first, under settings of
 * its own.
 */
static bool
is_public_value(TakeContext *context, SubLink *sublink)
{
	Query	   *query = (Query *) sublink->subselect;

	return sublink->subLinkType == EXPR_SUBLINK && query->rtable != NIL &&
		!mentions_private(context->rewrite, query) && !query_names_outer_columns(query);
}

/* The CTE of a query around R that an entry names: a client's, that holds a release. */
static void
name_released_cte(TakeContext *context, RangeTblEntry *entry, TakenRows *rows)
{
	int			up = (int) entry->ctelevelsup - context->depth - 1;
	Level	   *level = context->level;
	ListCell   *lc;

	if (entry->self_reference || up < 0)
		refuse(REFUSE_SHARDS_RELEASED, NULL, -1);
	rows->cte = NULL;
	rows->levelsup = up + 2;
	for (; up > 0 && level != NULL; up--)
		level = level->parent;
	foreach(lc, level != NULL ? level->query->cteList : NIL)
	{
		if (strcmp(lfirst_node(CommonTableExpr, lc)->ctename, entry->ctename) == 0)
			rows->cte = lfirst(lc);
	}
	if (rows->cte == NULL)
		refuse(REFUSE_SHARDS_RELEASED, NULL, -1);
	/* it is named once for each column, and must be drawn once */
	rows->cte->ctematerialized = CTEMaterializeAlways;
}

static void
take_entry(TakeContext *context, RangeTblEntry *entry)
{
	TakenRows	rows;

	if (entry->rtekind == RTE_CTE)
		name_released_cte(context, entry, &rows);
	else if (entry->rtekind == RTE_SUBQUERY && is_released(context, entry->subquery))
		make_released_cte(context, entry->subquery, &rows);
	else
		return;
	replace_entry(entry, entry_of_arrays(context, &rows));
}

static Node *take_mutator(Node *node, TakeContext *context);

/* A sub-select in an expression: its only value, or one of its rows. */
static Node *
take_sublink(TakeContext *context, SubLink *sublink)
{
	Query	   *query = (Query *) sublink->subselect;
	TakenRows	rows;
	SubLink    *result;

	if (sublink->subLinkType == EXPR_SUBLINK)
	{
		walk_cte_names(query, move_name_up, &context->depth);
		return hand_over(context, (Node *) sublink);
	}
	make_released_cte(context, query, &rows);
	result = makeNode(SubLink);
	*result = *sublink;
	result->testexpr = take_mutator(sublink->testexpr, context);
	result->subselect = (Node *) select_arrays(context, &rows);
	return (Node *) result;
}

static Node *
take_mutator(Node *node, TakeContext *context)
{
	if (node == NULL)
		return NULL;
	check_stack_depth();
	if (IsA(node, SubLink) && IsA(((SubLink *) node)->subselect, Query) &&
		(is_released(context, (Query *) ((SubLink *) node)->subselect) ||
		 is_public_value(context, (SubLink *) node)))
		return take_sublink(context, (SubLink *) node);
	if (IsA(node, Query))
	{
		Query	   *query = (Query *) node;
		Query	   *result;
		ListCell   *lc;

		context->depth++;
		foreach(lc, query->rtable)
			take_entry(context, lfirst(lc));
		result = query_tree_mutator(query, take_mutator, context, QTW_DONT_COPY_QUERY);
		context->depth--;
		return (Node *) result;
	}
	return expression_tree_mutator(node, take_mutator, context);
}

/*
 * Takes out of a piece, in place, what holds releases.  NULL if there is nothing.  Raises
 * ERRCODE_DP_QUERY_REFUSED for what cannot be handed over.
 */
TakenReleases *
take_released(RewriteContext *context, Level *level, Query *piece)
{
	TakenReleases *taken = palloc0(sizeof(TakenReleases));
	TakeContext take = {.rewrite = context,.level = level,.taken = taken,.depth = -1};

	(void) take_mutator((Node *) piece, &take);
	return taken->values != NIL ? taken : NULL;
}
