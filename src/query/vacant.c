/*
 * vacant.c
 *		Levels that no row reaches, whatever the data.
 *
 * Tools ask with WHERE 0 = 1 for the columns of a query.  An aggregate over no rows depends on
 * no row, so its answer is what PostgreSQL's is: counts are 0, other aggregates NULL.  It is exact
 * and free.  Only conditions that are false by their constants count.  The client's parameters do not:
 * what a statement costs is the same however it was planned.
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/fmgroids.h"

#include "core/compat.h"
#include "query/questions.h"
#include "query/vacant.h"

typedef struct VacantContext
{
	Index		levelsup;		/* how many queries the walk is below the level */
} VacantContext;

/* ----------
 * Is the level vacant?
 * ----------
 */

/* Is a condition, or one that AND connects with it, false or NULL by its constants? */
static bool
is_never_true(Node *quals)
{
	ListCell   *lc;

	/* guarded, so that nothing in it fails; without the values of parameters */
	quals = eval_const_expressions(NULL, copyObject(quals));
	foreach(lc, make_ands_implicit((Expr *) quals))
	{
		Const	   *qual = lfirst(lc);

		if (IsA(qual, Const) && (qual->constisnull || !DatumGetBool(qual->constvalue)))
			return true;
	}
	return false;
}

/* Is the FROM and WHERE of the query one that yields no row, by itself or by a sub-select? */
static bool
yields_nothing(const Query *query)
{
	ListCell   *lc;

	if (query->setOperations != NULL)
		return false;
	if (is_never_true(query->jointree->quals))
		return true;
	foreach(lc, query->jointree->fromlist)
	{
		RangeTblRef *ref = lfirst(lc);
		const RangeTblEntry *rte;

		if (!IsA(ref, RangeTblRef))
			continue;
		rte = rt_fetch(ref->rtindex, query->rtable);
		if (rte->rtekind == RTE_SUBQUERY && yields_nothing(rte->subquery) &&
			(rte->subquery->groupClause != NIL || !rte->subquery->hasAggs) &&
			(rte->subquery->groupClause != NIL || rte->subquery->havingQual == NULL))
			return true;
	}
	return false;
}

/*
 * Is there an aggregate of the level that is not PostgreSQL's or ours, or has an answer of its own
 * for no rows?
 */
static bool
unknown_walker(Node *node, VacantContext *context)
{
	bool		result;

	if (node == NULL)
		return false;
	if (IsA(node, Aggref) && ((Aggref *) node)->agglevelsup == context->levelsup)
		return ((Aggref *) node)->aggkind == AGGKIND_HYPOTHETICAL ||
			(((Aggref *) node)->aggfnoid >= FirstNormalObjectId && !is_dp_aggregate((Aggref *) node));
	if (!IsA(node, Query))
		return expression_tree_walker(node, unknown_walker, context);
	context->levelsup++;
	result = query_tree_walker((Query *) node, unknown_walker, context, 0);
	context->levelsup--;
	return result;
}

/* ----------
 * Its answer
 * ----------
 */

/* What an aggregate is over no rows. */
static Node *
over_nothing(Aggref *aggref)
{
	if (aggregate_counts(aggref) || aggref->aggfnoid == F_COUNT_ || aggref->aggfnoid == F_REGR_COUNT)
		return (Node *) makeConst(INT8OID, -1, InvalidOid, sizeof(int64), Int64GetDatum(0), false,
								  FLOAT8PASSBYVAL);
	return (Node *) makeNullConst(aggref->aggtype, -1, aggref->aggcollid);
}

/* Is this dp_low(), dp_high() or dp_clipped() around an aggregate of the level? */
static bool
is_annotation(Node *node, VacantContext *context)
{
	Aggref	   *around = (Aggref *) annotated_expression(node);

	return around != NULL && IsA(around, Aggref) && around->agglevelsup == context->levelsup;
}

/* Replaces the aggregates of the level. */
static Node *
vacant_mutator(Node *node, VacantContext *context)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Aggref) && ((Aggref *) node)->agglevelsup == context->levelsup)
		return over_nothing((Aggref *) node);
	if (is_annotation(node, context))
		return (Node *) makeNullConst(exprType(node), -1, exprCollation(node));
	if (IsA(node, Query))
	{
		Query	   *result;

		context->levelsup++;
		result = query_tree_mutator((Query *) node, vacant_mutator, context, 0);
		context->levelsup--;
		return (Node *) result;
	}
	return expression_tree_mutator(node, vacant_mutator, (void *) context);
}

/* Keeps the columns of a query that returns no row, and nothing else. */
void
empty_query(Query *query)
{
	List	   *columns = NIL;
	ListCell   *lc;

	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst(lc);
		Node	   *expr = (Node *) tle->expr;

		if (tle->resjunk)
			continue;
		tle->expr = (Expr *) makeNullConst(exprType(expr), exprTypmod(expr),
										   exprCollation(expr));
		tle->ressortgroupref = 0;
		columns = lappend(columns, tle);
	}
	query->targetList = columns;
	query->rtable = query->cteList = NIL;
	DP_CLEAR_RANGE_TABLE(query);
	query->jointree = makeFromExpr(NIL, makeBoolConst(false, false));
	query->groupClause = query->groupingSets = query->distinctClause = NIL;
	query->sortClause = query->windowClause = query->rowMarks = NIL;
	query->havingQual = query->limitCount = query->limitOffset = query->setOperations = NULL;
	query->hasAggs = query->hasWindowFuncs = query->hasTargetSRFs = query->hasSubLinks = false;
	query->hasDistinctOn = query->hasRecursive = query->hasForUpdate = false;
}

/*
 * If no row reaches the level, which aggregates over individuals, replaces it by its answer, in
 * place, and returns true: no groups, or one row of all.  Its FROM is guarded, and dp_with() taken
 * out of its conditions.
 */
bool
answer_vacant(Query *query)
{
	VacantContext context = {.levelsup = 0};

	if (query->hasModifyingCTE || !yields_nothing(query) ||
		unknown_walker((Node *) query->targetList, &context) ||
		unknown_walker(query->havingQual, &context))
		return false;
	if (query->groupClause != NIL)
	{
		empty_query(query);
		return true;
	}
	query->targetList = (List *) vacant_mutator((Node *) query->targetList, &context);
	query->jointree = makeFromExpr(NIL, vacant_mutator(query->havingQual, &context));
	query->rtable = NIL;
	DP_CLEAR_RANGE_TABLE(query);
	query->havingQual = NULL;
	query->hasAggs = query->hasRowSecurity = false;
	return true;
}
