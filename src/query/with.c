/*
 * with.c
 *		The settings of a release, epsilon, delta and limits, and what dp_with() changes
 *		of them.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/array.h"
#include "utils/fmgroids.h"

#include "core/refusals.h"
#include "core/settings.h"
#include "policy/extension.h"
#include "query/builder.h"
#include "query/constants.h"
#include "query/level.h"
#include "query/params.h"
#include "query/refuse.h"
#include "query/with.h"
#include "spec/spec.h"

/* The parameter, or the setting where it is NULL. */
static Node *
or_default(Node *parameter, Node *setting)
{
	CoalesceExpr *result = makeNode(CoalesceExpr);

	result->coalescetype = FLOAT8OID;
	result->args = list_make2(parameter, setting);
	result->location = -1;
	return (Node *) result;
}

/* Calls of dp_with() that are being read into the parameters of a release. */
typedef struct WithContext
{
	RewriteContext *rewrite;
	List	   *params;
	Node	   *given[DP_PARAM_FIRST_OTHER];	/* what was given so far, else NULL */
	bool		by_client[DP_PARAM_FIRST_OTHER];	/* with a parameter of the client */
	Const	   *shares;			/* of grouping sets, or NULL */
	bool		raises;			/* only take the calls out, into ... */
	List	   *raised;
} WithContext;

/* Refuses arguments that are neither constants nor parameters. */
static void
check_arguments(RewriteContext *context, FuncExpr *with)
{
	ListCell   *lc;

	foreach(lc, with->args)
	{
		Node	   *argument = lfirst(lc);

		if (IsA(argument, NamedArgExpr))
			argument = (Node *) ((NamedArgExpr *) argument)->arg;
		if (exprType(argument) != FLOAT8ARRAYOID && release_parameter(context, argument) == NULL)
			refuse(REFUSE_WITH_ARGUMENTS, context->source, with->location);
	}
}

/*
 * Reads one argument into parameter i.  It must not contradict what another call said.  A parameter of
 * the client is one also where its value is known: what follows from it being there must not
 * depend on how a statement was planned.
 */
static void
apply_argument(WithContext *context, int i, Node *argument, int location)
{
	bool		by_client = !IsA(argument, Const);

	argument = eval_const_expressions(context->rewrite->root, argument);
	context->by_client[i] = context->by_client[i] || by_client;
	if (IsA(argument, Const) && ((Const *) argument)->constisnull)
		return;
	if (exprType(argument) != FLOAT8OID)
		argument = eval_const_expressions(context->rewrite->root,
										  (Node *) makeFuncExpr(F_FLOAT8_INT4, FLOAT8OID,
																list_make1(argument), InvalidOid,
																InvalidOid, COERCE_EXPLICIT_CAST));
	if (context->given[i] != NULL && !equal(context->given[i], argument))
		refuse(REFUSE_WITH_TWICE, context->rewrite->source, location);
	context->given[i] = argument;
	if (!IsA(argument, Const))
		argument = or_default(argument, list_nth(context->params, i));
	lfirst(list_nth_cell(context->params, i)) = argument;
}

/*
 * Reads the shares of grouping sets, which must be known when the query is planned, whatever the
 * values of the client's parameters.
 */
static void
apply_shares(WithContext *context, Node *argument, int location)
{
	Const	   *shares = (Const *) eval_const_expressions(NULL, argument);

	if (!IsA(shares, Const))
		refuse(REFUSE_WITH_SHARES, context->rewrite->source, location);
	if (shares->constisnull)
		return;
	if (context->shares != NULL && !equal(context->shares, shares))
		refuse(REFUSE_WITH_TWICE, context->rewrite->source, location);
	context->shares = shares;
}

/* Reads dp_with(epsilon, delta, max_groups, max_rows, max_total, shares) into the parameters. */
static void
apply_with(WithContext *context, FuncExpr *with)
{
	int			location = with->location;
	int			i = 0;
	ListCell   *lc;

	check_arguments(context->rewrite, with);
	/* puts named arguments in order and adds defaults; the call itself is volatile */
	with = castNode(FuncExpr, eval_const_expressions(NULL, (Node *) with));
	foreach(lc, with->args)
	{
		if (i < DP_PARAM_FIRST_OTHER)
			apply_argument(context, i, lfirst(lc), location);
		else
			apply_shares(context, lfirst(lc), location);
		i++;
	}
}

/* Reads a call, or keeps it for the query around this one. */
static void
meet_with(WithContext *context, FuncExpr *with)
{
	if (!context->raises)
	{
		apply_with(context, with);
		return;
	}
	check_arguments(context->rewrite, with);	/* so they mean the same there */
	context->raised = lappend(context->raised, with);
}

static bool
is_with(Node *node)
{
	return IsA(node, FuncExpr) && extension_function(((FuncExpr *) node)->funcid) == DP_FUNC_WITH;
}

/* Takes dp_with() out of conditions that AND connects, however they are nested. */
static List *
without_with(WithContext *context, Node *quals)
{
	List	   *result = NIL;
	ListCell   *lc;

	check_stack_depth();
	foreach(lc, make_ands_implicit((Expr *) quals))
	{
		Node	   *qual = lfirst(lc);

		/* the parser nests ANDs that were written with parentheses */
		if (is_andclause(qual))
			result = list_concat(result, without_with(context, qual));
		else if (is_with(qual))
			meet_with(context, (FuncExpr *) qual);
		else
			result = lappend(result, qual);
	}
	return result;
}

/* The same for WHERE and all ON clauses of a join tree, in place. */
static void
take_with(WithContext *context, Node *node)
{
	ListCell   *lc;

	if (IsA(node, FromExpr))
	{
		FromExpr   *from = (FromExpr *) node;
		List	   *rest = without_with(context, from->quals);

		foreach(lc, from->fromlist)
			take_with(context, lfirst(lc));
		from->quals = rest == NIL ? NULL : (Node *) make_ands_explicit(rest);
	}
	else if (IsA(node, JoinExpr))
	{
		JoinExpr   *join = (JoinExpr *) node;

		take_with(context, join->larg);
		take_with(context, join->rarg);
		if (join->quals != NULL)	/* CROSS JOIN has none */
			join->quals = (Node *) make_ands_explicit(without_with(context, join->quals));
	}
}

/* Is there a call of dp_with(), of this level? */
static bool
has_with_walker(Node *node, void *context)
{
	if (node == NULL || IsA(node, Query))
		return false;
	return is_with(node) || expression_tree_walker(node, has_with_walker, context);
}

/*
 * Moves dp_with() from the conditions of a sub-select in FROM, whose rows are private, to WHERE of the
 * query around it: tools write their own query around the one that they were given.  It says the
 * same there, for it has neither columns nor sub-selects among its arguments.  Raises
 * ERRCODE_DP_QUERY_REFUSED if it has.
 */
void
raise_with(RewriteContext *context, Query *query, Query *outer)
{
	WithContext with = {.rewrite = context,.raises = true};

	if (!has_with_walker((Node *) query->jointree, NULL))
		return;
	take_with(&with, (Node *) query->jointree);
	if (with.raised != NIL)
		outer->jointree->quals = make_and_qual(outer->jointree->quals,
											   (Node *) make_ands_explicit(with.raised));
}

/* Into how many parts epsilon and delta are divided where shares are given. */
#define SHARE_WHOLE (1 << 30)

/*
 * The share of the release's grouping set, as a part of SHARE_WHOLE: at least one, for shares differ
 * by a factor of a million at most.  Rounding errors of doubles add up to much less than 1, so the
 * parts of all sets, rounded down, add up to the whole at most.
 */
static void
settle_share(ReleaseBuilder *builder, const Const *shares)
{
	SpecGrouping *grouping = &builder->spec.grouping;
	ArrayType  *array = DatumGetArrayTypeP(shares->constvalue);
	const double *values = (const double *) ARR_DATA_PTR(array);
	double		sum = 0;
	bool		good = grouping->number > 0 && ARR_NDIM(array) == 1 && !array_contains_nulls(array) &&
		ARR_DIMS(array)[0] == grouping->count;

	for (int i = 0; good && i < grouping->count; i++)
	{
		good = values[i] >= 0.001 && values[i] <= 1000;
		sum += values[i];
	}
	if (!good)
		refuse_query(REFUSE_WITH_SHARES, builder->context, builder->level->query);
	grouping->part = (int32) floor(values[grouping->number - 1] / sum * SHARE_WHOLE);
	grouping->whole = SHARE_WHOLE;
}

/*
 * Takes dp_with() out of the conditions of WHERE and ON that AND connects, in place, and reads it
 * into the parameters.  Raises ERRCODE_DP_QUERY_REFUSED for arguments that are not public, and
 * for calls that contradict each other.
 */
void
extract_with(ReleaseBuilder *builder)
{
	WithContext with = {.rewrite = builder->context,.params = builder->params};

	take_with(&with, (Node *) builder->level->query->jointree);
	if (with.shares != NULL)
		settle_share(builder, with.shares);
	for (int i = 0; i < DP_PARAM_FIRST_OTHER; i++)
	{
		builder->asked[i] = builder->asked[i] || with.given[i] != NULL || with.by_client[i];
		builder->by_client[i] = with.by_client[i];
	}
}

/* A limit: that of the session, if there is one, or what is declared. */
static Node *
initial_limit(ReleaseBuilder *builder, int i, int setting, int declared)
{
	builder->asked[i] = setting > 0;
	return float8_const(setting > 0 ? setting : declared);
}

/*
 * The parameters that every release has (DP_PARAM_...), from settings and declared limits.
 * max_total is NULL if no setting gives it (totals.c).
 */
void
initial_params(ReleaseBuilder *builder)
{
	const Individuals *individuals = builder->individuals;

	builder->asked[DP_PARAM_DELTA] = dp_setting_delta_stated;
	builder->params = list_make5(float8_const(dp_setting_epsilon), float8_const(dp_setting_delta),
								 initial_limit(builder, DP_PARAM_GROUPS, dp_setting_max_groups,
											   individuals->max_groups),
								 initial_limit(builder, DP_PARAM_ROWS, dp_setting_max_rows,
											   individuals->max_rows),
								 initial_limit(builder, DP_PARAM_TOTAL, dp_setting_max_total, 0));
	if (!builder->asked[DP_PARAM_TOTAL])
		llast(builder->params) = makeNullConst(FLOAT8OID, -1, InvalidOid);
}

/* A value that is in range, for a parameter that is not known yet. */
static double
stand_in(ReleaseBuilder *builder, int i)
{
	static const double settings[] = {1.0, 1e-8, 1.0, 1.0, 1.0};

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

/* Is parameter i a constant, and not NULL? */
static bool
is_known(ReleaseBuilder *builder, int i)
{
	return parameter_is_known(list_nth(builder->params, i));
}

/*
 * Refuses constants that are out of range (ERRCODE_INVALID_PARAMETER_VALUE, ERRCODE_DP_BOUNDS).
 * The client's parameters are judged at execution.
 */
void
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
