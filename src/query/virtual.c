/*
 * virtual.c
 *		Virtual generated columns of protected relations.
 *
 * Such a column (PostgreSQL 18) stores nothing: the planner puts its expression in its place,
 * after planner_hook, so that one that fails for a row would stand below a release unseen.  So a
 * protected relation whose virtual columns a query names becomes a sub-select that computes them,
 * before anything is judged.  From there on they are what columns of views are: each expression is
 * in the language below a release, guarded, and rests on columns that may be read.
 *
 * What is declared of the column itself holds as of a stored one: bounds, totals, public keys, and
 * how it is classified.  The sub-select's column says where it is from (resorigtbl, resorigcol).
 * What its expression names is judged as well: a column that is computed from a direct identifier
 * can be in no release.
 *
 * Children of the relation may compute the column otherwise; PostgreSQL reads them by the expression
 * of the table that a query names, as this does.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/prep.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteHandler.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "core/compat.h"
#include "core/refusals.h"
#include "policy/cache.h"
#include "query/virtual.h"
#include "query/walk.h"

#if PG_VERSION_NUM >= 180000

/* Is the entry a protected relation with virtual columns? */
static bool
has_virtual_columns(RangeTblEntry *rte)
{
	Relation	relation;
	TupleConstr *constr;
	bool		result;

	if (rte->rtekind != RTE_RELATION || policy_lookup(rte->relid) == NULL)
		return false;
	relation = table_open(rte->relid, NoLock);
	constr = RelationGetDescr(relation)->constr;
	result = constr != NULL && constr->has_generated_virtual;
	table_close(relation, NoLock);
	return result;
}

/* Is one of the relation's columns a virtual one that is open?  columns: their numbers. */
static bool
names_virtual_column(Oid relid, const Bitmapset *columns)
{
	int			attno = -1;

	while ((attno = bms_next_member(columns, attno)) >= 0)
	{
		if (DP_IS_VIRTUAL(relid, attno) && policy_column_open(policy_lookup(relid), attno))
			return true;
	}
	return false;
}

/*
 * A column of the sub-select: the relation's column, the expression of a virtual one, and NULL for
 * what nobody names.  A virtual column that is not open stays, and is refused where it is judged.
 */
static TargetEntry *
result_column(Relation relation, AttrNumber attno, const Bitmapset *used)
{
	Oid			relid = RelationGetRelid(relation);
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(relation), attno - 1);
	bool		open = policy_column_open(policy_lookup(relid), attno);
	TargetEntry *result;
	Node	   *expr;

	if (att->attisdropped)
		expr = (Node *) makeNullConst(INT4OID, -1, InvalidOid);
	else if (!bms_is_member(attno, used))
		expr = (Node *) makeNullConst(att->atttypid, att->atttypmod, att->attcollation);
	else if (DP_IS_VIRTUAL(relid, attno) && open)
		expr = build_generation_expression(relation, attno);
	else
		expr = (Node *) makeVar(1, attno, att->atttypid, att->atttypmod, att->attcollation, 0);
	result = makeTargetEntry((Expr *) expr, attno, pstrdup(NameStr(att->attname)), false);
	if (bms_is_member(attno, used))
	{
		result->resorigtbl = relid;
		result->resorigcol = attno;
	}
	return result;
}

/* Conditions of policies, as they stand in the sub-select. */
static List *
moved_conditions(Relation relation, List *conditions, int rtindex)
{
	ChangeVarNodes((Node *) conditions, rtindex, 1, 0);
	return (List *) expand_generated_columns_in_expr((Node *) conditions, relation, 1);
}

/* Makes a sub-select of an entry of the query, with the columns that are used. */
static void
make_subselect(Query *query, int rtindex, const Bitmapset *used)
{
	RangeTblEntry *rte = rt_fetch(rtindex, query->rtable);
	RangeTblEntry *below = copyObject(rte);
	Relation	relation = table_open(rte->relid, NoLock);
	Query	   *subselect = makeNode(Query);
	RangeTblRef *ref = makeNode(RangeTblRef);

	subselect->commandType = CMD_SELECT;
	subselect->canSetTag = true;
	subselect->rtable = list_make1(below);
	ref->rtindex = 1;
	subselect->jointree = makeFromExpr(list_make1(ref), NULL);
	for (AttrNumber attno = 1; attno <= RelationGetNumberOfAttributes(relation); attno++)
		subselect->targetList = lappend(subselect->targetList,
										result_column(relation, attno, used));
	DP_MOVE_ENTRY_PERMISSIONS(subselect, below, query);
	below->securityQuals = moved_conditions(relation, below->securityQuals, rtindex);
	subselect->hasRowSecurity = query->hasRowSecurity;
	subselect->hasSubLinks = query->hasSubLinks && below->securityQuals != NIL;
	table_close(relation, NoLock);

	rte->rtekind = RTE_SUBQUERY;
	rte->subquery = subselect;
	rte->relid = InvalidOid;
	rte->relkind = 0;
	rte->rellockmode = 0;
	rte->perminfoindex = 0;
	rte->tablesample = NULL;
	rte->securityQuals = NIL;
	rte->inh = false;
}

/* Makes sub-selects of the entries of one query that have virtual columns which it names. */
static void
expand_query(Query *query)
{
	Relids		read = DP_RELIDS_IN_JOINTREE((Node *) query->jointree);
	int			rtindex = -1;
	ListCell   *lc;

	/* what is written to or locked is refused, or is the reader's own affair */
	read = bms_del_member(read, query->resultRelation);
	foreach(lc, query->rowMarks)
		read = bms_del_member(read, lfirst_node(RowMarkClause, lc)->rti);
	while ((rtindex = bms_next_member(read, rtindex)) >= 0)
	{
		RangeTblEntry *rte = rt_fetch(rtindex, query->rtable);
		Bitmapset  *used;

		if (has_virtual_columns(rte) && used_columns(query, rtindex, &used) &&
			names_virtual_column(rte->relid, used))
			make_subselect(query, rtindex, used);
	}
}

static bool
expand_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		expand_query((Query *) node);
		return query_tree_walker((Query *) node, expand_walker, context, 0);
	}
	return expression_tree_walker(node, expand_walker, context);
}

/*
 * Puts the expressions of virtual columns of protected relations in their place, in all levels of
 * a query, in place.  Leaves relations of which a query names the whole row, or a system column.
 */
void
expand_virtual_columns(Query *query)
{
	(void) expand_walker((Node *) query, NULL);
}

typedef struct RefuseContext
{
	RewriteContext *rewrite;
	Query	   *query;
} RefuseContext;

/* Refuses a column that the planner would expand. */
static void
refuse_virtual(Var *var, void *argument)
{
	RefuseContext *context = argument;
	RangeTblEntry *rte = rt_fetch(var->varno, context->query->rtable);

	if (var->varattno > 0 && rte->rtekind == RTE_RELATION &&
		policy_lookup(rte->relid) != NULL && DP_IS_VIRTUAL(rte->relid, var->varattno))
		refuse(REFUSE_VIRTUAL, context->rewrite->source, var->location);
}

static bool
refuse_walker(Node *node, RewriteContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		RefuseContext refuse = {.rewrite = context,.query = (Query *) node};

		walk_columns(node, QTW_IGNORE_JOINALIASES, refuse_virtual, &refuse);
		return query_tree_walker((Query *) node, refuse_walker, context, 0);
	}
	return expression_tree_walker(node, refuse_walker, context);
}

/*
 * Refuses a rewritten query in which the expression of a virtual column of a protected relation is
 * still the planner's to put there, as of a unit that is one.
 */
void
refuse_virtual_columns(RewriteContext *context, Query *query)
{
	(void) refuse_walker((Node *) query, context);
}

#else							/* up to PostgreSQL 17 all generated columns are stored */

void
expand_virtual_columns(Query *query)
{
}

void
refuse_virtual_columns(RewriteContext *context, Query *query)
{
}

#endif

/*
 * Is the result column of a sub-select a virtual column of a protected relation, as
 * expand_virtual_columns() computes it?  Which one, in *relid and *attno.
 */
bool
virtual_origin(const TargetEntry *tle, Oid *relid, AttrNumber *attno)
{
	if (!OidIsValid(tle->resorigtbl) || tle->resorigcol <= 0 ||
		policy_lookup(tle->resorigtbl) == NULL || !DP_IS_VIRTUAL(tle->resorigtbl, tle->resorigcol))
		return false;
	*relid = tle->resorigtbl;
	*attno = tle->resorigcol;
	return true;
}
