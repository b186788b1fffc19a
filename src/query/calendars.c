/*
 * calendars.c
 *		Group keys of a public side that an outer join keeps whole.
 *
 *		SELECT d, count(v.id) FROM generate_series(...) AS d LEFT JOIN visits v ON v.day = d GROUP BY d
 *
 * has a group for each d, whether or not there are visits: so the keys are public, like those of
 * a declared domain (domains.c).  Rows that no individual has do not count, and the release itself is
 * as with an inner join.  Above it every key is listed, with NULLs where the gate held the values
 * back:
 *
 *		FROM (SELECT DISTINCT keys FROM public side WHERE its own conditions) LEFT JOIN release
 *			ON keys are equal
 *
 * A condition of WHERE about anything but the public side could drop a day; then the gate decides
 * which keys are shown, as ever.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/prep.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"

#include "core/compat.h"
#include "query/builder.h"
#include "query/calendars.h"
#include "query/domains.h"
#include "query/level.h"
#include "query/nulls.h"
#include "query/publics.h"
#include "query/queries.h"
#include "query/walk.h"

/* Does the part of a join tree hold protected rows? */
static bool
holds_private(Level *level, Node *node)
{
	Relids		members = DP_RELIDS_IN_JOINTREE(node);
	int			i = -1;

	while ((i = bms_next_member(members, i)) >= 0)
	{
		if (level->inputs[i] != NULL)
			return true;
	}
	return false;
}

/* The public side that outer joins keep whole; NULL if there is none. */
static Node *
strong_side(Level *level)
{
	List	   *from = level->query->jointree->fromlist;
	Node	   *node = list_length(from) == 1 ? linitial(from) : NULL;

	while (node != NULL && holds_private(level, node))
	{
		JoinExpr   *join = (JoinExpr *) node;

		if (IsA(node, JoinExpr) && join->jointype == JOIN_LEFT)
			node = join->larg;
		else if (IsA(node, JoinExpr) && join->jointype == JOIN_RIGHT)
			node = join->rarg;
		else
			return NULL;
	}
	return node;
}

typedef struct SideContext
{
	Relids		members;		/* range table indexes of the side */
} SideContext;

/* Is there anything in an expression but columns of the side, constants and parameters? */
static bool
outside_walker(Node *node, SideContext *side)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
		return ((Var *) node)->varlevelsup > 0 || ((Var *) node)->varattno <= 0 ||
			!bms_is_member(((Var *) node)->varno, side->members);
	if (IsA(node, SubLink) || IsA(node, Query) || IsA(node, Aggref))
		return true;
	return expression_tree_walker(node, outside_walker, side);
}

/*
 * The public side of the level's FROM that all its groups come from: a query without columns or range
 * table, with the conditions of WHERE as they are written.  NULL if there is none, or if WHERE is about
 * more than that side.
 */
Query *
public_side(Level *level)
{
	Node	   *strong = strong_side(level);
	SideContext side = {.members = strong != NULL ? DP_RELIDS_IN_JOINTREE(strong) : NULL};
	Query	   *result;

	int			i = -1;

	if (strong == NULL || checkExprHasSubLink(strong) ||
		outside_walker(level->query->jointree->quals, &side))
		return NULL;
	while ((i = bms_next_member(side.members, i)) >= 0)
	{
		/* a release in it would be drawn once more, and have other keys then */
		if (holds_release((Node *) rt_fetch(i, level->query->rtable)->subquery))
			return NULL;
	}
	result = makeNode(Query);
	result->commandType = CMD_SELECT;
	result->canSetTag = true;
	result->jointree = makeFromExpr(list_make1(copyObject(strong)),
									copyObject(level->query->jointree->quals));
	result->hasRowSecurity = level->query->hasRowSecurity;
	return result;
}

/* Range table indexes of the joins of a join tree. */
static Relids
joins_of(Node *node)
{
	Relids		result = NULL;

	if (IsA(node, JoinExpr))
	{
		result = bms_union(joins_of(((JoinExpr *) node)->larg), joins_of(((JoinExpr *) node)->rarg));
		result = bms_add_member(result, ((JoinExpr *) node)->rtindex);
	}
	return result;
}

/*
 * Leaves the entries of the range table that the query reads.  They name each other, too: in LATERAL,
 * and as the columns of joins.
 */
static void
compress_range_table(Query *query, Relids members)
{
	List	   *entries = query->rtable;
	int			i = -1;
	int			n = 0;

	members = bms_union(members, joins_of(linitial(query->jointree->fromlist)));
	query->rtable = NIL;
	while ((i = bms_next_member(members, i)) >= 0)
		query->rtable = lappend(query->rtable, list_nth(entries, i - 1));
	i = -1;
	while ((i = bms_next_member(members, i)) >= 0)
	{
		/* an entry moves down, to a place that no other one has any more */
		if (++n != i)
			ChangeVarNodes((Node *) query, i, n, 0);
	}
}

/* The name of a CTE of Q', or of a query around it, refers one level further up. */
static void
shift_name(RangeTblEntry *entry, Index depth, void *argument)
{
	if (entry->ctelevelsup >= depth)
		entry->ctelevelsup++;
}

/*
 * Makes the list of keys of the side, which public_side() has found, if all keys are of its columns.
 * What it reads is guarded by now, so that a sub-select with LIMIT has the same rows as below the
 * release.
 */
void
settle_calendar(ReleaseBuilder *builder, Query *side)
{
	SideContext context;
	ListCell   *lk;

	if (side == NULL || builder->keys == NIL)
		return;
	context.members = DP_RELIDS_IN_JOINTREE(linitial(side->jointree->fromlist));
	if (outside_walker((Node *) builder->keys, &context))
		return;
	foreach(lk, builder->keys)
	{
		if (!contain_var_clause(lfirst(lk)))
			return;
		builder->sure_keys = lappend_int(builder->sure_keys,
										 expression_not_null(builder->level, lfirst(lk)));
	}
	side->rtable = copyObject(builder->level->query->rtable);
	DP_MOVE_PERMISSIONS(side, builder->level->query);
	side->hasSubLinks = builder->level->query->hasSubLinks;
	append_grouped(side, copyObject(builder->keys), builder->key_clauses, "key");
	side->distinctClause = side->groupClause;
	side->groupClause = NIL;
	compress_range_table(side, context.members);
	walk_cte_names(side, shift_name, NULL); /* it will stand in FROM of Q' */
	builder->calendar = side;
}

/* A key column of the release (varno 1) becomes that of the list (varno 2). */
static void
use_listed(Var *column, void *nkeys)
{
	if (column->varno == 1 && column->varattno >= 1 && column->varattno <= *(int *) nkeys)
		column->varno = column->varnosyn = 2;
}

/* listed = released, or both are NULL if they may be. */
static Node *
same_key(Node *listed, Node *released, Oid equality, bool sure)
{
	OpExpr	   *result = (OpExpr *) make_opclause(equality, BOOLOID, false, (Expr *) listed,
												  (Expr *) released, InvalidOid,
												  exprCollation(listed));

	if (sure)
		return (Node *) result;
	set_opfuncid(result);
	NodeSetTag(result, T_DistinctExpr);
	return (Node *) makeBoolExpr(NOT_EXPR, list_make1(result), -1);
}

/*
 * Puts the list of keys beside the release in Q', whose FROM holds nothing but the release (range
 * table index 1).
 */
void
list_calendar(ReleaseBuilder *builder, Query *query)
{
	int			nkeys = list_length(builder->keys);
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	RangeTblRef *ref = makeNode(RangeTblRef);
	JoinExpr   *join = makeNode(JoinExpr);
	List	   *on = NIL;
	ListCell   *lc;
	ListCell   *lg;
	ListCell   *ls;

	if (builder->calendar == NULL)
		return;
	walk_columns((Node *) query->targetList, 0, use_listed, &nkeys);
	walk_columns(query->jointree->quals, 0, use_listed, &nkeys);
	rte->rtekind = RTE_SUBQUERY;
	rte->subquery = builder->calendar;
	rte->eref = makeAlias("key", NIL);
	rte->inFromCl = true;
	query->rtable = lappend(query->rtable, rte);
	ref->rtindex = list_length(query->rtable);
	forthree(lc, builder->calendar->targetList, lg, builder->key_clauses, ls, builder->sure_keys)
	{
		TargetEntry *tle = lfirst(lc);
		Var		   *listed = makeVarFromTargetEntry(ref->rtindex, tle);
		Var		   *released = makeVarFromTargetEntry(1, tle);

		rte->eref->colnames = lappend(rte->eref->colnames, makeString(pstrdup("key")));
		on = lappend(on, same_key((Node *) listed, (Node *) released,
								  lfirst_node(SortGroupClause, lg)->eqop, lfirst_int(ls)));
	}
	join->jointype = JOIN_LEFT;
	join->larg = (Node *) ref;
	join->rarg = linitial(query->jointree->fromlist);
	join->quals = (Node *) make_ands_explicit(on);
	join->rtindex = add_join(query, JOIN_LEFT);
	query->jointree->fromlist = list_make1(join);
}
