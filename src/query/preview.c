/*
 * preview.c
 *		Statements that read synthetic rows in the place of a relation's own.
 *
 * Tools show what a table looks like by SELECT ... FROM table LIMIT n.  Where dp_agg.set_preview()
 * allows it, such a statement of an analyst's reads dp_agg.preview_rows() (synthetic.c) where it
 * named the relation.  The plan then has the relation nowhere: whatever else the statement computes,
 * it computes of a public list.
 *
 * What must not happen is that somebody takes the list for the data.  So a synthetic row never
 * stands beside one that is not, nor below an aggregate: the relation is the only item of FROM, maybe
 * through sub-selects and views that are like that themselves.  Conditions may name no column, since
 * a row that is missing would look like an answer.  There is a LIMIT, without which the number of
 * rows would look like that of the table.  All else takes its way to a release, or is refused.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/rel.h"

#include "core/compat.h"
#include "policy/cache.h"
#include "policy/extension.h"
#include "query/calls.h"
#include "query/preview.h"
#include "query/walk.h"

/* Is there a function of dp_agg's, as dp_with(), which is about releases? */
static bool
own_function_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncExpr) && extension_function(((FuncExpr *) node)->funcid) != DP_FUNC_NONE)
		return true;
	return expression_tree_walker(node, own_function_walker, context);
}

/* Does a condition leave all rows of the query or none? */
static bool
is_about_no_column(Node *quals)
{
	return quals == NULL ||
		(!contain_vars_of_level(quals, 0) && !own_function_walker(quals, NULL));
}

/* Does the query hand on rows of one item of FROM, each by itself? */
static bool
is_plain(Query *query)
{
	return query->commandType == CMD_SELECT && !query->hasAggs && !query->hasWindowFuncs &&
		!query->hasTargetSRFs && !query->hasModifyingCTE && !query->hasForUpdate &&
		query->groupClause == NIL && query->groupingSets == NIL && query->havingQual == NULL &&
		query->distinctClause == NIL && query->setOperations == NULL && query->cteList == NIL &&
		query->rowMarks == NIL && list_length(query->jointree->fromlist) == 1 &&
		IsA(linitial(query->jointree->fromlist), RangeTblRef) &&
		!checkExprHasSubLink((Node *) query->targetList) &&
		!checkExprHasSubLink((Node *) query->jointree) &&
		!checkExprHasSubLink(query->limitCount) && !checkExprHasSubLink(query->limitOffset) &&
		is_about_no_column(query->jointree->quals) &&
		!own_function_walker((Node *) query->targetList, NULL);
}

/* Is there a LIMIT?  LIMIT ALL and LIMIT NULL are none. */
static bool
is_limited(Query *query)
{
	Node	   *limit = strip_implicit_coercions(query->limitCount);

	return limit != NULL && !(IsA(limit, Const) && ((Const *) limit)->constisnull);
}

/*
 * The query, at any depth, whose only item of FROM is a relation with synthetic rows, if
 * a statement is one that may read these; else NULL.
 */
static Query *
find_reader(Query *query)
{
	bool		limited = false;

	for (;;)
	{
		RangeTblEntry *rte;
		const ProtectedRelation *rel;
		Bitmapset  *columns;
		int			rtindex;

		if (!is_plain(query))
			return NULL;
		limited = limited || is_limited(query);
		rtindex = linitial_node(RangeTblRef, query->jointree->fromlist)->rtindex;
		rte = rt_fetch(rtindex, query->rtable);
		if (rte->rtekind == RTE_SUBQUERY)
		{
			query = rte->subquery;
			continue;
		}
		if (!limited || rte->rtekind != RTE_RELATION || rte->tablesample != NULL)
			return NULL;
		rel = policy_lookup(rte->relid);
		if (rel == NULL || !rel->preview || rel->partition ||
			!used_columns(query, rtindex, &columns))
			return NULL;
		return query;
	}
}

/* dp_agg.preview_rows() for a relation, with the columns of the relation, dropped ones as well. */
static RangeTblFunction *
call_for_rows(Relation relation)
{
	TupleDesc	desc = RelationGetDescr(relation);
	RangeTblFunction *function = makeNode(RangeTblFunction);
	Const	   *argument = makeConst(REGCLASSOID, -1, InvalidOid, sizeof(Oid),
									 ObjectIdGetDatum(RelationGetRelid(relation)), false, true);
	FuncExpr   *call = (FuncExpr *) call_of_rewriter(DP_FUNC_PREVIEW_ROWS, InvalidOid, RECORDOID,
													 (Node *) argument);

	call->funcretset = true;
	function->funcexpr = (Node *) call;
	function->funccolcount = desc->natts;
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		function->funccolnames = lappend(function->funccolnames,
										 makeString(pstrdup(NameStr(att->attname))));
		function->funccoltypes = lappend_oid(function->funccoltypes,
											 att->attisdropped ? INT4OID : att->atttypid);
		function->funccoltypmods = lappend_int(function->funccoltypmods,
											   att->attisdropped ? -1 : att->atttypmod);
		function->funccolcollations = lappend_oid(function->funccolcollations,
												  att->attisdropped ? InvalidOid : att->attcollation);
	}
	return function;
}

/* Puts synthetic rows in the place of the only item of FROM.  Policies are about other rows. */
static void
replace_relation(Query *query)
{
	RangeTblEntry *rte = rt_fetch(linitial_node(RangeTblRef, query->jointree->fromlist)->rtindex,
								  query->rtable);
	Relation	relation = table_open(rte->relid, NoLock);

	rte->rtekind = RTE_FUNCTION;
	rte->functions = list_make1(call_for_rows(relation));
	rte->funcordinality = false;
	rte->relid = InvalidOid;
	rte->relkind = 0;
	rte->rellockmode = 0;
	rte->securityQuals = NIL;
	rte->inh = false;
	DP_FORGET_PERMISSIONS(rte);
	table_close(relation, NoLock);
}

/*
 * Has an analyst's statement read synthetic rows, in place, if it is one that may.  False if it is
 * not: then it is as before.
 */
bool
preview_statement(RewriteContext *context, Query *query)
{
	Query	   *reader = find_reader(query);
	RangeTblEntry *rte;

	if (reader == NULL)
		return false;
	rte = rt_fetch(linitial_node(RangeTblRef, reader->jointree->fromlist)->rtindex, reader->rtable);

	/*
	 * the plan is made anew when the label of the relation changes, though it does not name
	 * it
	 */
	context->root->glob->relationOids = lappend_oid(context->root->glob->relationOids, rte->relid);
	replace_relation(reader);
	return true;
}
