/*
 * publics.c
 *		Public relations below a release become CTEs that are read before it.
 *
 * Reading a table leaves traces that its reader sees afterwards: pages come into the
 * cache, dead rows are pruned, a synchronized scan stops somewhere, a foreign server
 * is asked.  Joined with protected rows, a client's own table would be read as far
 * and in the places that these rows ask for, and would tell their values.  So each
 * relation below a release that is not protected is replaced by
 *
 *		WITH "dp_agg public n" AS MATERIALIZED (SELECT columns FROM relation)
 *
 * in R, and the sealed node reads all CTEs below it to their ends before the first
 * protected row (release/ahead.c).
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/prep.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/rel.h"

#include "compat.h"
#include "query/query.h"

typedef struct PublicsContext
{
	RewriteContext *rewrite;
	List	   *ctes;			/* made so far */
	Index		depth;			/* how deep below it we are */
} PublicsContext;

typedef struct ColumnsContext
{
	int			varno;
	Index		levelsup;
	Bitmapset  *columns;		/* attribute numbers of that range table entry */
} ColumnsContext;

static bool
columns_walker(Node *node, ColumnsContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var) && ((Var *) node)->varno == context->varno &&
		((Var *) node)->varlevelsup == context->levelsup)
	{
		context->columns = bms_add_member(context->columns, ((Var *) node)->varattno);
		return false;
	}
	if (IsA(node, Query))
	{
		context->levelsup++;
		(void) query_tree_walker((Query *) node, columns_walker, context,
								 QTW_IGNORE_JOINALIASES);
		context->levelsup--;
		return false;
	}
	return expression_tree_walker(node, columns_walker, context);
}

/*
 * SELECT of the relation's columns, each in its place; those that nobody asks for are
 * NULL.  The range table entry moves there, with its policies' conditions.
 */
static Query *
select_columns(RangeTblEntry *rte, int varno, const Bitmapset *columns)
{
	Query	   *query = makeNode(Query);
	RangeTblRef *ref = makeNode(RangeTblRef);
	Relation	relation = table_open(rte->relid, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(relation);

	ChangeVarNodes((Node *) rte->securityQuals, varno, 1, 0);
	ref->rtindex = 1;
	query->commandType = CMD_SELECT;
	query->canSetTag = true;
	query->rtable = list_make1(rte);
	query->jointree = makeFromExpr(list_make1(ref), NULL);
	query->hasRowSecurity = rte->securityQuals != NIL;
	query->hasSubLinks = checkExprHasSubLink((Node *) rte->securityQuals);
	for (int i = 1; i <= desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i - 1);
		Expr	   *expr;

		if (att->attisdropped)
			expr = (Expr *) makeNullConst(INT4OID, -1, InvalidOid);
		else if (bms_is_member(i, columns))
			expr = (Expr *) makeVar(1, i, att->atttypid, att->atttypmod, att->attcollation, 0);
		else
			expr = (Expr *) makeNullConst(att->atttypid, att->atttypmod, att->attcollation);
		query->targetList = lappend(query->targetList,
									makeTargetEntry(expr, i, pstrdup(NameStr(att->attname)), false));
	}
	table_close(relation, NoLock);
	return query;
}

/* Replaces a range table entry by a reference to a new CTE. */
static void
read_ahead(PublicsContext *context, Query *query, int varno)
{
	RangeTblEntry *rte = rt_fetch(varno, query->rtable);
	ColumnsContext used = {.varno = varno};
	CommonTableExpr *cte = makeNode(CommonTableExpr);
	RangeTblEntry *named = makeNode(RangeTblEntry);
	Query	   *select;
	ListCell   *lc;

	(void) query_tree_walker(query, columns_walker, &used, QTW_IGNORE_JOINALIASES);
	select = select_columns(copyObject(rte), varno, used.columns);

	cte->ctename = psprintf("dp_agg public %d", list_length(context->ctes) + 1);
	cte->ctematerialized = CTEMaterializeAlways;
	cte->ctequery = (Node *) select;
	cte->location = -1;
	cte->cterefcount = 1;
	foreach(lc, select->targetList)
	{
		TargetEntry *tle = lfirst(lc);

		cte->ctecolnames = lappend(cte->ctecolnames, makeString(tle->resname));
		cte->ctecoltypes = lappend_oid(cte->ctecoltypes, exprType((Node *) tle->expr));
		cte->ctecoltypmods = lappend_int(cte->ctecoltypmods, exprTypmod((Node *) tle->expr));
		cte->ctecolcollations = lappend_oid(cte->ctecolcollations,
											exprCollation((Node *) tle->expr));
	}
	context->ctes = lappend(context->ctes, cte);

	named->rtekind = RTE_CTE;
	named->ctename = cte->ctename;
	named->ctelevelsup = context->depth;
	named->coltypes = copyObject(cte->ctecoltypes);
	named->coltypmods = copyObject(cte->ctecoltypmods);
	named->colcollations = copyObject(cte->ctecolcollations);
	named->alias = rte->alias;
	named->eref = rte->eref;
	named->lateral = false;
	named->inFromCl = rte->inFromCl;
	lfirst(list_nth_cell(query->rtable, varno - 1)) = named;
}

static bool
publics_walker(Node *node, PublicsContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		Query	   *query = (Query *) node;
		Relids		members = DP_RELIDS_IN_JOINTREE((Node *) query->jointree);
		int			i = -1;

		if (query_is_release(query))
			return false;		/* has done so itself */

		/* a view's query also has entries of the view itself, which nobody reads */
		while ((i = bms_next_member(members, i)) >= 0)
		{
			RangeTblEntry *rte = rt_fetch(i, query->rtable);

			if (rte->rtekind == RTE_RELATION && !is_private_relation(context->rewrite, rte))
				read_ahead(context, query, i);
		}
		context->depth++;
		(void) query_tree_walker(query, publics_walker, context, QTW_IGNORE_JOINALIASES);
		context->depth--;
		return false;
	}
	return expression_tree_walker(node, publics_walker, context);
}

/*
 * Replaces all public relations in the query R of a release by CTEs of R, in place.
 * Their expressions are total already.
 */
void
read_publics_ahead(RewriteContext *context, Query *release)
{
	PublicsContext publics = {.rewrite = context};

	Assert(release->cteList == NIL);
	(void) publics_walker((Node *) release, &publics);
	release->cteList = publics.ctes;
}
