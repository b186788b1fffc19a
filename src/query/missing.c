/*
 * missing.c
 *		Leaves out rows without the values that all outputs are about.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "rewrite/rewriteManip.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "query/builder.h"
#include "query/missing.h"
#include "query/nulls.h"
#include "spec/spec.h"

/* The arguments that must have a value for a row to count in an output. */
static List *
needed_values(ReleaseBuilder *builder, int i)
{
	const ReleaseSpec *spec = &builder->spec;
	const WantedOutput *wanted = &builder->wanted[i];
	List	   *result = NIL;

	if (wanted->set != DP_NONE)
	{
		const SpecSet *set = &spec->sets[wanted->set];

		if (set->every_row)
			return NIL;
		if (set->x != DP_NONE)
			result = lappend(result, list_nth(builder->arguments, set->x));
		if (set->y != DP_NONE)
			result = lappend(result, list_nth(builder->arguments, set->y));
	}
	else if (wanted->sketch != DP_NONE)
		result = list_make1(list_nth(builder->sketch_arguments, wanted->sketch));
	else
		result = list_make1(list_nth(builder->sketch_arguments,
									 spec->parts[spec->outputs[i].part].sketch));
	return result;
}

/* Conditions that the expression has a value: it is neither NULL nor NaN. */
static List *
has_value(Node *expr)
{
	Oid			type = exprType(expr);
	List	   *result = list_make1(not_null_test(expr));

	if (type == FLOAT4OID || type == FLOAT8OID || type == NUMERICOID)
	{
		Oid			unequal = get_negator(lookup_type_cache(type, TYPECACHE_EQ_OPR)->eq_opr);
		Datum		nan = type == FLOAT4OID ? Float4GetDatum((float4) NAN) :
			type == FLOAT8OID ? Float8GetDatum(NAN) :
			DirectFunctionCall1(float8_numeric, Float8GetDatum(NAN));

		result = lappend(result, make_opclause(unequal, BOOLOID, false,
											   copyObject((Expr *) expr),
											   (Expr *) makeConst(type, -1, InvalidOid,
																  get_typlen(type), nan, false,
																  get_typbyval(type)),
											   InvalidOid, InvalidOid));
	}
	return result;
}

/*
 * Leaves out rows without the values that all outputs are about, by more conditions in WHERE.  So
 * the number of individuals is that of individuals with a value, the gate counts those, the
 * vector needs a coordinate less, and order statistics need no gate of their own.  Does nothing
 * if the outputs are about different arguments, if all of them are counts, or none is of the vector.
 */
void
drop_rows_without_values(ReleaseBuilder *builder)
{
	ReleaseSpec *spec = &builder->spec;
	Query	   *query = builder->level->query;
	List	   *common = NIL;
	List	   *quals;
	int			counts = 0;
	int			moments = 0;
	int			choices = 0;
	ListCell   *lc;

	for (int i = 0; i < spec->noutputs; i++)
	{
		List	   *needed;

		if (spec->outputs[i].kind == SPEC_OUT_TIER)
			continue;			/* it is about what the others are about */
		needed = needed_values(builder, i);
		if (needed == NIL || (common != NIL && !equal(needed, common)) ||
			checkExprHasSubLink((Node *) needed))	/* copying would run it twice */
			return;
		common = needed;
		if (spec->outputs[i].kind == SPEC_OUT_COUNT || spec->outputs[i].kind == SPEC_OUT_CLIPPED)
			counts++;
		else if (is_moment_output(&spec->outputs[i]))
			moments++;
		else
			choices++;
	}
	if (moments == 0 && (counts == 0 || choices == 0))
		return;
	quals = make_ands_implicit((Expr *) query->jointree->quals);
	foreach(lc, common)
		quals = list_concat(quals, has_value(lfirst(lc)));
	query->jointree->quals = (Node *) make_ands_explicit(quals);
	for (int i = 0; i < spec->nsets; i++)
		spec->sets[i].every_row = true;
	for (int i = 0; i < spec->nsketches; i++)
		spec->sketches[i].complete = spec->sketches[i].kind == SPEC_SKETCH_CELLS &&
			spec->sketches[i].scheme != SPEC_SCHEME_BINS;
}
