/*
 * levels.c
 *		Walks a statement level by level, from the inside out, and decides what
 *		each level is: public, private, or a release.
 *
 * Every path from a protected row to the client passes through a release: a
 * private level may only stand in FROM of another level, or in a tied
 * sub-select; anywhere else it would hand out rows and is refused.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "core/errors.h"
#include "core/limits.h"
#include "core/refusals.h"
#include "mechanism/noise.h"
#include "policy/cache.h"
#include "policy/enforced.h"
#include "policy/policy.h"
#include "query/below.h"
#include "query/ctes.h"
#include "query/keys.h"
#include "query/language.h"
#include "query/level.h"
#include "query/levels.h"
#include "query/provenance.h"
#include "query/questions.h"
#include "query/refuse.h"
#include "query/rewrite.h"

/* Replaces references to join columns by what they stand for, in place. */
void
flatten_level(Query *query)
{
	bool		has_joins = false;
	ListCell   *lc;

	foreach(lc, query->rtable)
		has_joins = has_joins || lfirst_node(RangeTblEntry, lc)->rtekind == RTE_JOIN;
	if (!has_joins)
		return;
	query->targetList = (List *) flatten_join_alias_vars(query, (Node *) query->targetList);
	query->havingQual = flatten_join_alias_vars(query, query->havingQual);
	query->jointree = (FromExpr *) flatten_join_alias_vars(query, (Node *) query->jointree);
	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst(lc);

		if (rte->rtekind == RTE_SUBQUERY && rte->lateral)
			rte->subquery = (Query *) flatten_join_alias_vars(query, (Node *) rte->subquery);
		else if (rte->rtekind == RTE_VALUES && rte->lateral)
			rte->values_lists = (List *) flatten_join_alias_vars(query,
																 (Node *) rte->values_lists);
	}
}

/* ----------
 * Common table expressions
 * ----------
 */

/*
 * A CTE that is a release in the end stays a CTE, materialized, so that it is
 * drawn once however often it is named.  One that holds private rows becomes a
 * sub-select wherever it is named.
 */
static void
process_ctes(RewriteContext *context, Level *level)
{
	Query	   *query = level->query;
	List	   *kept = NIL;
	List	   *ctes = query->cteList;
	ListCell   *lc;

	foreach(lc, ctes)
	{
		CommonTableExpr *cte = lfirst(lc);
		Query	   *probe;

		if (!mentions_private(context, (Query *) cte->ctequery))
		{
			kept = lappend(kept, cte);
			continue;
		}
		if (query->hasRecursive && cte->cterecursive)
			refuse(REFUSE_RECURSION, context->source, cte->location);
		probe = copyObject((Query *) cte->ctequery);
		if (process_query(context, probe, level) == NULL)
		{
			cte->ctequery = (Node *) probe;
			if (probe->commandType == CMD_SELECT)
				cte->ctematerialized = CTEMaterializeAlways;
			kept = lappend(kept, cte);
		}
		else
			inline_cte(query, cte);
	}
	query->cteList = kept;
}

/* ----------
 * Sub-selects above releases
 * ----------
 */

typedef struct SublinkContext
{
	RewriteContext *rewrite;
	Level	   *level;
} SublinkContext;

/* Refuses what would hand out rows of individuals. */
static void
refuse_rows(RewriteContext *context, Query *query, Individuals *individuals)
{
	if (query->hasAggs || query->groupClause != NIL || query->distinctClause != NIL)
		refuse_query(REFUSE_PER_INDIVIDUAL, context, query);
	refuse_raw(individuals->relation->relid);
}

static bool
public_sublink_walker(Node *node, SublinkContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, SubLink))
	{
		SubLink    *sublink = (SubLink *) node;
		Query	   *query = castNode(Query, sublink->subselect);
		Individuals *individuals = process_query(context->rewrite, query, context->level);

		if (individuals != NULL)
			refuse_rows(context->rewrite, query, individuals);
		return public_sublink_walker(sublink->testexpr, context);
	}
	return expression_tree_walker(node, public_sublink_walker, context);
}

/* Sub-selects in the expressions of a public level must be public themselves. */
static void
process_public_sublinks(RewriteContext *context, Level *level)
{
	SublinkContext sublinks = {.rewrite = context,.level = level};

	(void) query_tree_walker(level->query, public_sublink_walker, &sublinks,
							 QTW_IGNORE_RT_SUBQUERIES | QTW_IGNORE_CTE_SUBQUERIES);
}

/* ----------
 * FROM items
 * ----------
 */

static Oid
relation_owner(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

static Individuals *
individuals_of_relation(RewriteContext *context, RangeTblEntry *rte, int rtindex)
{
	const ProtectedRelation *rel = policy_lookup(rte->relid);
	Individuals *result = palloc0(sizeof(Individuals));
	Bitmapset  *columns = NULL;
	List	   *unit = NIL;
	Oid			reader;
	Oid			index;

	if (rel->nunit == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DP_QUERY_REFUSED),
				 errmsg("protected relation \"%s\" has lost its unit column",
						get_rel_name(rte->relid)),
				 errhint("Ask the administrator to call dp_agg.protect() again.")));
	if (rel->partition)
		refuse(REFUSE_PARTITION, context->source, -1);
	for (int i = 0; i < rel->nunit; i++)
	{
		Oid			type;
		int32		typmod;
		Oid			collation;

		get_atttypetypmodcoll(rte->relid, rel->unit[i], &type, &typmod, &collation);
		unit = lappend(unit, makeVar(rtindex, rel->unit[i], type, typmod, collation, 0));
		columns = bms_add_member(columns, rel->unit[i]);
	}
	result->relation = rel;
	result->relids = list_make1_oid(rte->relid);
	result->units = list_make1(unit);
	index = policy_unique_index(rte->relid, columns);
	result->unique = OidIsValid(index);
	if (result->unique)
		result->proofs = list_make1_oid(index);
	result->max_groups = rel->max_groups;
	result->max_rows = rel->max_rows;

	/*
	 * Lend the owner's right to read, for this relation and this plan only.  A
	 * definer view whose owner may read keeps that owner's.
	 */
	reader = OidIsValid(rte->checkAsUser) ? rte->checkAsUser : context->user;
	if (pg_class_aclcheck(rte->relid, reader, ACL_SELECT) != ACLCHECK_OK)
		rte->checkAsUser = relation_owner(rte->relid);
	return result;
}

static TargetEntry *
find_target(Query *query, Node *expr)
{
	ListCell   *lc;

	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst(lc);

		if (!tle->resjunk && equal(strip_relabel((Node *) tle->expr), strip_relabel(expr)))
			return tle;
	}
	return NULL;
}

/* Adds a column to a sub-select's result, before its junk columns. */
static TargetEntry *
add_target(Query *query, Node *expr)
{
	List	   *result = NIL;
	List	   *junk = NIL;
	TargetEntry *added;
	ListCell   *lc;

	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst(lc);

		if (tle->resjunk)
			junk = lappend(junk, tle);
		else
			result = lappend(result, tle);
	}
	added = makeTargetEntry(copyObject((Expr *) expr), list_length(result) + 1,
							pstrdup("dp_unit"), false);
	result = lappend(result, added);
	foreach(lc, junk)
	{
		TargetEntry *tle = lfirst(lc);

		tle->resno = list_length(result) + 1;
		result = lappend(result, tle);
	}
	query->targetList = result;
	return added;
}

/* Gives names to columns that were added to a range table entry's sub-select. */
static void
name_added_columns(RangeTblEntry *rte)
{
	int			ncolumns = ExecCleanTargetListLength(rte->subquery->targetList);

	while (list_length(rte->eref->colnames) < ncolumns)
		rte->eref->colnames = lappend(rte->eref->colnames,
									  makeString(pstrdup("dp_unit")));
}

/*
 * Turns a private sub-select's unit, in terms of its own level, into columns
 * of its range table entry, adding them where the sub-select leaves them out.
 */
static Individuals *
expose_units(RangeTblEntry *rte, int rtindex, Individuals *below)
{
	Individuals *result = palloc(sizeof(Individuals));
	ListCell   *lc;
	ListCell   *lu;

	*result = *below;
	result->units = NIL;
	foreach(lu, (List *) linitial(below->units))
	{
		/* the first alternative is the one that is never NULL: always there */
		if (find_target(rte->subquery, lfirst(lu)) == NULL)
			(void) add_target(rte->subquery, lfirst(lu));
	}
	foreach(lc, below->units)
	{
		List	   *unit = NIL;

		foreach(lu, (List *) lfirst(lc))
		{
			TargetEntry *tle = find_target(rte->subquery, lfirst(lu));

			if (tle != NULL)
				unit = lappend(unit, makeVarFromTargetEntry(rtindex, tle));
		}
		if (list_length(unit) == list_length((List *) lfirst(lc)))
			result->units = lappend(result->units, unit);
	}
	name_added_columns(rte);
	return result;
}

static void
process_from_item(RewriteContext *context, Level *level, int rtindex)
{
	RangeTblEntry *rte = rt_fetch(rtindex, level->query->rtable);

	if (is_private_relation(context, rte))
		level->inputs[rtindex] = individuals_of_relation(context, rte, rtindex);
	else if (rte->rtekind == RTE_SUBQUERY && mentions_private(context, rte->subquery))
	{
		Individuals *below = process_query(context, rte->subquery, level);

		if (below != NULL)
			level->inputs[rtindex] = expose_units(rte, rtindex, below);
	}
}

static void
process_from(RewriteContext *context, Level *level, Node *node)
{
	ListCell   *lc;

	if (node == NULL)
		return;
	if (IsA(node, RangeTblRef))
		process_from_item(context, level, ((RangeTblRef *) node)->rtindex);
	else if (IsA(node, FromExpr))
	{
		foreach(lc, ((FromExpr *) node)->fromlist)
			process_from(context, level, lfirst(lc));
	}
	else if (IsA(node, JoinExpr))
	{
		process_from(context, level, ((JoinExpr *) node)->larg);
		process_from(context, level, ((JoinExpr *) node)->rarg);
	}
}

static Individuals *
first_input(Level *level)
{
	for (int i = 1; i <= list_length(level->query->rtable); i++)
	{
		if (level->inputs[i] != NULL)
			return level->inputs[i];
	}
	return NULL;
}

/* ----------
 * Set operations
 * ----------
 */

/* Adds one column to every node of a UNION ALL tree; refuses other trees. */
static void
widen_set_operation(RewriteContext *context, Node *node, Var *column)
{
	SetOperationStmt *op;

	if (IsA(node, RangeTblRef))
		return;
	op = castNode(SetOperationStmt, node);
	if (op->op != SETOP_UNION || !op->all)
		refuse(REFUSE_SETOP_BELOW, context->source, -1);
	op->colTypes = lappend_oid(op->colTypes, column->vartype);
	op->colTypmods = lappend_int(op->colTypmods, column->vartypmod);
	op->colCollations = lappend_oid(op->colCollations, column->varcollid);
	widen_set_operation(context, op->larg, column);
	widen_set_operation(context, op->rarg, column);
}

/*
 * The columns of a UNION ALL that are the unit in every branch, one per unit
 * column, as the client wrote them; NIL if there are none.
 */
static List *
common_unit_columns(Query *query, List *below)
{
	Individuals *first = linitial(below);
	List	   *result = NIL;

	for (int i = 0; i < list_length((List *) linitial(first->units)); i++)
	{
		Var		   *column = NULL;
		ListCell   *lt;

		foreach(lt, query->targetList)
		{
			TargetEntry *tle = lfirst(lt);
			bool		everywhere = !tle->resjunk && IsA(tle->expr, Var);
			ListCell   *lc;
			ListCell   *lb;

			forboth(lc, query->rtable, lb, below)
			{
				RangeTblEntry *rte = lfirst(lc);
				Node	   *unit = list_nth(linitial(((Individuals *) lfirst(lb))->units), i);
				TargetEntry *branch = get_tle_by_resno(rte->subquery->targetList, tle->resno);

				everywhere = everywhere && branch != NULL && equal(branch->expr, unit);
			}
			if (everywhere && column == NULL)
				column = copyObject((Var *) tle->expr);
		}
		if (column == NULL)
			return NIL;
		result = lappend(result, column);
	}
	return result;
}

/* UNION ALL of private rows: one more private input.  NULL if it is public. */
static Individuals *
process_set_operation(RewriteContext *context, Level *level)
{
	Query	   *query = level->query;
	Individuals *result = NULL;
	List	   *below = NIL;
	List	   *unit = NIL;
	List	   *written;
	ListCell   *lc;
	ListCell   *lb;

	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst(lc);
		Individuals *input = NULL;

		if (rte->rtekind == RTE_SUBQUERY && mentions_private(context, rte->subquery))
			input = process_query(context, rte->subquery, level);
		below = lappend(below, input);
		if (input != NULL && result == NULL)
		{
			result = palloc(sizeof(Individuals));
			*result = *input;
			result->unique = false;
			result->units = NIL;
			result->max_groups = result->max_rows = 0;	/* those of the branches add up */
		}
	}
	if (result == NULL)
	{
		process_public_sublinks(context, level);
		return NULL;
	}

	if (query->limitCount != NULL || query->limitOffset != NULL)
		refuse(REFUSE_LIMIT_BELOW, context->source, limit_location(query));
	forboth(lc, query->rtable, lb, below)
	{
		RangeTblEntry *rte = lfirst(lc);
		Individuals *input = lfirst(lb);
		List	   *columns = NIL;
		ListCell   *lu;

		if (input == NULL)
			refuse_query(REFUSE_SETOP_BELOW, context, query);
		if (strcmp(NameStr(input->relation->population),
				   NameStr(result->relation->population)) != 0)
			refuse_query(REFUSE_POPULATIONS, context, query);
		result->relids = list_concat_unique_oid(result->relids, input->relids);
		result->may_be_null = result->may_be_null || input->may_be_null;
		result->max_groups = Min(result->max_groups + input->max_groups, DP_MAX_GROUPS);
		result->max_rows = Min(result->max_rows + input->max_rows, DP_MAX_ROWS);

		foreach(lu, (List *) linitial(input->units))
			columns = lappend(columns,
							  makeVarFromTargetEntry(1, add_target(rte->subquery, lfirst(lu))));
		name_added_columns(rte);
		if (unit == NIL)
			unit = columns;
		else if (!equal(unit, columns))
			refuse_query(REFUSE_SETOP_BELOW, context, query);
	}
	query->sortClause = NIL;
	written = common_unit_columns(query, below);
	foreach(lc, unit)
	{
		Var		   *column = lfirst(lc);
		TargetEntry *tle;

		widen_set_operation(context, query->setOperations, column);
		tle = add_target(query, (Node *) column);
		if (tle->resno != column->varattno)
			refuse_query(REFUSE_SETOP_BELOW, context, query);
	}
	result->units = list_make1(unit);
	if (written != NIL)
		result->units = lappend(result->units, written);
	return result;
}

/* ----------
 * Private levels
 * ----------
 */

static List *
clause_expressions(List *clauses, List *targets)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, clauses)
		result = lappend(result, strip_relabel((Node *) get_sortgroupclause_tle(lfirst(lc), targets)->expr));
	return result;
}

/* The alternatives of the unit that are completely among the expressions. */
static List *
units_among(List *units, List *expressions)
{
	List	   *result = NIL;
	ListCell   *lc;
	ListCell   *lu;

	foreach(lc, units)
	{
		bool		complete = true;

		foreach(lu, (List *) lfirst(lc))
			complete = complete && list_member(expressions, lfirst(lu));
		if (complete)
			result = lappend(result, lfirst(lc));
	}
	return result;
}

/* Keeps only rows that belong to somebody. */
void
require_unit(Level *level, Individuals *individuals)
{
	List	   *quals = NIL;
	ListCell   *lc;

	foreach(lc, (List *) linitial(individuals->units))
	{
		NullTest   *test;

		if (expression_not_null(level, lfirst(lc)))
			continue;
		test = makeNode(NullTest);
		test->arg = copyObject(lfirst(lc));
		test->nulltesttype = IS_NOT_NULL;
		test->argisrow = false;
		test->location = -1;
		quals = lappend(quals, test);
	}
	if (quals != NIL)
		level->query->jointree->quals = (Node *)
			make_and_qual(level->query->jointree->quals, (Node *) make_ands_explicit(quals));
}

/* A private level that is no release: projection, filter, or grouped by the unit. */
static void
finish_private_level(RewriteContext *context, Level *level, Individuals *individuals)
{
	Query	   *query = level->query;
	void	   *first = linitial(individuals->units);

	if (query->limitCount != NULL || query->limitOffset != NULL)
		refuse(REFUSE_LIMIT_BELOW, context->source, limit_location(query));
	if (query->hasWindowFuncs)
		refuse_query(REFUSE_WINDOW_BELOW, context, query);
	if (query->hasTargetSRFs)
		refuse_query(REFUSE_EXPRESSION, context, query);
	if (query->hasDistinctOn)
		refuse_query(REFUSE_DISTINCT_BELOW, context, query);

	if (query->groupClause != NIL || query->hasAggs)
	{
		List	   *keys = clause_expressions(query->groupClause, query->targetList);
		ListCell   *lu;

		individuals->units = units_among(individuals->units, keys);
		individuals->may_be_null = individuals->units == NIL ||
			linitial(individuals->units) != first;
		individuals->unique = false;
		individuals->proofs = NIL;
		foreach(lu, individuals->units)
		{
			/*
			 * One group per individual only if the keys are one alternative of
			 * the unit: another one may be NULL in some of its rows.
			 */
			if (list_difference(keys, lfirst(lu)) == NIL)
				individuals->unique = true;
		}
	}
	if (query->distinctClause != NIL)
	{
		individuals->units = units_among(individuals->units,
										 clause_expressions(query->distinctClause,
															query->targetList));
		individuals->may_be_null = individuals->may_be_null || individuals->units == NIL ||
			linitial(individuals->units) != first;
		if (individuals->units == NIL)
			refuse_query(REFUSE_DISTINCT_BELOW, context, query);
	}
	query->sortClause = NIL;
	guard_targets(context, level);
	query->havingQual = guard_expression(context, level, query->havingQual);
	canonical_groups(context, query, individuals);
}

/* Is the level grouped so that every group is one individual (or less)? */
static bool
grouped_by_unit(Query *query, Individuals *individuals)
{
	List	   *clauses = query->groupClause != NIL || query->hasAggs ?
	query->groupClause : query->distinctClause;

	return units_among(individuals->units,
					   clause_expressions(clauses, query->targetList)) != NIL;
}

static bool
aggregates(Query *query)
{
	return query->hasAggs || query->groupClause != NIL || query->havingQual != NULL ||
		(query->distinctClause != NIL && !query->hasDistinctOn && !query->hasWindowFuncs);
}

static Individuals *
process_private_level(RewriteContext *context, Level *level)
{
	Query	   *query = level->query;
	Individuals *individuals = palloc0(sizeof(Individuals));
	bool		release;

	if (query->commandType != CMD_SELECT)
		refuse_raw(first_input(level)->relation->relid);
	if (query->rowMarks != NIL || query->hasForUpdate)
		refuse_query(REFUSE_ROW_MARKS, context, query);
	if (query->groupingSets != NIL)
		refuse_query(REFUSE_GROUPING_SETS, context, query);

	level->below = true;
	flatten_level(query);
	tie_inputs(context, level, individuals);
	release = aggregates(query) && !grouped_by_unit(query, individuals);
	if (release)
	{
		build_release(context, level, individuals);
		level->inputs = NULL;
		level->below = false;
		process_public_sublinks(context, level);
		return NULL;
	}
	if (level_uses_dp(query))
		refuse_query(REFUSE_PER_INDIVIDUAL, context, query);
	if (level->parent == NULL)
		refuse_rows(context, query, individuals);	/* whatever else is wrong with it */
	guard_from(context, level);
	require_unit(level, individuals);
	finish_private_level(context, level, individuals);
	return individuals;
}

/*
 * Processes one query in place.  Returns NULL if its result is public (nothing
 * private below, or only through releases, which it now contains), else whose
 * rows it holds, in terms of its own level.  Raises ERRCODE_DP_QUERY_REFUSED
 * for what cannot be proved private.
 */
Individuals *
process_query(RewriteContext *context, Query *query, Level *parent)
{
	Level		level = {.query = query,.parent = parent};

	check_stack_depth();
	count_level(context);
	if (query->commandType == CMD_UTILITY || !mentions_private(context, query))
		return NULL;
	if (query->rowMarks != NIL)
		refuse_query(REFUSE_ROW_MARKS, context, query);

	process_ctes(context, &level);
	if (query->setOperations != NULL)
		return process_set_operation(context, &level);

	level.inputs = palloc0((list_length(query->rtable) + 1) * sizeof(Individuals *));
	process_from(context, &level, (Node *) query->jointree);
	if (first_input(&level) == NULL)
	{
		process_public_sublinks(context, &level);
		return NULL;
	}
	return process_private_level(context, &level);
}

/* ----------
 * Statements
 * ----------
 */

/*
 * A role that may read the tables: only levels that use dp_ aggregates are
 * releases, all else is as it was.
 */
static bool
trusted_walker(Node *node, RewriteContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		Query	   *query = (Query *) node;
		ListCell   *lc;

		/* a dp_ level may name a CTE of raw rows: give it a copy to work on */
		context->strict++;
		foreach(lc, query->cteList)
		{
			CommonTableExpr *cte = lfirst(lc);

			if (!cte->cterecursive && castNode(Query, cte->ctequery)->commandType == CMD_SELECT &&
				!statement_uses_dp((Query *) cte->ctequery) &&
				mentions_private(context, (Query *) cte->ctequery))
			{
				inline_cte(query, cte);
				query->cteList = foreach_delete_current(query->cteList, lc);
			}
		}
		if (level_uses_dp(query))
		{
			Individuals *individuals = process_query(context, query, NULL);

			if (individuals != NULL)
				refuse_rows(context, query, individuals);
			context->strict--;
			return false;
		}
		context->strict--;
		return query_tree_walker(query, trusted_walker, context, 0);
	}
	return expression_tree_walker(node, trusted_walker, context);
}

/*
 * Does the statement return no row, whatever the data?  Tools ask like this for
 * the columns of a relation: LIMIT 0, or WHERE with a false constant.
 */
static bool
returns_nothing(RewriteContext *context, Query *query)
{
	Node	   *limit = eval_const_expressions(context->root, query->limitCount);
	Node	   *quals;

	if (query->commandType != CMD_SELECT || query->hasModifyingCTE)
		return false;
	if (limit != NULL && IsA(limit, Const) && !((Const *) limit)->constisnull &&
		DatumGetInt64(((Const *) limit)->constvalue) == 0)
		return true;
	if (query->setOperations != NULL || query->havingQual != NULL ||
		(query->hasAggs && query->groupClause == NIL))
		return false;
	quals = eval_const_expressions(context->root, copyObject(query->jointree->quals));
	return quals != NULL && IsA(quals, Const) &&
		(((Const *) quals)->constisnull || !DatumGetBool(((Const *) quals)->constvalue));
}

/* Keeps the columns of a statement that returns nothing, and nothing else. */
static void
empty_statement(Query *query)
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
	query->jointree = makeFromExpr(NIL, makeBoolConst(false, false));
	query->groupClause = query->groupingSets = query->distinctClause = NIL;
	query->sortClause = query->windowClause = query->rowMarks = NIL;
	query->havingQual = query->limitCount = query->limitOffset = query->setOperations = NULL;
	query->hasAggs = query->hasWindowFuncs = query->hasTargetSRFs = query->hasSubLinks = false;
	query->hasDistinctOn = query->hasRecursive = query->hasForUpdate = false;
}

/* Processes a whole statement that touches protected relations, in place. */
void
process_statement(RewriteContext *context, Query *query)
{
	if (context->analyst)
	{
		Individuals *individuals;

		if (returns_nothing(context, query))
		{
			empty_statement(query);
			return;
		}
		if (statement_uses_dp(query))
			context->strict++;
		individuals = process_query(context, query, NULL);

		if (individuals != NULL)
			refuse_rows(context, query, individuals);
	}
	else
		(void) trusted_walker((Node *) query, context);
}
