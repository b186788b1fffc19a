/*
 * sets.c
 *		GROUPING SETS, ROLLUP and CUBE: one query for each set.
 *
 * A level Q that groups by several sets becomes
 *
 *		WITH level_1 AS MATERIALIZED (Q_1), level_2 AS MATERIALIZED (Q_2), ...
 *		SELECT Q' FROM (SELECT columns FROM level_1 UNION ALL SELECT columns FROM level_2 ...)
 *
 * where Q_i reads what Q reads, groups by the keys of set i alone, and computes all aggregates
 * of Q.  It becomes a release (rewrite.c) that has its own limits and gate, and a share of the
 * epsilon and delta of Q.  A key that is not in the set is a NULL of its type in the union, and
 * GROUPING() a constant.  Q' is all that Q did with aggregates and keys, as for one release;
 * HAVING is its WHERE.
 *
 * The levels stay CTEs, so that a set that is written twice is drawn once.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_agg.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"

#include "core/limits.h"
#include "core/refusals.h"
#include "query/constants.h"
#include "query/ctes.h"
#include "query/queries.h"
#include "query/questions.h"
#include "query/refuse.h"
#include "query/sets.h"
#include "query/walk.h"

/* More than as many sets of one GROUP BY are not even listed, as in PostgreSQL's parser. */
#define MOST_LISTED 4096

/* A column of the union. */
typedef struct SetColumn
{
	Node	   *expr;			/* a key, an aggregate, GROUPING() or what depends on keys */
	Index		ref;			/* of its clause in GROUP BY, if it is a key; else 0 */
} SetColumn;

typedef struct SetsContext
{
	RewriteContext *rewrite;
	Query	   *query;			/* Q, as it was written */
	List	   *columns;		/* of SetColumn; the keys come first */
	Index		levelsup;		/* how many queries the walk is below Q */
} SetsContext;

/* ----------
 * Q': what stays above the levels
 * ----------
 */

/* The column of the union that is the expression, added if it is new. */
static Node *
union_column(SetsContext *context, Node *expr, Index ref)
{
	int			i = 0;
	ListCell   *lc;
	SetColumn  *column;

	foreach(lc, context->columns)
	{
		column = lfirst(lc);
		i++;
		if (column->ref == ref && equal(column->expr, expr))
			break;
	}
	if (lc == NULL)
	{
		column = palloc(sizeof(SetColumn));
		*column = (SetColumn) {.expr = expr,.ref = ref};
		context->columns = lappend(context->columns, column);
		i = list_length(context->columns);
	}
	return (Node *) makeVar(1, i, exprType(expr), exprTypmod(expr), exprCollation(expr),
							context->levelsup);
}

/* The column of the key that the expression is; NULL if it is none.  A constant is none. */
static Node *
key_column(Node *node, SetsContext *context)
{
	ListCell   *lc;

	foreach(lc, context->columns)
	{
		SetColumn  *column = lfirst(lc);

		if (column->ref == 0)
			break;
		if (!IsA(column->expr, Const) &&
			equal(node, seen_from_below(column->expr, context->levelsup)))
			return union_column(context, column->expr, column->ref);
	}
	return NULL;
}

/*
 * Is this dp_low(), dp_high() or dp_clipped() around an aggregate of Q?  In Q itself it may stand
 * around nothing else, as its level will say.
 */
static bool
is_annotation(Node *node, SetsContext *context)
{
	Node	   *around = annotated_expression(node);

	return around != NULL &&
		(context->levelsup == 0 ||
		 (IsA(around, Aggref) && ((Aggref *) around)->agglevelsup == context->levelsup));
}

/* Must the expression be computed by the levels, as it is? */
static bool
belongs_to_levels(Node *node, SetsContext *context)
{
	switch (nodeTag(node))
	{
		case T_Aggref:
			return ((Aggref *) node)->agglevelsup == context->levelsup;
		case T_GroupingFunc:
			return ((GroupingFunc *) node)->agglevelsup == context->levelsup;
		case T_Var:
			return ((Var *) node)->varlevelsup == context->levelsup;
		default:
			return is_annotation(node, context);
	}
}

/* Replaces keys, aggregates, GROUPING() and dependent columns of Q by columns of the union. */
static Node *
above_mutator(Node *node, SetsContext *context)
{
	Node	   *column;

	if (node == NULL)
		return NULL;
	if (IsA(node, Query))
	{
		Query	   *result;

		context->levelsup++;
		result = query_tree_mutator((Query *) node, above_mutator, context, 0);
		context->levelsup--;
		return (Node *) result;
	}
	column = key_column(node, context);
	if (column != NULL)
		return column;
	if (belongs_to_levels(node, context))
		return union_column(context, seen_from_above(node, context->levelsup), 0);
	return expression_tree_mutator(node, above_mutator, (void *) context);
}

/* The keys of GROUP BY become the first columns. */
static void
add_keys(SetsContext *context)
{
	ListCell   *lc;

	foreach(lc, context->query->groupClause)
	{
		SortGroupClause *clause = lfirst(lc);
		Node	   *key = (Node *) get_sortgroupclause_tle(clause, context->query->targetList)->expr;

		(void) union_column(context, key, clause->tleSortGroupRef);
	}
}

/* The target list of Q'.  A column that Q groups by is that key, even if it is a constant. */
static List *
targets_above(SetsContext *context)
{
	List	   *result = NIL;
	ListCell   *lt;
	ListCell   *lc;

	foreach(lt, context->query->targetList)
	{
		TargetEntry *tle = flatCopyTargetEntry(lfirst(lt));
		Node	   *expr = NULL;

		foreach(lc, context->columns)
		{
			SetColumn  *column = lfirst(lc);

			if (column->ref > 0 && column->ref == tle->ressortgroupref)
				expr = union_column(context, column->expr, column->ref);
		}
		tle->expr = (Expr *) (expr != NULL ? expr : above_mutator((Node *) tle->expr, context));
		result = lappend(result, tle);
	}
	return result;
}

/* ----------
 * Q_i: the levels
 * ----------
 */

/* Is the column computed in the level of a set, a list of references to clauses? */
static bool
level_has_column(const SetColumn *column, List *set)
{
	return column->ref == 0 ? !IsA(column->expr, GroupingFunc) : list_member_int(set, column->ref);
}

/* Names of CTEs of Q itself are now one query further up. */
static void
shift_own_name(RangeTblEntry *entry, Index depth, void *argument)
{
	if (entry->ctelevelsup == depth)
		entry->ctelevelsup++;
}

/* What Q does with the groups is done above. */
static void
drop_what_is_above(Query *query)
{
	query->targetList = query->groupClause = query->groupingSets = NIL;
	query->sortClause = query->distinctClause = query->windowClause = query->cteList = NIL;
	query->havingQual = query->limitCount = query->limitOffset = NULL;
	query->groupDistinct = query->hasWindowFuncs = query->hasTargetSRFs = false;
	query->hasAggs = query->hasDistinctOn = query->hasRecursive = false;
}

/* The query of one set, to stand one query below Q'. */
static Query *
level_query(SetsContext *context, List *set)
{
	Query	   *query = copyObject(context->query);
	ListCell   *lc;

	drop_what_is_above(query);
	IncrementVarSublevelsUp((Node *) query, 1, 1);
	walk_cte_names(query, shift_own_name, NULL);
	foreach(lc, context->columns)
	{
		SetColumn  *column = lfirst(lc);
		TargetEntry *tle;

		if (!level_has_column(column, set))
			continue;
		tle = append_target(query, copyObject(column->expr), "column", false);
		query->hasAggs |= contain_aggs_of_level(column->expr, 0);
		if (column->ref > 0)
		{
			SortGroupClause *clause = copyObject(get_sortgroupref_clause(column->ref,
																		 context->query->groupClause));

			tle->ressortgroupref = clause->tleSortGroupRef = tle->resno;
			query->groupClause = lappend(query->groupClause, clause);
		}
	}
	IncrementVarSublevelsUp((Node *) query->targetList, 1, 1);
	return query;
}

/* ----------
 * The union
 * ----------
 */

/* The bits of GROUPING() in a set: 1 for each argument that is not in it. */
static int32
grouping_bits(const GroupingFunc *grouping, List *set)
{
	int32		result = 0;
	ListCell   *lc;

	foreach(lc, grouping->refs)
		result = (result << 1) | (list_member_int(set, lfirst_int(lc)) ? 0 : 1);
	return result;
}

/* A column of the union as the branch of a set has it; *attno counts those of its level. */
static Node *
branch_column(const SetColumn *column, List *set, AttrNumber *attno)
{
	Node	   *expr = column->expr;

	if (level_has_column(column, set))
		return (Node *) makeVar(1, ++*attno, exprType(expr), exprTypmod(expr),
								exprCollation(expr), 0);
	if (IsA(expr, GroupingFunc))
		return int4_const(grouping_bits((GroupingFunc *) expr, set));
	return (Node *) makeNullConst(exprType(expr), exprTypmod(expr), exprCollation(expr));
}

/*
 * The branch of a set.  cte: its level, which Q' has, levelsup queries above; NULL if the set
 * has nothing to compute, and so one row that is known.
 */
static Query *
branch_query(SetsContext *context, List *set, CommonTableExpr *cte, Index levelsup)
{
	Query	   *query = makeNode(Query);
	AttrNumber	attno = 0;
	ListCell   *lc;

	query->commandType = CMD_SELECT;
	query->canSetTag = true;
	query->jointree = makeFromExpr(NIL, NULL);
	foreach(lc, context->columns)
		append_target(query, branch_column(lfirst(lc), set, &attno), "column", false);
	if (cte != NULL)
	{
		RangeTblEntry *rte = make_cte_reference(cte, levelsup);
		RangeTblRef *ref = makeNode(RangeTblRef);

		cte->cterefcount++;
		rte->eref = makeAlias("dp_set", copyObject(cte->ctecolnames));
		ref->rtindex = 1;
		query->rtable = list_make1(rte);
		query->jointree->fromlist = list_make1(ref);
	}
	return query;
}

/* left UNION ALL right, with columns as those of a query. */
static Node *
union_all(Node *left, Node *right, Query *columns)
{
	SetOperationStmt *result = makeNode(SetOperationStmt);
	ListCell   *lc;

	result->op = SETOP_UNION;
	result->all = true;
	result->larg = left;
	result->rarg = right;
	foreach(lc, columns->targetList)
	{
		Node	   *expr = (Node *) lfirst_node(TargetEntry, lc)->expr;

		result->colTypes = lappend_oid(result->colTypes, exprType(expr));
		result->colTypmods = lappend_int(result->colTypmods, exprTypmod(expr));
		result->colCollations = lappend_oid(result->colCollations, exprCollation(expr));
	}
	return (Node *) result;
}

/* The union of branches. */
static Query *
union_query(List *branches)
{
	Query	   *first = linitial(branches);
	Query	   *query = select_from(first, "branch");
	ListCell   *lc;

	if (list_length(branches) == 1)
		return first;
	query->setOperations = linitial(query->jointree->fromlist);
	query->jointree->fromlist = NIL;
	foreach(lc, first->targetList)
	{
		TargetEntry *tle = lfirst(lc);

		append_target(query, (Node *) makeVarFromTargetEntry(1, tle), "column", false);
	}
	for_each_from(lc, branches, 1)
	{
		RangeTblRef *ref = makeNode(RangeTblRef);

		query->rtable = lappend(query->rtable,
								linitial(select_from(lfirst(lc), "branch")->rtable));
		ref->rtindex = list_length(query->rtable);
		query->setOperations = union_all(query->setOperations, (Node *) ref, first);
	}
	return query;
}

/* ----------
 * The sets
 * ----------
 */

/* A set with its keys in the order of the columns. */
static List *
ordered_set(SetsContext *context, List *set)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, context->columns)
	{
		SetColumn  *column = lfirst(lc);

		if (column->ref > 0 && list_member_int(set, column->ref))
			result = lappend_int(result, column->ref);
	}
	return result;
}

/* The number of the column of a key, by the reference to its clause. */
static int
key_position(SetsContext *context, int ref)
{
	int			i = 0;

	while (((SetColumn *) list_nth(context->columns, i))->ref != (Index) ref)
		i++;
	return i;
}

/* Does set a come before set b: with more keys, or with earlier ones? */
static bool
set_comes_before(SetsContext *context, List *a, List *b)
{
	ListCell   *la;
	ListCell   *lb;

	if (list_length(a) != list_length(b))
		return list_length(a) > list_length(b);
	forboth(la, a, lb, b)
	{
		if (lfirst_int(la) != lfirst_int(lb))
			return key_position(context, lfirst_int(la)) < key_position(context, lfirst_int(lb));
	}
	return false;
}

/* Puts a set among sorted ones, after equal ones. */
static List *
insert_set(SetsContext *context, List *sets, List *set)
{
	int			place = list_length(sets);

	while (place > 0 && set_comes_before(context, set, list_nth(sets, place - 1)))
		place--;
	return list_insert_nth(sets, place, set);
}

/* The position of an equal set in a list of sets; DP_NONE if there is none. */
static int
find_set(List *sets, List *set)
{
	ListCell   *lc;

	foreach(lc, sets)
	{
		if (equal(lfirst(lc), set))
			return foreach_current_index(lc);
	}
	return DP_NONE;
}

/* Does the set need a release?  That of no keys does not, where nothing is aggregated. */
static bool
set_is_released(SetsContext *context, List *set)
{
	ListCell   *lc;

	foreach(lc, context->columns)
	{
		if (level_has_column(lfirst(lc), set))
			return true;
	}
	return false;
}

/*
 * Lists the sets, those with more keys first: *written as often as they are written, *released
 * those that are released, each once.  Refuses more of these than DP_MAX_GROUPING_SETS.
 */
static void
list_sets(SetsContext *context, List **written, List **released)
{
	Query	   *query = context->query;
	List	   *sets = NIL;
	ListCell   *lc;

	*released = NIL;
	foreach(lc, expand_grouping_sets(query->groupingSets, query->groupDistinct, MOST_LISTED))
		sets = insert_set(context, sets, ordered_set(context, lfirst(lc)));
	foreach(lc, sets)
	{
		if (set_is_released(context, lfirst(lc)) && find_set(*released, lfirst(lc)) == DP_NONE)
			*released = lappend(*released, lfirst(lc));
	}
	*written = sets;
	if (sets == NIL || list_length(*released) > DP_MAX_GROUPING_SETS)
		refuse_query(REFUSE_MANY_SETS, context->rewrite, query);
}

/* The name of a key, for last_release(). */
static const char *
key_name(SetsContext *context, const SetColumn *column)
{
	Var		   *var = (Var *) column->expr;
	ListCell   *lc;

	foreach(lc, context->query->targetList)
	{
		TargetEntry *tle = lfirst(lc);

		if (tle->ressortgroupref == column->ref && tle->resname != NULL && !tle->resjunk)
			return tle->resname;
	}
	if (IsA(var, Var) && var->varattno > 0 && var->varlevelsup == 0)
		return get_rte_attribute_name(rt_fetch(var->varno, context->query->rtable), var->varattno);
	return "expression";
}

/* Writes the keys of a set as text, as in (clinic, sex); as many as fit. */
static void
name_set(SetsContext *context, List *set, char *name, Size size)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, context->columns)
	{
		SetColumn  *column = lfirst(lc);

		if (column->ref > 0 && list_member_int(set, column->ref))
			appendStringInfo(&text, "%s%s", text.len > 0 ? ", " : "",
							 quote_identifier(key_name(context, column)));
	}
	if (text.len + sizeof("()") > size)
	{
		text.len = pg_mbcliplen(text.data, text.len, size - sizeof("(...)"));
		text.data[text.len] = '\0';
		appendStringInfoString(&text, "...");
	}
	snprintf(name, size, "(%s)", text.data);
}

/* The queries of the sets that are released, each with its place among them. */
static List *
set_levels(SetsContext *context, List *released)
{
	List	   *result = NIL;
	unsigned char id[DP_SPEC_ID_BYTES];
	ListCell   *lc;

	if (!pg_strong_random(id, sizeof(id)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random values")));
	foreach(lc, released)
	{
		SetLevel   *level = palloc0(sizeof(SetLevel));
		SpecGrouping *grouping = &level->grouping;

		level->query = level_query(context, lfirst(lc));
		memcpy(grouping->id, id, sizeof(id));
		grouping->number = foreach_current_index(lc) + 1;
		grouping->count = list_length(released);
		grouping->part = 1;
		grouping->whole = grouping->count;
		name_set(context, lfirst(lc), grouping->name, sizeof(grouping->name));
		result = lappend(result, level);
	}
	return result;
}

/* A CTE of a level, not named yet. */
static CommonTableExpr *
level_cte(const SetLevel *level)
{
	CommonTableExpr *cte = make_cte(unguessable_name("dp_agg set"), level->query);

	cte->cterefcount = 0;
	return cte;
}

/* Puts the union below Q', as the only item of its FROM; HAVING becomes WHERE. */
static void
install_union(Query *query, Query *below)
{
	Query	   *over = select_from(below, "dp_sets");

	query->rtable = over->rtable;
	query->jointree = over->jointree;
	query->jointree->quals = query->havingQual;
	query->havingQual = NULL;
	query->groupClause = query->groupingSets = NIL;
	query->groupDistinct = query->hasAggs = query->hasRowSecurity = false;
}

/*
 * Replaces a level that groups by several sets by a union over the levels of its sets, in place.
 * Returns the levels that are to be released, of SetLevel; the queries of these stand in CTEs of
 * the query.  Its join columns are flattened.  Raises ERRCODE_DP_QUERY_REFUSED for too many
 * sets.
 */
List *
split_sets(RewriteContext *context, Query *query)
{
	SetsContext sets = {.rewrite = context,.query = copyObject(query)};
	List	   *written;
	List	   *released;
	List	   *levels;
	List	   *ctes = NIL;
	List	   *branches = NIL;
	ListCell   *lc;

	add_keys(&sets);
	query->targetList = targets_above(&sets);
	query->havingQual = above_mutator(query->havingQual, &sets);
	list_sets(&sets, &written, &released);
	levels = set_levels(&sets, released);
	foreach(lc, levels)
		ctes = lappend(ctes, level_cte(lfirst(lc)));
	foreach(lc, written)
	{
		int			i = find_set(released, lfirst(lc));

		branches = lappend(branches, branch_query(&sets, lfirst(lc),
												  i == DP_NONE ? NULL : list_nth(ctes, i),
												  list_length(written) > 1 ? 2 : 1));
	}
	install_union(query, union_query(branches));
	query->cteList = list_concat(query->cteList, ctes);
	return levels;
}
