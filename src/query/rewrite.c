/*
 * rewrite.c
 *		Turns a private level that aggregates into a release.
 *
 * The level Q becomes
 *
 *		WITH "dp_agg release n ..." AS MATERIALIZED (R) SELECT Q' FROM "dp_agg release n ..."
 *
 * where R computes keys and exact sums and is capped by the sealed node
 * (nodes/release/path.c), and Q' is all that Q did with aggregates and keys: HAVING
 * (now WHERE), ORDER BY, LIMIT, windows, arithmetic, any function.  R is, when
 * the unit is unique in the input,
 *
 *		SELECT keys, collect(spec, params, x...), sketch(spec, params, i, x)..., output(...)...
 *		FROM ... GROUP BY keys
 *
 * and otherwise, where the bounding node finds at most k groups and r rows of each
 * individual (nodes/bound/path.c),
 *
 *		SELECT keys, bound(spec, params, unit, x...), bound_sketch(spec, params, i, x)...,
 *		output(...)...
 *		FROM ... GROUP BY keys
 *
 * or, where it cannot, the two-level form that bounds each individual by SQL alone:
 *
 *		SELECT keys, collect_bounded(spec, params, individual), sketch_bounded(...)..., output(...)...
 *		FROM (SELECT *, row_number() OVER (PARTITION BY unit
 *										   ORDER BY bounding_hash(unit, keys)) AS rank
 *			  FROM (SELECT keys, unit, individual(spec, params, x...) AS individual, sketch_rows(...)...
 *					FROM ... GROUP BY keys, unit))
 *		WHERE rank <= k GROUP BY keys
 *
 * The output(...) columns are placeholders that the sealed node fills.
 */
#include "postgres.h"

#include "catalog/pg_aggregate.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "core/refusals.h"
#include "core/settings.h"
#include "policy/allowed.h"
#include "policy/extension.h"
#include "query/below.h"
#include "query/builder.h"
#include "query/checks.h"
#include "query/coordinates.h"
#include "query/ctes.h"
#include "query/domains.h"
#include "query/keys.h"
#include "query/language.h"
#include "query/level.h"
#include "query/levels.h"
#include "query/needs.h"
#include "query/outputs.h"
#include "query/params.h"
#include "query/planning.h"
#include "query/provenance.h"
#include "query/publics.h"
#include "query/refuse.h"
#include "query/rewrite.h"
#include "query/wide.h"
#include "spec/spec.h"
#include "spec/value_key.h"

#define INT8_LE_OPERATOR 414	/* int8 <= int8, see pg_operator.dat */

/* ----------
 * Settings of the release
 * ----------
 */

/* A parameter that keeps the setting where it is NULL. */
static Node *
or_default(Node *parameter, Node *setting)
{
	CoalesceExpr *result = makeNode(CoalesceExpr);

	result->coalescetype = FLOAT8OID;
	result->args = list_make2(parameter, setting);
	result->location = -1;
	return (Node *) result;
}

/* Reads dp_with(epsilon, delta, max_groups, max_rows) into the parameters. */
static void
apply_with(RewriteContext *context, FuncExpr *with, List *params)
{
	int			i = 0;
	ListCell   *lc;

	foreach(lc, with->args)
	{
		Node	   *argument = lfirst(lc);

		if (IsA(argument, NamedArgExpr))
			argument = (Node *) ((NamedArgExpr *) argument)->arg;
		if (release_parameter(context, argument) == NULL)
			refuse(REFUSE_WITH_ARGUMENTS, context->source, with->location);
	}

	/* puts named arguments in order and adds defaults; the call itself is volatile */
	with = castNode(FuncExpr, eval_const_expressions(context->root, (Node *) with));
	foreach(lc, with->args)
	{
		Node	   *argument = lfirst(lc);

		if (!(IsA(argument, Const) && ((Const *) argument)->constisnull))
		{
			if (exprType(argument) != FLOAT8OID)
				argument = eval_const_expressions(context->root,
												  (Node *) makeFuncExpr(F_FLOAT8_INT4, FLOAT8OID,
																		list_make1(argument),
																		InvalidOid, InvalidOid,
																		COERCE_EXPLICIT_CAST));
			if (!IsA(argument, Const))
				argument = or_default(argument, list_nth(params, i));
			lfirst(list_nth_cell(params, i)) = argument;
		}
		i++;
	}
}

/* Takes dp_with() out of the AND-ed conditions of WHERE. */
static void
extract_with(RewriteContext *context, Query *query, List *params)
{
	List	   *quals = make_ands_implicit((Expr *) query->jointree->quals);
	List	   *rest = NIL;
	List	   *flat = NIL;
	ListCell   *lc;

	foreach(lc, quals)
	{
		Node	   *qual = lfirst(lc);

		/* the parser nests ANDs that were written with parentheses */
		if (is_andclause(qual))
			flat = list_concat(flat, ((BoolExpr *) qual)->args);
		else
			flat = lappend(flat, qual);
	}
	foreach(lc, flat)
	{
		Node	   *qual = lfirst(lc);

		if (IsA(qual, FuncExpr) &&
			extension_function(((FuncExpr *) qual)->funcid) == DP_FUNC_WITH)
			apply_with(context, (FuncExpr *) qual, params);
		else
			rest = lappend(rest, qual);
	}
	query->jointree->quals = rest == NIL ? NULL : (Node *) make_ands_explicit(rest);
}

/* Parameters every release has, from the settings and the relation's limits. */
static List *
initial_params(Individuals *individuals)
{
	return list_make4(float8_const(dp_setting_epsilon), float8_const(dp_setting_delta),
					  float8_const(dp_setting_max_groups > 0 ? dp_setting_max_groups :
								   individuals->max_groups),
					  float8_const(dp_setting_max_rows > 0 ? dp_setting_max_rows :
								   individuals->max_rows));
}

/* A value that is in range, for a parameter that is not known yet. */
static double
stand_in(ReleaseBuilder *builder, int i)
{
	static const double settings[] = {1.0, 1e-8, 1.0, 1.0};

	switch ((SpecParamKind) builder->spec.param_kinds[i])
	{
		case SPEC_PARAM_SETTING:
			return settings[i];
		case SPEC_PARAM_LOWER_WRITTEN:
		case SPEC_PARAM_LOWER_DERIVED:
			return 0;
		case SPEC_PARAM_UPPER:
		case SPEC_PARAM_NUMBER:
			return 1;
		default:
			return 0.5;
	}
}

static bool
is_known(ReleaseBuilder *builder, int i)
{
	Const	   *param = list_nth(builder->params, i);

	return IsA(param, Const) && !param->constisnull;
}

/* Refuses constants out of range now; parameters are judged at execution. */
static void
check_constant_params(ReleaseBuilder *builder)
{
	double		values[DP_MAX_PARAMS];
	ReleaseParams params;

	for (int i = 0; i < builder->spec.nparams; i++)
	{
		int			kind = builder->spec.param_kinds[i];
		bool		known = is_known(builder, i);

		/* a pair of bounds with one that is unknown cannot be compared yet */
		if (kind == SPEC_PARAM_LOWER_WRITTEN || kind == SPEC_PARAM_LOWER_DERIVED)
			known = known && is_known(builder, i + 1);
		if (kind == SPEC_PARAM_UPPER)
			known = known && is_known(builder, i - 1);
		values[i] = known ?
			DatumGetFloat8(((Const *) list_nth(builder->params, i))->constvalue) :
			stand_in(builder, i);
	}
	spec_read_params(&builder->spec, values, &params);
	if (is_known(builder, DP_PARAM_EPSILON))
		spec_check_price(&builder->spec, &params);
}

/* ----------
 * What stays above the release
 * ----------
 */

typedef struct OuterContext
{
	ReleaseBuilder *builder;
	Index		levelsup;
} OuterContext;

static void
check_key(ReleaseBuilder *builder, Node *expr, SortGroupClause *clause)
{
	if (IsA(expr, Var) && ((Var *) expr)->varattno <= 0)
		refuse(REFUSE_SYSTEM_COLUMN, builder->context->source, exprLocation(expr));
	if (!type_is_allowed(exprType(expr)) || !OidIsValid(clause->sortop) ||
		!clause->hashable || clause->eqop >= FirstNormalObjectId)
		refuse(REFUSE_TYPE, builder->context->source, exprLocation(expr));
}

static int
add_key(ReleaseBuilder *builder, Node *expr, SortGroupClause *clause)
{
	check_key(builder, expr, clause);
	builder->keys = lappend(builder->keys, expr);
	builder->key_clauses = lappend(builder->key_clauses, clause);
	return list_length(builder->keys);
}

/* A column of the release, as seen from Q' or from sub-selects of it. */
static Node *
release_column(int attno, Node *expr, Index levelsup)
{
	return (Node *) makeVar(1, attno, exprType(expr), exprTypmod(expr),
							exprCollation(expr), levelsup);
}

static Node *outer_mutator(Node *node, OuterContext *context);

/* Is this dp_low() or dp_high()? */
static SpecEnd
interval_end_of(FuncExpr *func)
{
	switch (extension_function(func->funcid))
	{
		case DP_FUNC_LOW:
			return SPEC_END_LOW;
		case DP_FUNC_HIGH:
			return SPEC_END_HIGH;
		default:
			return SPEC_END_NONE;
	}
}

/* An aggregate of an enclosing query's level, as it stands in that level. */
static Aggref *
own_aggregate(Aggref *aggref, OuterContext *context)
{
	aggref = copyObject(aggref);
	if (context->levelsup > 0)
		IncrementVarSublevelsUp((Node *) aggref, -(int) context->levelsup,
								context->levelsup);
	return aggref;
}

/*
 * An end of an interval becomes an output of its own.  dp_low(count(*)) must
 * have an aggregate of this level in it; sub-selects answer for their own.
 */
static Node *
mutate_interval(FuncExpr *func, OuterContext *context)
{
	ReleaseBuilder *builder = context->builder;
	Node	   *value = linitial(func->args);
	Node	   *level = float8_const(0.95);
	Aggref	   *aggref;

	if (list_length(func->args) > 1)
		level = lsecond(func->args);
	if (IsA(level, NamedArgExpr))
		level = (Node *) ((NamedArgExpr *) level)->arg;
	aggref = (Aggref *) strip_relabel(value);
	if (context->levelsup > 0 &&
		(!IsA(aggref, Aggref) || aggref->agglevelsup != context->levelsup))
		return expression_tree_mutator((Node *) func, outer_mutator, (void *) context);
	if (!IsA(aggref, Aggref) || aggref->agglevelsup != context->levelsup)
		refuse(REFUSE_INTERVAL, builder->context->source, func->location);
	return release_column(-(add_output(builder, own_aggregate(aggref, context),
									   interval_end_of(func), level) + 1),
						  (Node *) func, context->levelsup);
}

/*
 * Replaces aggregates and group keys by columns of the release.  Output
 * columns are numbered after the keys and the state; since more keys may turn
 * up on the way, they get attribute number -(position + 1) first, which
 * number_outputs() mends.
 */
static Node *
outer_mutator(Node *node, OuterContext *context)
{
	ReleaseBuilder *builder = context->builder;
	ListCell   *lc;
	int			i = 0;

	if (node == NULL)
		return NULL;
	check_stack_depth();
	if (IsA(node, Query))
	{
		Query	   *result;

		context->levelsup++;
		result = query_tree_mutator((Query *) node, outer_mutator, context, 0);
		context->levelsup--;
		return (Node *) result;
	}
	foreach(lc, builder->keys)
	{
		Node	   *key = lfirst(lc);

		i++;
		if (context->levelsup > 0)
		{
			key = copyObject(key);
			IncrementVarSublevelsUp(key, context->levelsup, 0);
		}
		if (!IsA(key, Const) && equal(node, key))
			return release_column(i, lfirst(lc), context->levelsup);
	}
	if (IsA(node, Aggref) && ((Aggref *) node)->agglevelsup == context->levelsup)
	{
		Aggref	   *aggref = own_aggregate((Aggref *) node, context);

		return release_column(-(add_output(builder, aggref, SPEC_END_NONE, NULL) + 1), node,
							  context->levelsup);
	}
	if (IsA(node, FuncExpr) && interval_end_of((FuncExpr *) node) != SPEC_END_NONE)
		return mutate_interval((FuncExpr *) node, context);
	if (IsA(node, GroupingFunc))
		refuse(REFUSE_GROUPING_SETS, builder->context->source, exprLocation(node));
	if (IsA(node, Var) && ((Var *) node)->varlevelsup == context->levelsup)
	{
		/* depends functionally on a grouped primary key: one more key */
		Var		   *var = copyObject((Var *) node);

		if (builder->level->query->constraintDeps == NIL)
			refuse(REFUSE_EXPRESSION, builder->context->source, var->location);
		var->varlevelsup = 0;
		return release_column(add_key(builder, (Node *) var,
									  default_clause(var->vartype)),
							  (Node *) var, context->levelsup);
	}
	return expression_tree_mutator(node, outer_mutator, (void *) context);
}

typedef struct NumberContext
{
	int			first;			/* attribute number of output 0 */
	Index		levelsup;
} NumberContext;

static bool
number_outputs_walker(Node *node, NumberContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		context->levelsup++;
		(void) query_tree_walker((Query *) node, number_outputs_walker, context, 0);
		context->levelsup--;
		return false;
	}
	if (IsA(node, Var) && ((Var *) node)->varlevelsup == context->levelsup &&
		((Var *) node)->varattno < 0)
	{
		Var		   *var = (Var *) node;

		var->varattno = context->first - var->varattno - 1;
		var->varattnosyn = var->varattno;
		return false;
	}
	return expression_tree_walker(node, number_outputs_walker, context);
}

/* ----------
 * The release query R
 * ----------
 */

/* The parameters as one float8[] expression. */
static Expr *
params_array(ReleaseBuilder *builder)
{
	ArrayExpr  *array = makeNode(ArrayExpr);

	array->array_typeid = FLOAT8ARRAYOID;
	array->element_typeid = FLOAT8OID;
	array->elements = copyObject(builder->params);
	array->multidims = false;
	array->location = -1;
	return (Expr *) array;
}

static Const *
spec_const(ReleaseSpec *spec)
{
	ReleaseSpec *copy = palloc(sizeof(ReleaseSpec));

	memcpy(copy, spec, sizeof(ReleaseSpec));
	SET_VARSIZE(copy, sizeof(ReleaseSpec));
	return makeConst(BYTEAOID, -1, InvalidOid, -1, PointerGetDatum(copy), false, false);
}

/* An aggregate of ours: function(spec, params, arguments ...). */
static Aggref *
make_collector(ReleaseBuilder *builder, DpFunction function, List *arguments)
{
	Aggref	   *aggref = makeNode(Aggref);
	List	   *exprs = lcons(spec_const(&builder->spec),
							  lcons(params_array(builder), copyObject(arguments)));
	ListCell   *lc;

	aggref->aggfnoid = extension_oid(function, InvalidOid);
	aggref->aggtype = BYTEAOID;
	aggref->aggkind = AGGKIND_NORMAL;
	aggref->aggsplit = AGGSPLIT_SIMPLE;
	aggref->aggno = aggref->aggtransno = -1;
	aggref->location = -1;
	foreach(lc, exprs)
	{
		aggref->args = lappend(aggref->args,
							   makeTargetEntry(lfirst(lc), list_length(aggref->args) + 1,
											   NULL, false));
		aggref->aggargtypes = lappend_oid(aggref->aggargtypes, exprType(lfirst(lc)));
	}
	return aggref;
}

static TargetEntry *
append_target(Query *query, Node *expr, const char *name, bool junk)
{
	TargetEntry *tle = makeTargetEntry((Expr *) expr, list_length(query->targetList) + 1,
									   pstrdup(name), junk);

	query->targetList = lappend(query->targetList, tle);
	return tle;
}

/* Appends expressions as columns, grouped by the clauses. */
static void
append_grouped(Query *query, List *exprs, List *clauses, const char *name)
{
	ListCell   *le;
	ListCell   *lc;

	forboth(le, exprs, lc, clauses)
	{
		TargetEntry *tle = append_target(query, lfirst(le), name, false);
		SortGroupClause *clause = copyObject(lfirst(lc));

		tle->ressortgroupref = tle->resno;
		clause->tleSortGroupRef = tle->resno;
		query->groupClause = lappend(query->groupClause, clause);
	}
}

/* A query over one sub-select. */
static Query *
select_from(Query *below, const char *name)
{
	Query	   *query = makeNode(Query);
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	RangeTblRef *ref = makeNode(RangeTblRef);
	ListCell   *lc;

	rte->rtekind = RTE_SUBQUERY;
	rte->subquery = below;
	rte->eref = makeAlias(name, NIL);
	foreach(lc, below->targetList)
	{
		TargetEntry *tle = lfirst(lc);

		if (!tle->resjunk)
			rte->eref->colnames = lappend(rte->eref->colnames, makeString(pstrdup(tle->resname)));
	}
	rte->inFromCl = true;
	ref->rtindex = 1;
	query->commandType = CMD_SELECT;
	query->canSetTag = true;
	query->rtable = list_make1(rte);
	query->jointree = makeFromExpr(list_make1(ref), NULL);
	return query;
}

static List *
columns_of(Query *below, int first, int n)
{
	List	   *result = NIL;

	for (int i = first; i < first + n; i++)
		result = lappend(result, makeVarFromTargetEntry(1, list_nth(below->targetList, i - 1)));
	return result;
}

/* Appends one column per sketch: function(spec, params, i, value). */
static void
append_sketches(ReleaseBuilder *builder, Query *query, DpFunction function, List *values,
				const char *name)
{
	int			i = 0;
	ListCell   *lc;

	foreach(lc, values)
	{
		Node	   *index = (Node *) makeConst(INT4OID, -1, InvalidOid, sizeof(int32),
											   Int32GetDatum(i), false, true);
		Aggref	   *aggref = make_collector(builder, function,
											list_make2(index, lfirst(lc)));

		aggref->inputcollid = builder->spec.sketches[i++].collation;
		append_target(query, (Node *) aggref, name, false);
	}
}

/* The level's own FROM and WHERE, as the start of a query. */
static Query *
from_level(Query *level)
{
	Query	   *query = makeNode(Query);

	query->commandType = CMD_SELECT;
	query->canSetTag = true;
	query->rtable = level->rtable;
	query->jointree = level->jointree;
	query->hasSubLinks = level->hasSubLinks;
	query->hasRowSecurity = level->hasRowSecurity;
	return query;
}

/* ----------
 * Moving the level's own query below Q'
 * ----------
 */

typedef struct ShiftContext
{
	Index		depth;
	int			levels;
} ShiftContext;

static bool
shift_ctes_walker(Node *node, ShiftContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		context->depth++;
		(void) query_tree_walker((Query *) node, shift_ctes_walker, context,
								 QTW_EXAMINE_RTES_BEFORE);
		context->depth--;
		return false;
	}
	if (IsA(node, RangeTblEntry))
	{
		RangeTblEntry *rte = (RangeTblEntry *) node;

		if (rte->rtekind == RTE_CTE && rte->ctelevelsup >= context->depth)
			rte->ctelevelsup += context->levels;
		return false;
	}
	return expression_tree_walker(node, shift_ctes_walker, context);
}

/*
 * Makes the query that reads the level's FROM ready to stand so many levels
 * below Q', which keeps the CTEs.  Refuses references to queries around it.
 */
static void
move_below(ReleaseBuilder *builder, Query *query, int levels)
{
	ShiftContext shift = {.depth = 0,.levels = levels};
	int			around = 0;

	for (Level *level = builder->level; level != NULL; level = level->parent)
		around++;
	for (int up = 1; up <= around; up++)
	{
		if (contain_vars_of_level((Node *) query, up) ||
			contain_aggs_of_level((Node *) query, up))
			refuse_query(REFUSE_CORRELATED, builder->context, builder->level->query);
	}
	(void) query_tree_walker(query, shift_ctes_walker, &shift, QTW_EXAMINE_RTES_BEFORE);
}

/*
 * At most k groups per individual: ranks them by a keyed hash, keeps the first k.  Where
 * hashes are equal, as those of arrays are that differ in their bounds alone, the keys
 * decide, and not the order of rows.
 */
static Query *
rank_groups(ReleaseBuilder *builder, Query *individuals, int nkeys, int nunit, List *unit_clauses)
{
	Query	   *query = select_from(individuals, "individuals");
	List	   *columns = columns_of(individuals, 1, list_length(individuals->targetList));
	WindowFunc *rank = makeNode(WindowFunc);
	WindowClause *window = makeNode(WindowClause);
	SortGroupClause *order;
	List	   *ties = NIL;
	TargetEntry *tle;
	ListCell   *lc;
	int			i = 0;
	Node	   *hash;

	window->winref = 1;
	window->frameOptions = FRAMEOPTION_DEFAULTS;
	foreach(lc, columns)
	{
		tle = append_target(query, lfirst(lc), "individual", false);
		i++;
		if (i <= nkeys)
		{
			order = default_clause(exprType((Node *) tle->expr));
			tle->ressortgroupref = order->tleSortGroupRef = tle->resno;
			ties = lappend(ties, order);
		}
		else if (i <= nkeys + nunit)
		{
			SortGroupClause *clause = copyObject(list_nth(unit_clauses, i - nkeys - 1));

			tle->ressortgroupref = clause->tleSortGroupRef = tle->resno;
			window->partitionClause = lappend(window->partitionClause, clause);
		}
	}
	hash = (Node *) makeFuncExpr(extension_oid(DP_FUNC_BOUNDING_HASH, InvalidOid), INT8OID,
								 columns_of(individuals, 1, nkeys + nunit), InvalidOid,
								 DEFAULT_COLLATION_OID, COERCE_EXPLICIT_CALL);
	order = default_clause(exprType(hash));
	rank->winfnoid = F_ROW_NUMBER;
	rank->wintype = INT8OID;
	rank->winref = 1;
	rank->location = -1;
	append_target(query, (Node *) rank, "rank", false);
	tle = append_target(query, hash, "hash", true);
	tle->ressortgroupref = order->tleSortGroupRef = tle->resno;
	window->orderClause = lcons(order, ties);
	query->windowClause = list_make1(window);
	query->hasWindowFuncs = true;
	return query;
}

static Node *
rank_within(ReleaseBuilder *builder, Var *rank)
{
	Node	   *limit = eval_const_expressions(builder->context->root,
											   (Node *) makeFuncExpr(F_INT8_FLOAT8, INT8OID,
																	 list_make1(copyObject(list_nth(builder->params, DP_PARAM_GROUPS))),
																	 InvalidOid, InvalidOid,
																	 COERCE_EXPLICIT_CAST));

#ifdef DP_FAULT_SQL_CAPS_OFF
	return makeBoolConst(true, false);
#endif
	return (Node *) make_opclause(INT8_LE_OPERATOR, BOOLOID, false, (Expr *) rank,
								  (Expr *) limit, InvalidOid, InvalidOid);
}

/* The two-level form: R over bounded contributions of individuals. */
static Query *
bounded_release(ReleaseBuilder *builder, List *keys)
{
	List	   *unit = copyObject(linitial(builder->individuals->units));
	List	   *unit_clauses = NIL;
	int			nkeys = list_length(keys);
	int			nunit = list_length(unit);
	int			nsketches = builder->spec.nsketches;
	Query	   *individuals = from_level(builder->level->query);
	Query	   *release;
	Node	   *individual;
	ListCell   *lc;

	foreach(lc, unit)
	{
		SortGroupClause *clause = default_clause(exprType(lfirst(lc)));

		check_key(builder, lfirst(lc), clause);
		unit_clauses = lappend(unit_clauses, clause);
	}
	append_grouped(individuals, keys, builder->key_clauses, "key");
	append_grouped(individuals, unit, unit_clauses, "unit");
	append_target(individuals, (Node *) make_collector(builder, DP_FUNC_INDIVIDUAL,
												 builder->arguments), "individual", false);
	append_sketches(builder, individuals, DP_FUNC_SKETCH_ROWS, builder->sketch_arguments, "individual");
	individuals->hasAggs = true;
	move_below(builder, individuals, nkeys > 0 ? 3 : 2);

	if (nkeys > 0)
	{
		Query	   *ranked = rank_groups(builder, individuals, nkeys, nunit, unit_clauses);
		Var		   *rank;

		release = select_from(ranked, "ranked");
		rank = linitial(columns_of(ranked, nkeys + nunit + nsketches + 2, 1));
		release->jointree->quals = rank_within(builder, rank);
		individuals = ranked;
	}
	else
		release = select_from(individuals, "individuals");
	append_grouped(release, columns_of(individuals, 1, nkeys), builder->key_clauses, "key");
	individual = linitial(columns_of(individuals, nkeys + nunit + 1, 1));
	append_target(release, (Node *) make_collector(builder, DP_FUNC_COLLECT_BOUNDED,
												   list_make1(individual)), "state", false);
	append_sketches(builder, release, DP_FUNC_SKETCH_BOUNDED,
					columns_of(individuals, nkeys + nunit + 2, nsketches), "sketch");
	return release;
}

/*
 * Can the bounding node divide these rows?  Equality of its keys is that of their bytes,
 * and it takes what an individual adds to a sketch as it is.
 */
static bool
node_can_bound(ReleaseBuilder *builder, List *keys)
{
	List	   *columns = list_concat_copy(keys, linitial(builder->individuals->units));
	ListCell   *lc;

	foreach(lc, columns)
	{
		if (!key_is_exact(exprType(lfirst(lc)), exprCollation(lfirst(lc))))
			return false;
	}
	return dp_setting_bound_node;
}

/* The form whose rows the bounding node reads (nodes/bound/path.c). */
static Query *
divided_release(ReleaseBuilder *builder, List *keys)
{
	List	   *unit = linitial(builder->individuals->units);
	Query	   *release = from_level(builder->level->query);
	ListCell   *lc;

	foreach(lc, unit)
		check_key(builder, lfirst(lc), default_clause(exprType(lfirst(lc))));
	append_grouped(release, keys, builder->key_clauses, "key");
	append_target(release, (Node *) make_collector(builder, DP_FUNC_BOUND,
												   list_concat_copy(unit, builder->arguments)),
				  "state", false);
	append_sketches(builder, release, DP_FUNC_BOUND_SKETCH, builder->sketch_arguments,
					"sketch");
	move_below(builder, release, 1);
	return release;
}

static Query *
streamed_release(ReleaseBuilder *builder, List *keys)
{
	Query	   *release = from_level(builder->level->query);

	append_grouped(release, keys, builder->key_clauses, "key");
	append_target(release, (Node *) make_collector(builder, DP_FUNC_COLLECT,
												   builder->arguments), "state", false);
	append_sketches(builder, release, DP_FUNC_SKETCH, builder->sketch_arguments, "sketch");
	move_below(builder, release, 1);
	return release;
}

/*
 * Appends a placeholder per output, of the output's type.  It has no share in the
 * state: a copy of the collector with sub-selects in it would run these again.
 */
static void
append_outputs(ReleaseBuilder *builder, Query *release)
{
	int			i = 0;
	ListCell   *lc;

	foreach(lc, builder->aggregates)
	{
		Node	   *aggref = lfirst(lc);
		List	   *args = list_make3(makeNullConst(BYTEAOID, -1, InvalidOid),
									  makeConst(INT4OID, -1, InvalidOid, sizeof(int32),
												Int32GetDatum(i++), false, true),
									  makeNullConst(exprType(aggref), -1,
													exprCollation(aggref)));

		append_target(release,
					  (Node *) makeFuncExpr(extension_oid(DP_FUNC_OUTPUT, InvalidOid),
											exprType(aggref), args, exprCollation(aggref),
											InvalidOid, COERCE_EXPLICIT_CALL),
					  "output", false);
	}
}

/* ----------
 * Putting R below Q'
 * ----------
 */

static void
install_release(ReleaseBuilder *builder, Query *release)
{
	Query	   *query = builder->level->query;
	char		id[2 * DP_SPEC_ID_BYTES + 1] = "";
	CommonTableExpr *cte;
	RangeTblEntry *rte;
	RangeTblRef *ref = makeNode(RangeTblRef);

	/* a name that no CTE of the client's has */
	(void) hex_encode((char *) builder->spec.id, DP_SPEC_ID_BYTES, id);
	cte = make_cte(psprintf("dp_agg release %d %s", ++builder->context->releases, id), release);
	query->cteList = lappend(query->cteList, cte);

	rte = make_cte_reference(cte, 0);
	rte->eref = makeAlias("dp_release", copyObject(cte->ctecolnames));
	ref->rtindex = 1;
	query->rtable = list_make1(rte);
	query->jointree = makeFromExpr(list_make1(ref), query->havingQual);
	query->havingQual = NULL;
	query->groupClause = NIL;
	query->groupDistinct = false;
	query->hasAggs = false;
	query->hasRowSecurity = false;
}

/* The outputs' names in one text, for the ledger; as many as fit. */
static void
name_outputs(ReleaseSpec *spec)
{
	for (int i = 0; i < spec->noutputs; i++)
	{
		Size		used = strlen(spec->output_names);

		if (used + strlen(spec->outputs[i].name) + 3 > sizeof(spec->output_names))
			break;
		snprintf(spec->output_names + used, sizeof(spec->output_names) - used, "%s%s",
				 used > 0 ? ", " : "", spec->outputs[i].name);
	}
}

static void
describe(ReleaseBuilder *builder)
{
	ReleaseSpec *spec = &builder->spec;
	StringInfoData names;
	List	   *proofs;
	ListCell   *lc;

	SET_VARSIZE(spec, sizeof(ReleaseSpec));
	if (!pg_strong_random(spec->id, sizeof(spec->id)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random values")));
	spec->relid = builder->individuals->relation->relid;
	spec->population = builder->individuals->relation->population;
	spec->account_required = builder->context->analyst;
	spec->nkeys = list_length(builder->keys);
	spec->nparams = list_length(builder->params);
	spec->grouped = spec->nkeys > 0;
	name_outputs(spec);
	/* of those below other releases of the statement, too: to check one more takes little */
	proofs = list_union_oid(builder->individuals->proofs, builder->context->proofs);
	if (list_length(proofs) > DP_MAX_PROOFS)
		refuse_query(REFUSE_TOO_LARGE, builder->context, builder->level->query);
	foreach(lc, proofs)
		spec->proofs[spec->nproofs++] = lfirst_oid(lc);
	initStringInfo(&names);
	foreach(lc, builder->individuals->relids)
	{
		Oid			relid = lfirst_oid(lc);
		char	   *name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
													  get_rel_name(relid));

		if (names.len + strlen(name) + 2 >= sizeof(spec->relations))
			break;
		appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "", name);
	}
	strlcpy(spec->relations, names.data, sizeof(spec->relations));
}

/* The CTEs that the level may name, its own and those of the queries around it. */
static List *
visible_ctes(Level *level)
{
	List	   *result = NIL;

	for (; level != NULL; level = level->parent)
		result = list_concat(result, level->query->cteList);
	return result;
}

/*
 * Replaces the level by a release and its post-processing, in place.  Raises
 * ERRCODE_DP_QUERY_REFUSED, ERRCODE_DP_BOUNDS or
 * ERRCODE_INVALID_PARAMETER_VALUE; no row is read.
 */
void
build_release(RewriteContext *context, Level *level, Individuals *individuals)
{
	Query	   *query = level->query;
	ReleaseBuilder builder = {.context = context,.level = level,
		.individuals = individuals};
	OuterContext outer = {.builder = &builder};
	NumberContext number = {0};
	List	   *keys = NIL;
	Query	   *release;
	ListCell   *lc;

	builder.spec.dimensions = 1;
	builder.spec.streamed = individuals->unique &&
		list_length(individuals->proofs) <= DP_MAX_PROOFS / 2;
	if (!builder.spec.streamed)
		individuals->proofs = NIL;
	builder.params = initial_params(individuals);
	extract_with(context, query, builder.params);

	/* SELECT DISTINCT a, b is GROUP BY a, b */
	if (query->groupClause == NIL && !query->hasAggs && query->distinctClause != NIL)
	{
		query->groupClause = query->distinctClause;
		query->distinctClause = NIL;
	}

	guard_from(context, level);
	require_unit(level, individuals);
	foreach(lc, query->groupClause)
	{
		SortGroupClause *clause = lfirst(lc);
		Node	   *key = (Node *) get_sortgroupclause_tle(clause, query->targetList)->expr;

		if (!list_member(builder.keys, key))
			(void) add_key(&builder, key, clause);
	}
	query->targetList = (List *) outer_mutator((Node *) query->targetList, &outer);
	query->havingQual = outer_mutator(query->havingQual, &outer);

	number.first = list_length(builder.keys) + builder.spec.nsketches + 2;
	(void) number_outputs_walker((Node *) query->targetList, &number);
	(void) number_outputs_walker(query->havingQual, &number);

	restrict_to_domains(&builder);
	drop_rows_without_values(&builder);
	assign_coordinates(&builder);
	describe(&builder);
	check_constant_params(&builder);
	foreach(lc, builder.keys)
		keys = lappend(keys, canonical_key(context,
										   guard_expression(context, level, lfirst(lc))));
	release = builder.spec.streamed ? streamed_release(&builder, keys) :
		node_can_bound(&builder, keys) ? divided_release(&builder, keys) :
		bounded_release(&builder, keys);
	append_outputs(&builder, release);
	release->hasAggs = true;
	release = copyObject(release);	/* no node may stand in two places */
	inline_public_ctes(context, level, release);
	read_publics_ahead(context, release);
	planning_remember(&builder.spec, release_needs(release, visible_ctes(level)),
					  wide_columns(release));
	install_release(&builder, release);
	list_domains(&builder, query);
}
