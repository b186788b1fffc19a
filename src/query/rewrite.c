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

#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"

#include "core/compat.h"
#include "core/refusals.h"
#include "policy/extension.h"
#include "query/below.h"
#include "query/builder.h"
#include "query/calendars.h"
#include "query/checks.h"
#include "query/collectors.h"
#include "query/constants.h"
#include "query/ctes.h"
#include "query/describe.h"
#include "query/domains.h"
#include "query/equalities.h"
#include "query/forms.h"
#include "query/identifiers.h"
#include "query/keys.h"
#include "query/language.h"
#include "query/level.h"
#include "query/limits.h"
#include "query/missing.h"
#include "query/moments.h"
#include "query/needs.h"
#include "query/outputs.h"
#include "query/planning.h"
#include "query/publics.h"
#include "query/reuse.h"
#include "query/rewrite.h"
#include "query/sets.h"
#include "query/shards.h"
#include "query/simpler.h"
#include "query/totals.h"
#include "query/units.h"
#include "query/vacant.h"
#include "query/walk.h"
#include "query/wide.h"
#include "query/with.h"
#include "spec/layout.h"
#include "spec/spec.h"

/* ----------
 * What stays above the release
 * ----------
 */

typedef struct OuterContext
{
	ReleaseBuilder *builder;
	Index		levelsup;		/* how many queries the walk is below the level's own */
} OuterContext;

static Node *outer_mutator(Node *node, OuterContext *context);

/* Adds a group key and returns its position, from 1. */
static int
add_key(ReleaseBuilder *builder, Node *expr, SortGroupClause *clause)
{
	check_identifiers(builder->context, builder->level, expr);
	check_group_key(builder->context, expr, clause);
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

/* Is this dp_low(), dp_high() or dp_clipped(), and which?  The level is that of their default. */
static bool
annotation_form(FuncExpr *func, OutputForm *form)
{
	*form = (OutputForm) {.end = SPEC_END_NONE};
	switch (extension_function(func->funcid))
	{
		case DP_FUNC_LOW:
			form->end = SPEC_END_LOW;
			break;
		case DP_FUNC_HIGH:
			form->end = SPEC_END_HIGH;
			break;
		case DP_FUNC_CLIPPED:
			form->clipped = true;
			break;
		default:
			return false;
	}
	form->level = float8_const(0.95);
	return true;
}

/*
 * Replaces dp_low(), dp_high() or dp_clipped(): an end of an interval, or the share of individuals
 * that are clipped, becomes an output of its own.  Its argument must be an aggregate of this
 * level, as in dp_low(count(*)).  In a sub-select it may be one of the sub-select's own level,
 * which is judged when that level is.  Beside a share stands the aggregate itself, whether or not
 * the query asks for it: who is clipped by total depends on all coordinates there are.
 */
static Node *
mutate_annotation(FuncExpr *func, OutputForm *form, OuterContext *context)
{
	ReleaseBuilder *builder = context->builder;
	Aggref	   *aggref = (Aggref *) strip_relabel(linitial(func->args));

	if (list_length(func->args) > 1)
		form->level = lsecond(func->args);
	if (IsA(form->level, NamedArgExpr))
		form->level = (Node *) ((NamedArgExpr *) form->level)->arg;
	if (context->levelsup > 0 &&
		(!IsA(aggref, Aggref) || aggref->agglevelsup != context->levelsup))
		return expression_tree_mutator((Node *) func, outer_mutator, (void *) context);
	if (!IsA(aggref, Aggref) || aggref->agglevelsup != context->levelsup)
		refuse(form->clipped ? REFUSE_CLIPPED : REFUSE_INTERVAL, builder->context->source,
			   func->location);
	aggref = (Aggref *) seen_from_above((Node *) aggref, context->levelsup);
	if (form->clipped)
		(void) add_output(builder, aggref, &(OutputForm) {.end = SPEC_END_NONE});
	return release_column(-(add_output(builder, aggref, form) + 1), (Node *) func,
						  context->levelsup);
}

/* The column of the group key that the expression is; NULL if it is none. */
static Node *
key_column(Node *node, OuterContext *context)
{
	int			i = 0;
	ListCell   *lc;

	foreach(lc, context->builder->keys)
	{
		Node	   *key = lfirst(lc);

		i++;
		if (!IsA(key, Const) && equal(node, seen_from_below(key, context->levelsup)))
			return release_column(i, lfirst(lc), context->levelsup);
	}
	return NULL;
}

/* A column of the level that depends on a grouped primary key: it becomes one more key. */
static Node *
dependent_column(Var *var, OuterContext *context)
{
	ReleaseBuilder *builder = context->builder;

	if (builder->level->query->constraintDeps == NIL)
		refuse(REFUSE_EXPRESSION, builder->context->source, var->location);
	var = copyObject(var);
	var->varlevelsup = 0;
	return release_column(add_key(builder, (Node *) var, default_clause(var->vartype)),
						  (Node *) var, context->levelsup);
}

/*
 * Replaces aggregates and group keys by columns of the release.  Columns of outputs come after
 * those of the keys and the state.  How many keys there are is not known yet, since dependent
 * columns add some, so an output's column gets attribute number -(position + 1) first, which
 * number_output() mends.
 */
static Node *
outer_mutator(Node *node, OuterContext *context)
{
	ReleaseBuilder *builder = context->builder;
	OutputForm	form;
	Node	   *column;

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
	column = key_column(node, context);
	if (column != NULL)
		return column;
	if (IsA(node, Aggref) && ((Aggref *) node)->agglevelsup == context->levelsup)
	{
		Node	   *simpler = simpler_aggregate(builder, (Aggref *) node, context->levelsup);
		Aggref	   *aggref;

		if (simpler != NULL)
			return outer_mutator(simpler, context);
		aggref = (Aggref *) seen_from_above(node, context->levelsup);
		form = (OutputForm) {.end = SPEC_END_NONE};
		return release_column(-(add_output(builder, aggref, &form) + 1), node,
							  context->levelsup);
	}
	if (IsA(node, FuncExpr) && annotation_form((FuncExpr *) node, &form))
		return mutate_annotation((FuncExpr *) node, &form, context);
	if (IsA(node, GroupingFunc) && ((GroupingFunc *) node)->agglevelsup == context->levelsup)
		return int4_const(0);	/* all keys are in the one set (sets.c) */
	if (IsA(node, Var) && ((Var *) node)->varlevelsup == context->levelsup)
		return dependent_column((Var *) node, context);
	return expression_tree_mutator(node, outer_mutator, (void *) context);
}

/* Gives the column of an output its attribute number; *first is that of output 0. */
static void
number_output(Var *column, void *first)
{
	if (column->varattno < 0)
		column->varattno = column->varattnosyn = *(int *) first - column->varattno - 1;
}

/* Makes Q' of the level's columns and HAVING; the outputs are known from here on. */
static void
replace_aggregates(ReleaseBuilder *builder)
{
	Query	   *query = builder->level->query;
	OuterContext outer = {.builder = builder};
	int			first;

	query->targetList = (List *) outer_mutator((Node *) query->targetList, &outer);
	query->havingQual = outer_mutator(query->havingQual, &outer);
	builder->spec.nkeys = list_length(builder->keys);
	first = release_output_column(&builder->spec, 0) + 1;
	walk_columns((Node *) query->targetList, 0, number_output, &first);
	walk_columns(query->havingQual, 0, number_output, &first);
}

/* ----------
 * From the level to the release
 * ----------
 */

/* The settings, and whether the rows can be streamed: one per individual, as few indexes show. */
static void
settle_settings(ReleaseBuilder *builder)
{
	Individuals *individuals = builder->individuals;
	const SetLevel *set = builder->context->set;

	builder->spec.dimensions = 1;
	builder->spec.rows = DP_NONE;
	builder->spec.streamed = individuals->unique &&
		list_length(individuals->proofs) <= DP_MAX_PROOFS / 2;
	if (!builder->spec.streamed)
		individuals->proofs = NIL;
	initial_params(builder);
	if (set != NULL && set->query == builder->level->query)
		builder->spec.grouping = set->grouping;
	extract_with(builder);
}

/* SELECT DISTINCT a, b is GROUP BY a, b. */
static void
group_distinct_rows(Query *query)
{
	if (query->groupClause == NIL && !query->hasAggs && query->distinctClause != NIL)
	{
		query->groupClause = query->distinctClause;
		query->distinctClause = NIL;
	}
}

/* Finds the keys that the level groups by, each once. */
static void
find_keys(ReleaseBuilder *builder)
{
	Query	   *query = builder->level->query;
	ListCell   *lc;

	foreach(lc, query->groupClause)
	{
		SortGroupClause *clause = lfirst(lc);
		Node	   *key = (Node *) get_sortgroupclause_tle(clause, query->targetList)->expr;

		if (!list_member(builder->keys, key))
			(void) add_key(builder, key, clause);
	}
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

/* The keys as they stand below the release; make_release() brings them into canonical form. */
static void
guard_keys(ReleaseBuilder *builder)
{
	ListCell   *lc;

	foreach(lc, builder->keys)
		builder->guarded_keys = lappend(builder->guarded_keys,
										guard_expression(builder->context, builder->level,
														 lfirst(lc)));
}

/* Makes the query R, and remembers what its plan will rest on. */
static Query *
make_release(ReleaseBuilder *builder)
{
	RewriteContext *context = builder->context;
	Level	   *level = builder->level;
	List	   *keys = NIL;
	SpreadRelease *spread;
	List	   *needs;
	Query	   *release;
	ListCell   *lc;

	foreach(lc, builder->guarded_keys)
		keys = lappend(keys, canonical_key(context, lfirst(lc)));
	release = copyObject(release_query(builder, keys)); /* no node may stand in two places */
	release->hasAggs = true;
	inline_public_ctes(context, level, release);
	if (reads_spread(release))
	{
		needs = release_needs(release, visible_ctes(level));
		spread = spread_release(builder, release);
		release = gathering_release(builder, spread);
		append_outputs(builder, release);
		release = copyObject(release);
		planning_remember(&builder->spec, needs, NIL, describe_reuse(builder), release->groupClause);
		planning_spread(&builder->spec, spread->piece, spread->nunits, spread->alone);
		return release;
	}
	append_outputs(builder, release);
	release = copyObject(release);
	read_publics_ahead(context, release);
	planning_remember(&builder->spec, release_needs(release, visible_ctes(level)),
					  wide_columns(release, &builder->spec), describe_reuse(builder), release->groupClause);
	return release;
}

/* Puts R below Q', as the only item of its FROM; HAVING becomes WHERE. */
static void
install_release(ReleaseBuilder *builder, Query *release)
{
	Query	   *query = builder->level->query;
	char		id[2 * DP_SPEC_ID_BYTES + 1] = "";
	CommonTableExpr *cte;
	RangeTblEntry *rte;
	RangeTblRef *ref = makeNode(RangeTblRef);

	/* the identity is random, so no CTE that the client wrote has this name */
	(void) hex_encode((char *) builder->spec.id, DP_SPEC_ID_BYTES, id);
	cte = make_cte(psprintf("dp_agg release %d %s", ++builder->context->releases, id), release);
	query->cteList = lappend(query->cteList, cte);

	rte = make_cte_reference(cte, 0);
	rte->eref = makeAlias("dp_release", copyObject(cte->ctecolnames));
	ref->rtindex = 1;
	query->rtable = list_make1(rte);
	DP_CLEAR_RANGE_TABLE(query);
	query->jointree = makeFromExpr(list_make1(ref), query->havingQual);
	query->havingQual = NULL;
	query->groupClause = NIL;
	query->groupDistinct = false;
	query->hasAggs = false;
	query->hasRowSecurity = false;
}

/*
 * Replaces the level by a release and its post-processing, in place; or by its answer, if no row
 * reaches it.  individuals: whose rows
 * the level's FROM holds.  Raises ERRCODE_DP_QUERY_REFUSED, ERRCODE_DP_BOUNDS or
 * ERRCODE_INVALID_PARAMETER_VALUE; no row is read.
 */
void
build_release(RewriteContext *context, Level *level, Individuals *individuals)
{
	ReleaseBuilder builder = {.context = context,.level = level,
		.individuals = individuals};
	Query	   *side;
	Query	   *release;

	settle_settings(&builder);
	group_distinct_rows(level->query);
	note_rows(&builder);
	side = public_side(level);
	guard_from(context, level);
	require_unit(level, individuals);
	if (answer_vacant(level->query))
		return;
	find_keys(&builder);
	note_aggregates(&builder);
	replace_aggregates(&builder);
	settle_calendar(&builder, side);
	restrict_to_domains(&builder);
	guard_keys(&builder);
	follow_limits(&builder);
	settle_totals(&builder);
	limit_total(&builder);
	drop_rows_without_values(&builder);
	assign_coordinates(&builder);
	describe_release(&builder);
	check_constant_params(&builder);
	release = make_release(&builder);
	install_release(&builder, release);
	list_domains(&builder, level->query);
	list_calendar(&builder, level->query);
}
