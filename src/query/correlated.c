/*
 * correlated.c
 *		Sub-selects that yield one value about the row at hand: they become joins.
 *
 *		(SELECT sum(b.x) FROM b WHERE b.unit = a.unit AND b.y > 1)
 *
 * in an expression over a is the column of
 *
 *		a LEFT JOIN (SELECT b.unit, sum(b.x) FROM b WHERE b.y > 1 GROUP BY b.unit) s
 *			ON s.unit = a.unit
 *
 * with ORDER BY and LIMIT 1 it is that of the first row of each individual, and the sub-select one
 * with DISTINCT ON (b.unit), which first_rows.c writes otherwise;
 * and the row of a table that a unique index fixes, as in (SELECT p.sex FROM people p WHERE
 * p.id = a.id), is that of a LEFT JOIN with the table.  What may be joined, and whose rows they
 * are, is judged afterwards, as of any other join.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_clause.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/fmgroids.h"

#include "policy/enforced.h"
#include "query/checks.h"
#include "query/correlated.h"
#include "query/equalities.h"
#include "query/level.h"
#include "query/queries.h"
#include "query/questions.h"
#include "query/unique.h"
#include "spec/spec.h"

/* The equalities that tie a sub-select to the query around it. */
typedef struct Ties
{
	List	   *inner;			/* expressions over the sub-select's rows, below casts that
								 * change no equality */
	List	   *outer;			/* ... are equal to these of the query around it */
	List	   *operators;		/* OpExpr: the equalities, as they were written */
	List	   *rest;			/* the other conditions */
} Ties;

typedef struct JoinContext
{
	RewriteContext *rewrite;
	Query	   *query;			/* the level */
	List	   *joined;			/* JoinedSublink, so far */
	bool		free;			/* the expression is over single rows, not over groups */
} JoinContext;

/* Is this an expression over one level's columns only, that of the sub-select (0) or around it (1)? */
static bool
is_over(Node *node, int level)
{
	return contain_vars_of_level(node, level) && !contain_vars_of_level(node, 1 - level) &&
		!contain_volatile_functions(node) && !checkExprHasSubLink(node);
}

/* Notes a condition "inner = outer" of the sub-select.  False if it is none. */
static bool
note_tie(Ties *ties, Node *node)
{
	OpExpr	   *op = (OpExpr *) node;

	if (!IsA(node, OpExpr) || equalities_of(node) == NIL)
		return false;
	for (int side = 0; side < 2; side++)
	{
		Node	   *inner = list_nth(op->args, side);
		Node	   *outer = list_nth(op->args, 1 - side);

		if (!is_over(inner, 0) || !is_over(outer, 1))
			continue;
		ties->inner = lappend(ties->inner, strip_relabel(inner));
		ties->outer = lappend(ties->outer, outer);
		ties->operators = lappend(ties->operators, op);
		return true;
	}
	return false;
}

/* Splits the conditions of a sub-select.  False unless some tie it, and nothing else refers out. */
static bool
find_ties(Query *query, Ties *ties)
{
	List	   *quals = make_ands_implicit((Expr *) query->jointree->quals);
	ListCell   *lc;
	bool		free;

	foreach(lc, quals)
	{
		if (!note_tie(ties, lfirst(lc)))
			ties->rest = lappend(ties->rest, lfirst(lc));
	}
	if (ties->inner == NIL)
		return false;
	query->jointree->quals = (Node *) (ties->rest == NIL ? NULL : make_ands_explicit(ties->rest));
	free = !contain_vars_of_level((Node *) query, 1);
	query->jointree->quals = (Node *) make_ands_explicit(quals);
	return free;
}

/* Is it LIMIT 1, as a constant? */
static bool
is_limit_one(Query *query)
{
	Const	   *limit = (Const *) eval_const_expressions(NULL, query->limitCount);

	return limit != NULL && IsA(limit, Const) && !limit->constisnull &&
		DatumGetInt64(limit->constvalue) == 1 && query->limitOption == LIMIT_OPTION_COUNT;
}

/* The columns that the query hands out. */
static int
count_columns(Query *query)
{
	int			result = 0;
	ListCell   *lc;

	foreach(lc, query->targetList)
		result += lfirst_node(TargetEntry, lc)->resjunk ? 0 : 1;
	return result;
}

/* A plain SELECT of one column, without clauses that choose among rows but LIMIT 1 of rows. */
static bool
is_plain(Query *query)
{
	return query->commandType == CMD_SELECT && query->setOperations == NULL &&
		query->cteList == NIL && query->groupClause == NIL && query->groupingSets == NIL &&
		query->havingQual == NULL && query->distinctClause == NIL && !query->hasWindowFuncs &&
		!query->hasTargetSRFs && query->limitOffset == NULL && query->rowMarks == NIL &&
		(query->limitCount == NULL ? list_length(query->targetList) == 1 :
		 !query->hasAggs && is_limit_one(query) && count_columns(query) == 1);
}

/*
 * The unique index that shows that the sub-select has one row at most for each value of its ties;
 * InvalidOid if none does.
 */
static Oid
index_of_row(Query *query, Ties *ties)
{
	Bitmapset  *columns = NULL;
	RangeTblRef *ref;
	RangeTblEntry *rte;
	ListCell   *lc;

	if (list_length(query->jointree->fromlist) != 1)
		return InvalidOid;
	ref = linitial(query->jointree->fromlist);
	if (!IsA(ref, RangeTblRef))
		return InvalidOid;
	rte = rt_fetch(ref->rtindex, query->rtable);
	if (rte->rtekind != RTE_RELATION || rte->tablesample != NULL)
		return InvalidOid;
	foreach(lc, ties->inner)
	{
		Var		   *column = (Var *) strip_relabel(lfirst(lc));

		if (IsA(column, Var) && column->varattno > 0)
			columns = bms_add_member(columns, column->varattno);
	}
	return policy_unique_index(rte->relid, columns);
}

/* Replaces aggregates by what they are over no row: counts by 0, others by NULL. */
static Node *
empty_mutator(Node *node, void *context)
{
	Aggref	   *aggref = (Aggref *) node;

	if (node == NULL)
		return NULL;
	if (!IsA(node, Aggref))
		return expression_tree_mutator(node, empty_mutator, context);
	if (aggref->aggfnoid == F_COUNT_ || aggref->aggfnoid == F_COUNT_ANY ||
		aggref->aggfnoid == F_REGR_COUNT)
		return (Node *) makeConst(INT8OID, -1, InvalidOid, sizeof(int64), Int64GetDatum(0),
								  false, FLOAT8PASSBYVAL);
	return (Node *) makeNullConst(exprType(node), exprTypmod(node), exprCollation(node));
}

/* What stands in the place of the sub-select: its column, or its value over no row. */
static Node *
value_of(Query *below, Node *expr, TargetEntry *value, int rtindex, bool grouped)
{
	Node	   *column = (Node *) makeVarFromTargetEntry(rtindex, value);
	Node	   *empty;

	if (!grouped)
		return column;
	empty = eval_const_expressions(NULL, empty_mutator(copyObject(expr), NULL));
	if (IsA(empty, Const) && ((Const *) empty)->constisnull)
		return column;
	if (IsA(expr, Aggref))
	{
		CoalesceExpr *coalesce = makeNode(CoalesceExpr);	/* a count is never NULL */

		coalesce->coalescetype = exprType(expr);
		coalesce->coalescecollid = exprCollation(expr);
		coalesce->args = list_make2(column, empty);
		coalesce->location = -1;
		return (Node *) coalesce;
	}
	else
	{
		CaseExpr   *choice = makeNode(CaseExpr);
		CaseWhen   *when = makeNode(CaseWhen);
		NullTest   *missing = makeNode(NullTest);

		missing->arg = (Expr *) makeVarFromTargetEntry(rtindex, linitial(below->targetList));
		missing->nulltesttype = IS_NULL;
		missing->location = when->location = choice->location = -1;
		when->expr = (Expr *) missing;
		when->result = (Expr *) empty;
		choice->casetype = exprType(expr);
		choice->casecollid = exprCollation(expr);
		choice->args = list_make1(when);
		choice->defresult = (Expr *) column;
		return (Node *) choice;
	}
}

/* The sub-select as it stands in FROM: the columns of its ties, and its value. */
static Query *
select_keys(Query *query, Ties *ties, bool grouped)
{
	TargetEntry *value = linitial(query->targetList);
	List	   *clauses = NIL;
	ListCell   *lc;

	query->targetList = NIL;
	query->jointree->quals = (Node *) (ties->rest == NIL ? NULL : make_ands_explicit(ties->rest));
	foreach(lc, ties->inner)
		clauses = lappend(clauses, default_clause(exprType(lfirst(lc))));
	if (grouped)
		append_grouped(query, ties->inner, clauses, "key");
	else
	{
		foreach(lc, ties->inner)
			(void) append_target(query, lfirst(lc), "key", false);
	}
	(void) append_target(query, (Node *) value->expr, "value", false);
	return query;
}

/* The same of a sub-select with LIMIT 1: the first row for each value of the ties, in its order. */
static Query *
select_firsts(Query *query, Ties *ties)
{
	List	   *written = query->targetList;
	List	   *keys = NIL;
	ListCell   *lc;

	query->targetList = NIL;
	query->jointree->quals = (Node *) (ties->rest == NIL ? NULL : make_ands_explicit(ties->rest));
	foreach(lc, ties->inner)
		(void) append_target(query, lfirst(lc), "key", false);
	foreach(lc, written)
	{
		TargetEntry *tle = lfirst(lc);

		append_target(query, (Node *) tle->expr, "value", tle->resjunk)->ressortgroupref = tle->ressortgroupref;
	}
	for (int i = 0; i < list_length(ties->inner); i++)
	{
		SortGroupClause *key = default_clause(exprType(list_nth(ties->inner, i)));

		key->tleSortGroupRef = assignSortGroupRef(list_nth(query->targetList, i), query->targetList);
		keys = lappend(keys, key);
	}
	query->distinctClause = keys;
	query->hasDistinctOn = true;
	query->sortClause = list_concat(copyObject(keys), query->sortClause);
	query->limitCount = NULL;
	return query;
}

/* A copy of a side of an equality, with a column in the place of what strip_relabel() finds in it. */
static Node *
cast_column(Node *side, Node *column)
{
	Node	   *result;

	if (side == strip_relabel(side))
		return column;
	result = copyObject(side);
	if (IsA(side, RelabelType))
		((RelabelType *) result)->arg = (Expr *) cast_column((Node *) ((RelabelType *) side)->arg, column);
	else
		linitial(castNode(FuncExpr, result)->args) = cast_column(linitial(((FuncExpr *) side)->args), column);
	return result;
}

/* The condition of the join: the ties, with the columns of item number rtindex. */
static Node *
join_condition(Query *below, Ties *ties, int rtindex)
{
	List	   *result = NIL;
	ListCell   *lo;
	ListCell   *li;
	ListCell   *lc;
	int			i = 0;

	forthree(lc, ties->operators, li, ties->inner, lo, ties->outer)
	{
		OpExpr	   *op = copyObject(lfirst_node(OpExpr, lc));
		Node	   *outer = copyObject(lfirst(lo));
		bool		inner_first = equal(strip_relabel(linitial(op->args)), lfirst(li));
		Node	   *column = (Node *) makeVarFromTargetEntry(rtindex, list_nth(below->targetList, i++));

		IncrementVarSublevelsUp(outer, -1, 1);
		column = cast_column(inner_first ? linitial(op->args) : lsecond(op->args), column);
		op->args = inner_first ? list_make2(column, outer) : list_make2(outer, column);
		result = lappend(result, op);
	}
	return (Node *) make_ands_explicit(result);
}

/* Adds the range table entries of a join tree to *members, joins and what they join. */
static void
all_members(Node *node, Bitmapset **members)
{
	jointree_members(node, members);
	if (IsA(node, JoinExpr))
	{
		JoinExpr   *join = (JoinExpr *) node;

		*members = bms_add_member(*members, join->rtindex);
		all_members(join->larg, members);
		all_members(join->rarg, members);
	}
}

/* The item of FROM that the ties refer to; NULL if they refer to several. */
static ListCell *
tied_item(List *from, Ties *ties)
{
	Relids		inputs = pull_varnos_of_level(NULL, (Node *) ties->outer, 1);
	ListCell   *lc;

	foreach(lc, from)
	{
		Bitmapset  *members = NULL;

		all_members(lfirst(lc), &members);
		if (bms_is_subset(inputs, members))
			return lc;
	}
	return NULL;
}

/*
 * All items of FROM as one.  It repeats the equalities of WHERE, which tell whose rows meet in it;
 * the planner finds out that they are the same.
 */
static Node *
whole_from(FromExpr *from)
{
	List	   *quals = NIL;
	ListCell   *lc;

	foreach(lc, make_ands_implicit((Expr *) from->quals))
	{
		if (equalities_of(lfirst(lc)) != NIL && !checkExprHasSubLink(lfirst(lc)))
			quals = lappend(quals, copyObject(lfirst(lc)));
	}
	return (Node *) makeFromExpr(from->fromlist,
								 quals == NIL ? NULL : (Node *) make_ands_explicit(quals));
}

/* Joins the level's FROM with the sub-select.  Returns its range table index. */
static int
left_join(Query *query, Query *below, Ties *ties)
{
	RangeTblEntry *rte = linitial(select_from(below, "correlated")->rtable);
	RangeTblRef *ref = makeNode(RangeTblRef);
	JoinExpr   *join = makeNode(JoinExpr);
	ListCell   *item = tied_item(query->jointree->fromlist, ties);

	query->rtable = lappend(query->rtable, rte);
	ref->rtindex = list_length(query->rtable);
	join->jointype = JOIN_LEFT;
	join->larg = item != NULL ? lfirst(item) : whole_from(query->jointree);
	join->rarg = (Node *) ref;
	join->quals = join_condition(below, ties, ref->rtindex);
	join->rtindex = add_join(query, JOIN_LEFT);
	if (item != NULL)
		lfirst(item) = join;
	else
		query->jointree->fromlist = list_make1(join);
	return ref->rtindex;
}

/* Makes an item of FROM of the sub-select, if that can be.  NULL otherwise. */
static JoinedSublink *
join_sublink(JoinContext *context, SubLink *sublink)
{
	Query	   *query = copyObject(castNode(Query, sublink->subselect));
	Ties		ties = {0};
	JoinedSublink *result;
	Node	   *expr;
	bool		grouped = query->hasAggs;
	bool		first = query->limitCount != NULL;

	if (sublink->subLinkType != EXPR_SUBLINK || !is_plain(query) || !find_ties(query, &ties))
		return NULL;
	expr = (Node *) linitial_node(TargetEntry, query->targetList)->expr;
	if (checkExprHasSubLink(expr))
		return NULL;
	if ((grouped || first) && !mentions_private(context->rewrite, query))
		return NULL;			/* public rows are read where they are asked for */
	if (!grouped && !first)
	{
		Oid			index = index_of_row(query, &ties);

		if (!OidIsValid(index) || list_length(context->rewrite->proofs) >= DP_MAX_PROOFS / 2)
			return NULL;
		context->rewrite->proofs = list_append_unique_oid(context->rewrite->proofs, index);
	}
	query = first ? select_firsts(query, &ties) : select_keys(query, &ties, grouped);
	result = palloc0(sizeof(JoinedSublink));
	result->sublink = (Node *) copyObject(sublink);
	result->rtindex = left_join(context->query, query, &ties);
	result->value = value_of(query, expr, list_nth(query->targetList, list_length(ties.inner)),
							 result->rtindex, grouped);
	result->grouped = grouped || first;
	result->location = sublink->location;
	return result;
}

/* Replaces sub-selects that can be joined, where the expression is over single rows. */
static Node *
join_mutator(Node *node, JoinContext *context)
{
	ListCell   *lc;

	if (node == NULL || IsA(node, Query))
		return node;
	if (IsA(node, Aggref) && ((Aggref *) node)->agglevelsup == 0)
	{
		bool		saved = context->free;
		Node	   *result;

		context->free = true;
		result = expression_tree_mutator(node, join_mutator, context);
		context->free = saved;
		return result;
	}
	if (IsA(node, SubLink) && context->free)
	{
		JoinedSublink *joined;

		foreach(lc, context->joined)
		{
			joined = lfirst(lc);
			if (equal(joined->sublink, node))
				return copyObject(joined->value);
		}
		joined = join_sublink(context, (SubLink *) node);
		if (joined != NULL)
		{
			context->joined = lappend(context->joined, joined);
			return copyObject(joined->value);
		}
	}
	return expression_tree_mutator(node, join_mutator, context);
}

/* Is the column of the result one that the level groups by? */
static bool
is_key(Query *query, TargetEntry *tle)
{
	ListCell   *lc;

	foreach(lc, query->groupClause)
	{
		if (lfirst_node(SortGroupClause, lc)->tleSortGroupRef == tle->ressortgroupref)
			return true;
	}
	return false;
}

/*
 * Makes joins of the sub-selects in the level's WHERE and result, in place, where these are plain
 * and "=" ties them.  Returns a JoinedSublink for each item that was added to FROM.
 */
List *
join_sublinks(RewriteContext *context, Query *query)
{
	JoinContext joins = {.rewrite = context,.query = query};
	bool		groups = query->hasAggs || query->groupClause != NIL;
	Node	   *quals;
	ListCell   *lc;

	if (!query->hasSubLinks || query->jointree->fromlist == NIL || query->groupingSets != NIL)
		return NIL;
	joins.free = true;
	quals = join_mutator(query->jointree->quals, &joins);
	query->jointree->quals = quals;
	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst(lc);

		joins.free = !groups || is_key(query, tle);
		tle->expr = (Expr *) join_mutator((Node *) tle->expr, &joins);
	}
	return joins.joined;
}
