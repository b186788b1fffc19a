/*
 * fixed.c
 *		Which rows of a level's FROM are fixed for each individual?
 *
 * The row of a protected input is, where the unit is unique in it, or where a unique index has
 * columns of the unit and others that are fixed: by an equality with a constant, or with columns
 * of an input whose row is fixed.  So is the row of a public table that a unique index finds by
 * such columns.  The weak side of an outer join is the row or NULLs: a switch, unless its ON clause
 * says the same in all rows of an individual.
 *
 * If further expressions are given, the question is the same for the rows in which these have one
 * value each.
 */
#include "postgres.h"

#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"

#include "policy/enforced.h"
#include "query/equalities.h"
#include "query/fixed.h"
#include "query/level.h"
#include "query/nulls.h"
#include "query/unique.h"
#include "query/walk.h"

static bool fix_all_rows(Level *level, List *given, List *sure, List **proofs);

/* Is it known what the private sub-select, an item of FROM, reads? */
bool
select_is_known(RangeTblEntry *rte, const Individuals *input)
{
	/* one that is LATERAL may have other rows beside each row of the others */
	return rte->rtekind == RTE_SUBQUERY && !rte->lateral && input != NULL &&
		input->level != NULL && input->level->query == rte->subquery;
}

/* The columns of an input among expressions. */
static Bitmapset *
columns_among(int rtindex, List *exprs)
{
	Bitmapset  *result = NULL;
	ListCell   *lc;

	foreach(lc, exprs)
	{
		Var		   *var = (Var *) strip_relabel(lfirst(lc));

		if (IsA(var, Var) && var->varno == rtindex && var->varlevelsup == 0 && var->varattno > 0)
			result = bms_add_member(result, var->varattno);
	}
	return result;
}

/* Those of the given expressions that are NULL in no row. */
static List *
never_null(Level *level, List *given)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, given)
	{
		if (expression_not_null(level, strip_relabel(lfirst(lc))))
			result = lappend(result, lfirst(lc));
	}
	return result;
}

/* What a query hands out in columns of its result. */
static List *
column_expressions(Query *query, const Bitmapset *columns)
{
	List	   *result = NIL;
	int			i = -1;

	while ((i = bms_next_member(columns, i)) >= 0)
	{
		TargetEntry *tle = get_tle_by_resno(query->targetList, i);

		if (tle != NULL)
			result = lappend(result, tle->expr);
	}
	return result;
}

/*
 * Does a sub-select have one row per individual, once these columns of its result are fixed?
 * not_null: those of them that are NULL in no row that counts above.
 */
static bool
select_is_fixed(Level *level, const Bitmapset *columns, const Bitmapset *not_null, List **proofs)
{
	Query	   *query = level->query;
	List	   *given = column_expressions(query, columns);

	if (query->groupClause != NIL || query->hasAggs)
		return query->groupClause != NIL &&
			list_difference(get_sortgrouplist_exprs(query->groupClause, query->targetList),
							given) == NIL;
	return fix_all_rows(level, given, column_expressions(query, not_null), proofs);
}

/* The outer join whose weak side is the input alone, if all rows of the level pass through it. */
static JoinExpr *
outer_join_of(Node *node, int rtindex)
{
	JoinExpr   *join = (JoinExpr *) node;
	JoinExpr   *result = NULL;
	Node	   *strong;
	Node	   *weak;
	ListCell   *lc;

	if (IsA(node, FromExpr))
	{
		foreach(lc, ((FromExpr *) node)->fromlist)
			result = result != NULL ? result : outer_join_of(lfirst(lc), rtindex);
		return result;
	}
	if (!IsA(node, JoinExpr) || join->jointype == JOIN_FULL)
		return NULL;
	if (join->jointype == JOIN_INNER)
	{
		result = outer_join_of(join->larg, rtindex);
		return result != NULL ? result : outer_join_of(join->rarg, rtindex);
	}
	strong = join->jointype == JOIN_LEFT ? join->larg : join->rarg;
	weak = join->jointype == JOIN_LEFT ? join->rarg : join->larg;
	if (IsA(weak, RangeTblRef) && ((RangeTblRef *) weak)->rtindex == rtindex)
		return join;
	return outer_join_of(strong, rtindex);
}

/* Is the column one of those that tell whose a row of its input is? */
static bool
is_unit(Level *level, Var *var)
{
	Individuals *input = level->inputs[var->varno];

	return input != NULL && list_member(linitial(input->units), var);
}

/*
 * Is whether the weak side of an outer join matches, for each individual, a function of switches?
 * Its row is fixed, so it is if all other rows that the ON clause looks at are.  Adds their
 * switches to *switches.
 */
static bool
matches_steadily(Level *level, const FixedRows *rows, int rtindex, Bitmapset **switches)
{
	JoinExpr   *join = outer_join_of((Node *) level->query->jointree, rtindex);
	ListCell   *lc;

	if (join == NULL || checkExprHasSubLink(join->quals) ||
		contain_volatile_functions(join->quals) || names_outer_columns(join->quals))
		return false;
	foreach(lc, pull_vars_of_level(join->quals, 0))
	{
		Var		   *var = lfirst(lc);

		if (var->varno == rtindex ||
			(is_unit(level, var) && !bms_is_member(var->varno, level->nullable)))
			continue;
		if (!bms_is_member(var->varno, rows->fixed))
			return false;
		*switches = bms_add_members(*switches, rows->switches[var->varno]);
	}
	return true;
}

/* Notes that the row of an input is fixed by columns of those in "used". */
static void
fix_row(Level *level, FixedRows *rows, int rtindex, const Bitmapset *used, List *proofs)
{
	Bitmapset  *switches = NULL;
	int			i = -1;

	while ((i = bms_next_member(used, i)) >= 0)
	{
		switches = bms_add_members(switches, rows->switches[i]);
		proofs = list_concat_unique_oid(proofs, rows->proofs[i]);
	}
	if (bms_is_member(rtindex, level->nullable) &&
		!matches_steadily(level, rows, rtindex, &switches))
		switches = bms_add_member(switches, rtindex);
	rows->switches[rtindex] = switches;
	rows->proofs[rtindex] = proofs;
	rows->fixed = bms_add_member(rows->fixed, rtindex);
}

/*
 * Fixes the row of an input, if it can be shown by what is fixed already; else false.  given, sure:
 * as for fix_rows().
 */
static bool
try_row(Level *level, FixedRows *rows, int rtindex, List *equalities, List *given, List *sure)
{
	RangeTblEntry *rte = rt_fetch(rtindex, level->query->rtable);
	Individuals *input = level->inputs[rtindex];
	Bitmapset  *used = NULL;
	Bitmapset  *not_null;
	List	   *proofs = NIL;

	if (rte->lateral)
		return false;
	if (input != NULL && input->unique)
	{
		fix_row(level, rows, rtindex, NULL, list_copy(input->proofs));
		return true;
	}
	not_null = bms_add_members(equated_columns(rtindex, equalities, rows->fixed, &used),
							   columns_among(rtindex, sure));
	if (input != NULL)
		not_null = bms_add_members(not_null, columns_among(rtindex, linitial(input->units)));
	if (rte->rtekind == RTE_RELATION)
	{
		Oid			index = policy_unique_index(rte->relid, not_null);

		if (!OidIsValid(index))
			return false;
		proofs = list_make1_oid(index);
	}
	else if (!select_is_known(rte, input) ||
			 !select_is_fixed(input->level, bms_union(not_null, columns_among(rtindex, given)),
							  not_null, &proofs))
		return false;
	fix_row(level, rows, rtindex, used, proofs);
	return true;
}

/*
 * The inputs whose rows are fixed for each individual where each of the given expressions has one
 * value.  sure: those of them that are NULL in no such row.
 */
static FixedRows *
fix_rows(Level *level, List *given, List *sure)
{
	FixedRows  *rows = palloc0(sizeof(FixedRows));
	List	   *equalities = level_equalities(level);
	int			size = list_length(level->query->rtable) + 1;
	bool		progress = true;

	rows->switches = palloc0(size * sizeof(Bitmapset *));
	rows->proofs = palloc0(size * sizeof(List *));
	jointree_members((Node *) level->query->jointree, &rows->members);
	while (progress)
	{
		int			i = -1;

		progress = false;
		while ((i = bms_next_member(rows->members, i)) >= 0)
		{
			if (!bms_is_member(i, rows->fixed))
				progress = try_row(level, rows, i, equalities, given, sure) || progress;
		}
	}
	return rows;
}

/* Has each individual one row at most?  Arguments as for fix_rows(). */
static bool
fix_all_rows(Level *level, List *given, List *sure, List **proofs)
{
	FixedRows  *rows;
	int			i = -1;

	sure = list_concat(never_null(level, given), sure);
	rows = fix_rows(level, given, sure);
	if (!bms_equal(rows->fixed, rows->members))
		return false;
	while ((i = bms_next_member(rows->members, i)) >= 0)
		*proofs = list_concat_unique_oid(*proofs, rows->proofs[i]);
	return true;
}

/* The inputs of a private level whose rows are fixed for each individual, in rows that count. */
FixedRows *
find_fixed_rows(Level *level)
{
	return fix_rows(level, NIL, NIL);
}

/*
 * Has each individual one row at most, of those that count and in which each of the given
 * expressions has one value, or is NULL?  Adds the unique indexes (OIDs) that show it to *proofs.
 */
bool
rows_are_fixed(Level *level, List *given, List **proofs)
{
	return fix_all_rows(level, given, NIL, proofs);
}
