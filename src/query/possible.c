/*
 * possible.c
 *		How many values can expressions have in the rows of one individual?
 *
 * An expression is a function of its leaves, and has at most as many values as these have
 * combinations.  A leaf is what has a limit of its own: a column of a row that is fixed for the
 * individual has one value; a boolean, an enum, a field of a date, what conditions hold between
 * constants have few.  A leaf without any has any number, and then the answer is PG_INT64_MAX.
 *
 * Values are counted as they are stored, since functions may tell equal ones apart, as 1.0 and
 * 1.00.  What conditions say of equality counts for others only where nothing looks at the value
 * any more, but the comparison that groups (see "shown").
 *
 * Expressions are guarded: each call is a function of its arguments, NULL where it fails.
 */
#include "postgres.h"

#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "common/int.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "policy/cache.h"
#include "policy/extension.h"
#include "query/calls.h"
#include "query/conditions.h"
#include "query/equalities.h"
#include "query/fixed.h"
#include "query/functions.h"
#include "query/leaves.h"
#include "query/level.h"
#include "query/nulls.h"
#include "query/periods.h"
#include "query/possible.h"
#include "spec/canonical.h"

/* What is known of a level that is asked about. */
typedef struct KnownLevel
{
	Level	   *level;
	FixedRows  *rows;
	List	   *conditions;
} KnownLevel;

/* An expression whose leaves were asked for: they may be again, by each that holds it. */
typedef struct FoundKey
{
	KnownLevel *known;
	Node	   *node;
	bool		shown;
} FoundKey;

typedef struct Found
{
	FoundKey	key;
	List	   *leaves;
} Found;

/* One question. */
typedef struct Search
{
	List	   *levels;			/* of KnownLevel */
	HTAB	   *found;			/* of Found */
	List	   *proofs;			/* unique indexes (OIDs) that the answer rests on */
} Search;

/* A walk through an expression of a level. */
typedef struct LeavesContext
{
	Search	   *search;
	KnownLevel *known;
	List	   *leaves;			/* those found so far */
} LeavesContext;

static List *find_leaves(Search *search, KnownLevel *known, Node *node, bool shown);

static int64
saturating_sum(int64 a, int64 b)
{
	int64		result;

	return pg_add_s64_overflow(a, b, &result) ? PG_INT64_MAX : result;
}

/* What is known of a level. */
static KnownLevel *
know_level(Search *search, Level *level)
{
	KnownLevel *known;
	ListCell   *lc;

	foreach(lc, search->levels)
	{
		if (((KnownLevel *) lfirst(lc))->level == level)
			return lfirst(lc);
	}
	known = palloc(sizeof(KnownLevel));
	known->level = level;
	known->rows = find_fixed_rows(level);
	known->conditions = sure_conditions(level);
	search->levels = lappend(search->levels, known);
	return known;
}

/* ----------
 * Numbers of values that follow from what an expression is
 * ----------
 */

/* How many values a type has; PG_INT64_MAX if they are many. */
static int64
type_values(Oid type)
{
	CatCList   *labels;
	int64		result;

	type = getBaseType(type);
	if (type == BOOLOID)
		return 2;
	if (!type_is_enum(type))
		return PG_INT64_MAX;
	policy_labels_counted();
	labels = SearchSysCacheList1(ENUMTYPOIDNAME, ObjectIdGetDatum(type));
	result = labels->n_members;
	ReleaseCatCacheList(labels);
	return Max(result, 1);
}

/* Is it a column of a private sub-select that can be looked into? */
static bool
is_known_select(Level *level, Var *var)
{
	return select_is_known(rt_fetch(var->varno, level->query->rtable), level->inputs[var->varno]);
}

/*
 * Between which constant ends do conditions hold an expression, of its level or of those below
 * that hand it out?
 */
static bool
range_below(Search *search, KnownLevel *known, Node *expr, ValueRange *range)
{
	Var		   *var = (Var *) strip_relabel(expr);
	TargetEntry *tle;
	Level	   *below;

	if (expression_range(known->conditions, expr, range))
		return true;
	if (!IsA(var, Var) || var->varlevelsup != 0 || var->varattno <= 0 ||
		bms_is_member(var->varno, known->level->nullable) || !is_known_select(known->level, var))
		return false;
	below = known->level->inputs[var->varno]->level;
	tle = get_tle_by_resno(below->query->targetList, var->varattno);
	return tle != NULL && range_below(search, know_level(search, below), (Node *) tle->expr, range);
}

/*
 * How many periods of the name a date or timestamp is in, as conditions leave it.  A date that is
 * made a timestamp is in the same, and AT TIME ZONE only says which zone it is.
 */
static int64
periods_between(Search *search, KnownLevel *known, const char *name, Node *moment)
{
	ValueRange	range;
	List	   *args = NIL;
	Oid			cast = called_function(strip_relabel(moment), &args);
	Oid			type;

	if (cast == F_TIMESTAMP_DATE || cast == F_TIMESTAMPTZ_DATE)
		moment = linitial(args);
	else if (cast == F_TIMEZONE_TEXT_TIMESTAMPTZ)
		moment = lsecond(args);
	if (!range_below(search, known, moment, &range))
		return PG_INT64_MAX;
	type = getBaseType(exprType(strip_relabel(moment)));
	if (type != DATEOID)
		return period_values(name, type, &range);
	if (pg_mul_s64_overflow(range.lower, USECS_PER_DAY, &range.lower) ||
		pg_mul_s64_overflow(range.upper, USECS_PER_DAY, &range.upper))
		return PG_INT64_MAX;
	return period_values(name, cast == F_TIMESTAMPTZ_DATE ? TIMESTAMPTZOID : TIMESTAMPOID, &range);
}

/* How many values a call has because of its function and of conditions; NULL is one. */
static int64
call_values(Search *search, KnownLevel *known, Node *node)
{
	List	   *args = NIL;
	Oid			funcid = called_function(node, &args);
	char	   *period = cut_period(funcid, args);

	if (period != NULL)
		return periods_between(search, known, period, lsecond(args));
	return function_values(funcid, args);
}

/* The sum over expressions, of which a value is one of. */
static int64
values_of_either(Search *search, KnownLevel *known, List *exprs, bool shown)
{
	List	   *different = NIL;
	int64		result = 0;
	ListCell   *lc;

	foreach(lc, exprs)
		different = list_append_unique(different, lfirst(lc));
	foreach(lc, different)
		result = saturating_sum(result, combinations(find_leaves(search, known, lfirst(lc), shown)));
	return result;
}

/* How many values an expression has that chooses one of several; PG_INT64_MAX for others. */
static int64
choice_values(Search *search, KnownLevel *known, Node *node, bool shown)
{
	List	   *results = NIL;
	ListCell   *lc;

	switch (nodeTag(node))
	{
		case T_CaseExpr:
			foreach(lc, ((CaseExpr *) node)->args)
				results = lappend(results, lfirst_node(CaseWhen, lc)->result);
			results = lappend(results, ((CaseExpr *) node)->defresult);
			return values_of_either(search, known, results, shown);
		case T_CoalesceExpr:
			return values_of_either(search, known, ((CoalesceExpr *) node)->args, shown);
		case T_MinMaxExpr:
			return values_of_either(search, known, ((MinMaxExpr *) node)->args, shown);
		case T_NullIfExpr:
			return saturating_sum(values_of_either(search, known,
												   list_make1(linitial(((NullIfExpr *) node)->args)),
												   shown), 1);
		default:
			return PG_INT64_MAX;
	}
}

/* How many values conditions leave to an expression; none of them is NULL. */
static int64
conditioned_values(KnownLevel *known, Node *node, bool shown)
{
	Oid			type = getBaseType(exprType(node));
	int64		result = PG_INT64_MAX;
	ValueRange	range;

	/* of other types, equal values may differ */
	if (shown || canonical_is_plain(type))
	{
		if (equal_expression(known->conditions, node) != NULL)
			return 1;
		result = listed_values(known->conditions, node);
	}
	if ((type == INT2OID || type == INT4OID || type == INT8OID || type == DATEOID) &&
		expression_range(known->conditions, node, &range))
	{
		int64		width;

		if (range.lower > range.upper)
			return 1;
		if (!pg_sub_s64_overflow(range.upper, range.lower, &width))
			result = Min(result, saturating_sum(width, 1));
	}
	return result;
}

/* How many values an expression has, by what it is alone; NULL is one of them. */
static int64
own_values(Search *search, KnownLevel *known, Node *node, bool shown)
{
	int64		result = type_values(exprType(node));

	if (result != PG_INT64_MAX && !expression_not_null(known->level, node))
		result++;
	result = Min(result, call_values(search, known, node));
	result = Min(result, choice_values(search, known, node, shown));
	return Min(result, conditioned_values(known, node, shown));
}

/* ----------
 * What expressions are made of
 * ----------
 */

/* The leaves of a column of a sub-select. */
static List *
select_leaves(Search *search, KnownLevel *known, Var *var, bool shown)
{
	Level	   *below = known->level->inputs[var->varno]->level;
	TargetEntry *tle = get_tle_by_resno(below->query->targetList, var->varattno);
	List	   *leaves;

	if (tle == NULL)
		return unknown_leaf(known->level, (Node *) var);
	leaves = find_leaves(search, know_level(search, below), (Node *) tle->expr, shown);
	if (bms_is_member(var->varno, known->level->nullable))
		leaves = unite_leaves(list_make1(switch_leaf(known->level, var->varno)), leaves);
	return leaves;
}

/* The leaves of a column. */
static List *
column_leaves(Search *search, KnownLevel *known, Var *var, bool shown)
{
	Level	   *level = known->level;
	List	   *leaves = NIL;
	int			i = -1;

	if (var->varlevelsup != 0 || var->varattno <= 0)
		return unknown_leaf(known->level, (Node *) var);
	if (!bms_is_member(var->varno, known->rows->fixed))
		return is_known_select(level, var) ? select_leaves(search, known, var, shown) :
			unknown_leaf(known->level, (Node *) var);
	search->proofs = list_concat_unique_oid(search->proofs, known->rows->proofs[var->varno]);
	while ((i = bms_next_member(known->rows->switches[var->varno], i)) >= 0)
		leaves = lappend(leaves, switch_leaf(known->level, i));
	return leaves;
}

/* Might the function give something else for the same arguments? */
static bool
function_is_erratic(Oid funcid, void *context)
{
	return get_func_retset(funcid) ||
		(func_volatile(funcid) == PROVOLATILE_VOLATILE && extension_function(funcid) == DP_FUNC_NONE);
}

/* Adds the leaves of the arguments of a node. */
static bool
leaves_walker(Node *node, LeavesContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, List))
		return expression_tree_walker(node, leaves_walker, (void *) context);
	context->leaves = unite_leaves(context->leaves,
								   find_leaves(context->search, context->known, node, false));
	return false;
}

/* The leaves of what an expression is a function of. */
static List *
argument_leaves(Search *search, KnownLevel *known, Node *node, bool shown)
{
	LeavesContext context = {.search = search,.known = known};

	switch (nodeTag(node))
	{
		case T_Const:
		case T_SQLValueFunction:
		case T_CaseTestExpr:
			return NIL;
		case T_Param:
			if (((Param *) node)->paramkind != PARAM_EXTERN)
				break;
			return NIL;
		case T_Var:
			return column_leaves(search, known, (Var *) node, shown);
		case T_FuncExpr:
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
		case T_ScalarArrayOpExpr:
		case T_RowCompareExpr:
		case T_BoolExpr:
		case T_RelabelType:
		case T_CollateExpr:
		case T_CoerceViaIO:
		case T_ArrayCoerceExpr:
		case T_CaseExpr:
		case T_CoalesceExpr:
		case T_MinMaxExpr:
		case T_NullTest:
		case T_BooleanTest:
		case T_ArrayExpr:
		case T_SubscriptingRef:
			if (check_functions_in_node(node, function_is_erratic, NULL))
				break;
			(void) expression_tree_walker(node, leaves_walker, (void *) &context);
			return context.leaves;
		default:
			break;
	}
	return unknown_leaf(known->level, node);
}

/* The leaves that an expression is a function of, those with the fewest combinations. */
static List *
fewest_leaves(Search *search, KnownLevel *known, Node *node, bool shown)
{
	List	   *leaves;
	int64		values;

	/* equal values are the same after it */
	if (IsA(node, FuncExpr) &&
		extension_function(((FuncExpr *) node)->funcid) == DP_FUNC_CANONICAL)
		return find_leaves(search, known, linitial(((FuncExpr *) node)->args), true);
	leaves = argument_leaves(search, known, node, shown);
	if (combinations(leaves) <= 1)
		return leaves;
	values = own_values(search, known, node, shown);
	return values < combinations(leaves) ? list_make1(make_leaf(known->level, node, shown, values)) :
		leaves;
}

/*
 * The leaves that an expression of a level is a function of, those with the fewest combinations
 * that are found.  shown: nothing but the equality of its type looks at it.  The list is not the
 * caller's to change.
 */
static List *
find_leaves(Search *search, KnownLevel *known, Node *node, bool shown)
{
	FoundKey	key;
	Found	   *found;
	List	   *leaves;
	bool		is_there;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	if (node == NULL)
		return NIL;
	node = strip_relabel(node);
	memset(&key, 0, sizeof(key));
	key.known = known;
	key.node = node;
	key.shown = shown;
	found = hash_search(search->found, &key, HASH_FIND, NULL);
	if (found != NULL)
		return found->leaves;
	leaves = fewest_leaves(search, known, node, shown);
	found = hash_search(search->found, &key, HASH_ENTER, &is_there);
	found->leaves = leaves;
	return leaves;
}

/*
 * The most combinations of values that guarded expressions of a private level can have in the rows
 * of one individual that count, whatever the data; NULL counts as a value, and values that are
 * equal as one.  PG_INT64_MAX if that is not known.  Adds the unique indexes (OIDs) that it rests
 * on to *proofs.
 */
int64
possible_values(Level *level, List *exprs, List **proofs)
{
	HASHCTL		control = {.keysize = sizeof(FoundKey),.entrysize = sizeof(Found),
		.hcxt = CurrentMemoryContext};
	Search		search = {0};
	KnownLevel *known = know_level(&search, level);
	List	   *leaves = NIL;
	int64		result;
	ListCell   *lc;

	search.found = hash_create("leaves of keys", 64, &control,
							   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	foreach(lc, exprs)
		leaves = unite_leaves(leaves, find_leaves(&search, known, lfirst(lc), true));
	hash_destroy(search.found);
	result = combinations(leaves);
	if (result != PG_INT64_MAX)
		*proofs = list_concat_unique_oid(*proofs, search.proofs);
	return result;
}
