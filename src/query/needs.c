/*
 * needs.c
 *		What the query of a release rests on beside its rows, found when it is planned.
 *
 * The drain looks all of it up before its first row (nodes/release/warm.c).
 */
#include "postgres.h"

#include "nodes/nodeFuncs.h"
#include "utils/lsyscache.h"

#include "core/refusals.h"
#include "query/ctes.h"
#include "query/needs.h"
#include "query/planning.h"
#include "spec/shapes.h"

typedef struct NeedsContext
{
	List	   *types;
	List	   *collations;
	List	   *relations;
	List	   *shapes;
	List	   *params;
	List	   *ctes;			/* those that may be named and were not met yet */
} NeedsContext;

/* The most relations and levels of a release's query; its own two or three levels count. */
#define MOST_RELATIONS 104
#define DEEPEST_NESTING 20

typedef struct SizeContext
{
	int			relations;
	int			depth;
	int			deepest;
} SizeContext;

/* Adds a type, what it is a domain of, and the type of its elements. */
static void
add_type(NeedsContext *needs, Oid type)
{
	Oid			element;

	if (!OidIsValid(type) || list_member_oid(needs->types, type))
		return;
	needs->types = lappend_oid(needs->types, type);
	add_type(needs, getBaseType(type));
	element = get_element_type(getBaseType(type));
	add_type(needs, element);
}

static bool needs_walker(Node *node, NeedsContext *needs);

/* A relation, or a CTE of a query around the release. */
static void
add_range_entry(NeedsContext *needs, RangeTblEntry *rte)
{
	ListCell   *lc;

	if (rte->rtekind == RTE_RELATION)
		needs->relations = list_append_unique_oid(needs->relations, rte->relid);
	if (rte->rtekind != RTE_CTE)
		return;
	foreach(lc, needs->ctes)
	{
		CommonTableExpr *cte = lfirst(lc);

		if (strcmp(cte->ctename, rte->ctename) == 0 &&
			!query_is_release((Query *) cte->ctequery))
		{
			needs->ctes = list_delete_ptr(list_copy(needs->ctes), cte);
			(void) needs_walker(cte->ctequery, needs);
			return;
		}
	}
}

/* Notes what expressions and relations of a query need, CTEs that it names included. */
static bool
needs_walker(Node *node, NeedsContext *needs)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Query:
			return query_tree_walker((Query *) node, needs_walker, needs,
									 QTW_EXAMINE_RTES_BEFORE);
		case T_RangeTblEntry:
			add_range_entry(needs, (RangeTblEntry *) node);
			return false;
		case T_Var:
		case T_Const:
		case T_Param:
		case T_Aggref:
		case T_WindowFunc:
		case T_SubscriptingRef:
		case T_FuncExpr:
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
		case T_ScalarArrayOpExpr:
		case T_RelabelType:
		case T_CoerceViaIO:
		case T_ArrayCoerceExpr:
		case T_CaseExpr:
		case T_ArrayExpr:
		case T_RowCompareExpr:
		case T_CoalesceExpr:
		case T_MinMaxExpr:
		case T_SQLValueFunction:
		case T_CollateExpr:
			add_type(needs, exprType(node));
			if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXTERN)
				needs->params = list_append_unique(needs->params, node);
			needs->collations = list_append_unique_oid(needs->collations, exprCollation(node));
			needs->collations = list_append_unique_oid(needs->collations, exprInputCollation(node));
			break;
		default:
			break;
	}
	return expression_tree_walker(node, needs_walker, needs);
}

/* Counts tables, sub-selects and joins; *depth: how deep sub-selects may nest. */
static bool
size_walker(Node *node, SizeContext *size)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		size->relations += ((RangeTblEntry *) node)->rtekind != RTE_CTE;
		return false;
	}
	if (IsA(node, Query))
	{
		size->depth++;
		size->deepest = Max(size->deepest, size->depth);
		(void) query_tree_walker((Query *) node, size_walker, size, QTW_EXAMINE_RTES_BEFORE);
		size->depth--;
		return false;
	}
	return expression_tree_walker(node, size_walker, size);
}

/* Refuses a query whose plan could need more stack than recheck_stack() asks for. */
static void
check_size(Query *release)
{
	SizeContext size = {0};

	(void) size_walker((Node *) release, &size);
	if (size.relations > MOST_RELATIONS || size.deepest > DEEPEST_NESTING)
		refuse(REFUSE_TOO_LARGE, NULL, -1);
}

/*
 * What the query of a release rests on: see ReleaseNeed.  ctes: those of the queries
 * around it.
 */
List *
release_needs(Query *release, List *ctes)
{
	NeedsContext needs = {.ctes = ctes};
	List	   *not_null = NIL;
	ListCell   *lc;

	check_size(release);
	(void) needs_walker((Node *) release, &needs);
	needs.collations = list_delete_oid(needs.collations, InvalidOid);
	foreach(lc, needs.relations)
	{
		needs.shapes = lappend_int(needs.shapes, (int) relation_shape(lfirst_oid(lc)));
		not_null = lappend(not_null, list_copy(planning_believed(lfirst_oid(lc))));
	}
	return lappend(list_make5(needs.types, needs.collations, needs.relations, needs.shapes,
							  needs.params), not_null);
}
