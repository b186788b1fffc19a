/*
 * limits.c
 *		Limits of a release that follow from its query.
 *
 * An individual can be in no more groups than the keys have values in its rows (possible.c), and
 * has one row at most in each if unit and keys contain a unique index (fixed.c).  So the effective
 * max_groups is the least of what was asked and of that number, and max_rows is 1.  Less noise
 * does, and nobody's rows are lost.
 *
 * That is a function of the query and of catalogs, never of rows, and it says only how much noise
 * is drawn: the smaller limits are kept as larger ones are, whether or not they bind.  Unique
 * indexes and NOT NULL that it rests on are looked at again when the release begins.
 */
#include "postgres.h"

#include "core/limits.h"
#include "mechanism/noise.h"
#include "query/constants.h"
#include "query/fixed.h"
#include "query/limits.h"
#include "query/params.h"
#include "query/possible.h"
#include "spec/spec.h"

/* Adds unique indexes to those of the release, unless these are too many then. */
static bool
add_proofs(ReleaseBuilder *builder, List *proofs)
{
	List	   *all = list_union_oid(builder->individuals->proofs, proofs);

	if (list_length(list_union_oid(all, builder->context->proofs)) > DP_MAX_PROOFS)
		return false;
	builder->individuals->proofs = all;
	return true;
}

/* Parameter i, at most "most", becomes the least of what it is and of a limit. */
static void
limit_param(ReleaseBuilder *builder, int i, int64 most, int64 limit)
{
	ListCell   *cell = list_nth_cell(builder->params, i);
	Const	   *asked = lfirst(cell);

	if (IsA(asked, Const))
	{
		/* what is out of range stays, and is refused */
		if (!asked->constisnull && DatumGetFloat8(asked->constvalue) > limit &&
			DatumGetFloat8(asked->constvalue) <= most)
			lfirst(cell) = float8_const(limit);
		return;
	}
	lfirst(cell) = least_parameter((Node *) asked, float8_const(limit));
}

/*
 * Finds out which limits follow from the query, notes them in the builder (possible_groups,
 * one_row_each), and lowers max_groups and max_rows among its parameters to them.  The keys are
 * guarded, and conditions of public keys are in WHERE.
 */
void
follow_limits(ReleaseBuilder *builder)
{
	List	   *proofs = NIL;

	builder->possible_groups = 1;
	builder->one_row_each = builder->spec.streamed;
	if (builder->spec.streamed)
		return;
	if (builder->keys != NIL)
	{
		builder->possible_groups = possible_values(builder->level, builder->guarded_keys, &proofs);
		if (!add_proofs(builder, proofs))
			builder->possible_groups = PG_INT64_MAX;
		if (builder->possible_groups < DP_MAX_GROUPS)
			limit_param(builder, DP_PARAM_GROUPS, DP_MAX_GROUPS,
						Max(builder->possible_groups, 1));
	}
	proofs = NIL;
	builder->one_row_each = rows_are_fixed(builder->level, builder->keys, &proofs) &&
		add_proofs(builder, proofs);
	if (builder->one_row_each)
		limit_param(builder, DP_PARAM_ROWS, DP_MAX_ROWS, 1);
}

/*
 * Lowers max_total to what follows from follow_limits(), once the parameter is there (totals.c): an
 * individual with one row in a group has no more rows than groups.
 */
void
limit_total(ReleaseBuilder *builder)
{
	if (!builder->spec.streamed && builder->one_row_each &&
		builder->possible_groups < DP_MAX_TOTAL)
		limit_param(builder, DP_PARAM_TOTAL, DP_MAX_TOTAL, Max(builder->possible_groups, 1));
}
