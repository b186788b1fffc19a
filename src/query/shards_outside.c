/*
 * shards_outside.c
 *		The call that stands for what other machines send, and public tables of Citus beside releases.
 *
 * shards() is a function in FROM that is never called: in the query R that gathers a release its number is 0, and a
 * node takes its place (nodes/shards/path.c); of any other number it is the rows of a public table.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "utils/rel.h"

#include "core/names.h"
#include "policy/citus.h"
#include "query/collectors.h"
#include "query/constants.h"
#include "query/planning.h"
#include "query/queries.h"
#include "query/refuse.h"
#include "query/shards_outside.h"
#include "query/walk.h"

/* A call of shards(), which a client cannot make (see call_of_rewriter()). */
static FuncExpr *
call_of_shards(int number)
{
	FuncExpr   *call = makeFuncExpr(extension_oid(DP_FUNC_SHARDS, InvalidOid), RECORDOID,
									list_make1(int4_const(number)), InvalidOid, InvalidOid,
									COERCE_SQL_SYNTAX);

	call->funcretset = true;
	return call;
}

/*
 * The number of the query (planning_rows()) whose rows an entry of FROM stands for, if read_spread_outside() has made it;
 * 0 for any other.
 */
int
number_of_rows(RangeTblEntry *rte)
{
	RangeTblFunction *function;
	FuncExpr   *call;

	if (rte->rtekind != RTE_FUNCTION || list_length(rte->functions) != 1)
		return 0;
	function = linitial(rte->functions);
	call = (FuncExpr *) function->funcexpr;
	if (!IsA(call, FuncExpr) || call->funcformat != COERCE_SQL_SYNTAX ||
		extension_function(call->funcid) != DP_FUNC_SHARDS)
		return 0;
	return DatumGetInt32(linitial_node(Const, call->args)->constvalue);
}

/* Gives an entry of FROM a column of the function; returns it. */
Node *
add_shards_column(RangeTblEntry *rte, RangeTblFunction *function, const char *name, Oid type, int32 typmod,
				  Oid collation)
{
	rte->eref->colnames = lappend(rte->eref->colnames, makeString(pstrdup(name)));
	function->funccolnames = lappend(function->funccolnames, makeString(pstrdup(name)));
	function->funccoltypes = lappend_oid(function->funccoltypes, type);
	function->funccoltypmods = lappend_int(function->funccoltypmods, typmod);
	function->funccolcollations = lappend_oid(function->funccolcollations, collation);
	function->funccolcount++;
	return (Node *) makeVar(1, function->funccolcount, type, typmod, collation, 0);
}

/* An entry of FROM, a call of shards(), without columns. */
RangeTblEntry *
entry_of_shards(int number)
{
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	RangeTblFunction *function = makeNode(RangeTblFunction);

	function->funcexpr = (Node *) call_of_shards(number);
	rte->rtekind = RTE_FUNCTION;
	rte->eref = makeAlias("shards", NIL);
	rte->inFromCl = true;
	rte->functions = list_make1(function);
	return rte;
}

/* SELECT of all columns of the relation that is an entry of the query; dropped ones are NULL. */
Query *
select_all(Query *from, RangeTblEntry *entry)
{
	RangeTblEntry *rte = copyObject(entry);
	Query	   *query = select_of(rte);
	Relation	relation = table_open(rte->relid, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(relation);

	rte->securityQuals = NIL;
	DP_MOVE_ENTRY_PERMISSIONS(query, rte, from);
	for (int i = 1; i <= desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i - 1);
		Node	   *expr = att->attisdropped ? (Node *) makeNullConst(INT4OID, -1, InvalidOid) :
			(Node *) makeVar(1, i, att->atttypid, att->atttypmod, att->attcollation, 0);

		append_target(query, expr, NameStr(att->attname), false);
	}
	table_close(relation, NoLock);
	return query;
}

/* Notes that a whole row of an entry of FROM is asked for, or a system column. */
static void
note_whole_row(Var *column, void *context)
{
	int		   *varno = context;

	if (column->varno == *varno && column->varattno <= 0)
		*varno = 0;
}

/* Has the rows of a relation read by the node that gathers pieces, too. */
static void
read_rows(Query *query, int varno)
{
	RangeTblEntry *rte = rt_fetch(varno, query->rtable);
	Query	   *rows;
	RangeTblEntry *read;
	int			whole = varno;
	ListCell   *lc;

	walk_columns((Node *) query, QTW_IGNORE_JOINALIASES, note_whole_row, &whole);
	if (varno == query->resultRelation || rte->tablesample != NULL || whole == 0 || query->rowMarks != NIL)
		refuse_named(REFUSE_SHARDS_OUTSIDE, relation_for_message(rte->relid), NULL, -1);
	rows = select_all(query, rte);
	read = entry_of_shards(planning_read(rows));
	foreach(lc, rows->targetList)
	{
		TargetEntry *tle = lfirst(lc);
		Node	   *expr = (Node *) tle->expr;

		(void) add_shards_column(read, linitial(read->functions), tle->resname, exprType(expr),
								 exprTypmod(expr), exprCollation(expr));
	}
	read->alias = rte->alias;
	read->eref = rte->eref;
	read->securityQuals = rte->securityQuals;
	read->inFromCl = rte->inFromCl;
	lfirst(list_nth_cell(query->rtable, varno - 1)) = read;
}

static bool
outside_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		Query	   *query = (Query *) node;

		for (int i = 1; i <= list_length(query->rtable); i++)
		{
			RangeTblEntry *rte = rt_fetch(i, query->rtable);

			if (rte->rtekind == RTE_RELATION && rte->relkind != RELKIND_VIEW &&
				citus_table(rte->relid).kind != CITUS_LOCAL)
				read_rows(query, i);
		}
		return query_tree_walker(query, outside_walker, context, 0);
	}
	return expression_tree_walker(node, outside_walker, context);
}

/*
 * Has tables of Citus that a statement with releases over such reads outside of these, as public ones that are
 * joined with what is released, read as pieces are: Citus would have the statement, releases included, run
 * elsewhere.  Conditions, and policies of row security, stay in the statement.  Raises
 * ERRCODE_DP_QUERY_REFUSED for one that is written to, locked, or read by whole rows.
 */
void
read_spread_outside(Query *statement)
{
	(void) outside_walker((Node *) statement, NULL);
}
