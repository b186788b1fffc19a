/*
 * totals.c
 *		Bounds of what an individual adds to a whole release.
 *
 * Whether the vector is bounded over all groups of an individual together follows from the
 * query and from declared limits (spec/spec.h): where there are sums and counts of rows, and
 * where max_total is given or max_rows is small.  Order statistics and histograms follow where
 * max_total is given.  For a group's gate then needs as many rows as
 * max_rows of min_individuals people are, so that with a large max_rows, which somebody has
 * given as a bound of single groups alone, groups of a middling size would not be shown.  With
 * one row in a group nothing is gained, and counts are whole numbers.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "parser/parsetree.h"
#include "utils/fmgroids.h"

#include "core/limits.h"
#include "policy/cache.h"
#include "query/builder.h"
#include "query/constants.h"
#include "query/equalities.h"
#include "query/level.h"
#include "query/moments.h"
#include "query/params.h"
#include "query/totals.h"
#include "query/virtual.h"
#include "spec/spec.h"

/* The most rows of one group up to which a total is made of max_groups and max_rows. */
#define FEW_ROWS 4

/* ----------
 * What is declared
 * ----------
 */

/* max_total of relations that are read together: as is declared, or max_groups times max_rows. */
int
combined_total(const Individuals *individuals)
{
	if (individuals->max_total > 0)
		return individuals->max_total;
	return (int) Min((int64) individuals->max_groups * individuals->max_rows, DP_MAX_TOTAL);
}

/* Declared bounds of the sum of an individual's values of a relation's column; false if there are none. */
static bool
declared_total(Oid relid, AttrNumber attno, double *lower, double *upper, double *norm)
{
	const ProtectedRelation *rel = policy_lookup(relid);
	const ColumnBounds *total = rel != NULL ? policy_total(rel, attno) : NULL;

	if (total == NULL)
		return false;
	*lower = total->lower;
	*upper = total->upper;
	*norm = total->norm;
	return true;
}

/*
 * Declared bounds of the sum of an individual's values of a column, or of one that a sub-select
 * hands on as it is, and the norm of these sums over groups, 0 if none is declared; false if there are no
 * bounds.
 */
bool
derive_total(Level *level, Node *node, double *lower, double *upper, double *norm)
{
	Var		   *var = (Var *) strip_relabel(node);
	RangeTblEntry *rte;

	if (!IsA(var, Var) || var->varlevelsup != 0)
		return false;
	rte = rt_fetch(var->varno, level->query->rtable);
	if (rte->rtekind == RTE_RELATION)
		return declared_total(rte->relid, var->varattno, lower, upper, norm);
	if (rte->rtekind == RTE_SUBQUERY && rte->subquery->setOperations == NULL &&
		rte->subquery->groupClause == NIL && !rte->subquery->hasAggs)
	{
		Level		below = {.query = rte->subquery};
		TargetEntry *tle = get_tle_by_resno(rte->subquery->targetList, var->varattno);
		Oid			relid;
		AttrNumber	attno;

		if (tle != NULL && virtual_origin(tle, &relid, &attno))
			return declared_total(relid, attno, lower, upper, norm);
		return tle != NULL && derive_total(&below, (Node *) tle->expr, lower, upper, norm);
	}
	return false;
}

/* ----------
 * max_total of the release
 * ----------
 */

/* max_groups times max_rows, at most DP_MAX_TOTAL. */
static Node *
groups_times_rows(ReleaseBuilder *builder)
{
	Node	   *groups = list_nth(builder->params, DP_PARAM_GROUPS);
	Node	   *rows = list_nth(builder->params, DP_PARAM_ROWS);
	Node	   *product;

	if (parameter_is_known(groups) && parameter_is_known(rows))
		product = float8_const(DatumGetFloat8(((Const *) groups)->constvalue) *
							   DatumGetFloat8(((Const *) rows)->constvalue));
	else
		product = (Node *) makeFuncExpr(F_FLOAT8MUL, FLOAT8OID,
										list_make2(copyObject(groups), copyObject(rows)),
										InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
	return least_parameter(product, float8_const(DP_MAX_TOTAL));
}

/* Has the query, or a setting of the session, limits of its own for groups and rows? */
static bool
asks_for_less(const ReleaseBuilder *builder)
{
	return builder->asked[DP_PARAM_GROUPS] || builder->asked[DP_PARAM_ROWS];
}

/*
 * max_total where the query does not give it: what is declared; and no more than groups and
 * rows allow that the query asks for.
 */
static Node *
default_total(ReleaseBuilder *builder)
{
	int			declared = builder->individuals->max_total;

	if (declared == 0)
		return groups_times_rows(builder);
	if (asks_for_less(builder))
		return least_parameter(float8_const(declared), groups_times_rows(builder));
	return float8_const(declared);
}

/* Fills in the parameter: in place of NULL, also inside COALESCE (with.c). */
static void
fill_in_total(ReleaseBuilder *builder)
{
	ListCell   *cell = list_nth_cell(builder->params, DP_PARAM_TOTAL);
	Node	   *given = lfirst(cell);

	if (IsA(given, CoalesceExpr))
		lsecond(((CoalesceExpr *) given)->args) = default_total(builder);
	else if (!parameter_is_known(given))
		lfirst(cell) = default_total(builder);
}

/* ----------
 * How the release is bounded
 * ----------
 */

/*
 * Are all outputs sums and counts of rows, or chosen by the weights of rows, and is there
 * one?
 */
static bool
adds_rows_up(const ReleaseBuilder *builder)
{
	const ReleaseSpec *spec = &builder->spec;
	bool		result = spec->nparts > 0;

	for (int i = 0; i < spec->nsketches; i++)
	{
		if (spec->sketches[i].kind != SPEC_SKETCH_CELLS)
			return false;
	}
	for (int i = 0; i < spec->nparts; i++)
	{
		if (!part_weighs_cells(spec->parts[i].kind))
			return false;
	}
	for (int i = 0; i < spec->noutputs; i++)
	{
		if (builder->wanted[i].presence)
			return false;
		result = result || is_moment_output(&spec->outputs[i]);
	}
	return result;
}

/* Is there a sum with bounds of its own? */
static bool
has_totals(const ReleaseSpec *spec)
{
	for (int i = 0; i < spec->narguments; i++)
	{
		if (spec->arguments[i].total)
			return true;
	}
	return false;
}

/* Is the vector to be bounded over all groups together? */
static bool
bounds_by_total(const ReleaseBuilder *builder)
{
	Node	   *rows = list_nth(builder->params, DP_PARAM_ROWS);

	if (!adds_rows_up(builder))
		return false;
	if (builder->asked[DP_PARAM_TOTAL] || builder->individuals->max_total > 0)
		return true;
	if (builder->spec.nsketches > 0)
		return false;
	return has_totals(&builder->spec) ||
		(parameter_is_known(rows) && !builder->by_client[DP_PARAM_ROWS] &&
		 DatumGetFloat8(((Const *) rows)->constvalue) > 1 &&
		 DatumGetFloat8(((Const *) rows)->constvalue) <= FEW_ROWS);
}

/*
 * The norm that Gaussian noise is made for: as is declared, or max_total; or that of the limits of groups, where no
 * max_total is declared and no sum has bounds of its own.
 */
static int32
declared_norm(const ReleaseBuilder *builder)
{
	const Individuals *individuals = builder->individuals;

	if (individuals->max_norm == 0 && individuals->max_total == 0 && !builder->spec.weighed)
		return DP_NORM_OF_LIMITS;
	return individuals->max_norm;
}

/*
 * Settles max_total, and how an individual's contributions are bounded; outputs are known, and
 * so is in how many groups one individual may be.
 */
void
settle_totals(ReleaseBuilder *builder)
{
	ReleaseSpec *spec = &builder->spec;
	bool		one_group = builder->keys == NIL || builder->possible_groups == 1;

	fill_in_total(builder);
	spec->rows_asked = builder->asked[DP_PARAM_ROWS];
	spec->groups_asked = builder->asked[DP_PARAM_GROUPS];
	spec->whole = !spec->streamed && one_group && spec->nsketches == 0;
	spec->by_total = !spec->streamed && !one_group && bounds_by_total(builder);
	spec->possible_groups = (int32) Max(Min(builder->possible_groups, DP_MAX_GROUPS), 1);
	spec->weighed = spec->by_total && has_totals(spec);
	if (spec->by_total && !builder->asked[DP_PARAM_TOTAL])
		spec->norm = declared_norm(builder);
}

/* How many groups of an individual are kept, as an expression: settle_limits() in spec/spec.c says the same. */
Node *
kept_groups(const ReleaseBuilder *builder)
{
	const ReleaseSpec *spec = &builder->spec;

	if (!spec->by_total || spec->groups_asked)
		return list_nth(builder->params, DP_PARAM_GROUPS);
	return least_parameter(list_nth(builder->params, DP_PARAM_TOTAL), float8_const(spec->possible_groups));
}
