/*
 * collectors.c
 *		Calls of the extension's own aggregates and placeholders, in the query R of a
 *		release.
 */
#include "postgres.h"

#include "catalog/pg_aggregate.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"

#include "policy/extension.h"
#include "query/builder.h"
#include "query/collectors.h"
#include "query/constants.h"
#include "query/queries.h"
#include "spec/serialise.h"
#include "spec/spec.h"

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
	return makeConst(BYTEAOID, -1, InvalidOid, -1, PointerGetDatum(spec_write(spec)), false, false);
}

/* The arguments of what reads the release's description: spec, params, arguments ... */
List *
collector_arguments(ReleaseBuilder *builder, List *arguments)
{
	return lcons(spec_const(&builder->spec),
				 lcons(params_array(builder), copyObject(arguments)));
}

/* A call of an aggregate of the extension: function(spec, params, arguments ...). */
Aggref *
make_collector(ReleaseBuilder *builder, DpFunction function, List *arguments)
{
	Aggref	   *aggref = makeNode(Aggref);
	List	   *exprs = collector_arguments(builder, arguments);
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

/*
 * Appends one column per sketch: function(spec, params, i, value, more ...), where i counts from
 * 0.
 */
void
append_sketches(ReleaseBuilder *builder, Query *query, DpFunction function, List *values,
				List *more, const char *name)
{
	int			i = 0;
	ListCell   *lc;

	foreach(lc, values)
	{
		List	   *arguments = list_concat(list_make2(int4_const(i), lfirst(lc)), more);
		Aggref	   *aggref = make_collector(builder, function, arguments);

		aggref->inputcollid = builder->spec.sketches[i++].collation;
		append_target(query, (Node *) aggref, name, false);
	}
}

/*
 * Appends one placeholder per output, of the type that the query expects.  It does not read the state: that
 * would take a copy of the collector, whose sub-selects would run again.
 */
void
append_outputs(ReleaseBuilder *builder, Query *release)
{
	int			i = 0;
	ListCell   *lc;

	foreach(lc, builder->aggregates)
	{
		Node	   *aggref = lfirst(lc);
		bool		share = builder->spec.outputs[i].kind == SPEC_OUT_CLIPPED;
		Oid			type = share ? FLOAT8OID : exprType(aggref);
		Oid			collation = share ? InvalidOid : exprCollation(aggref);
		List	   *args = list_make3(makeNullConst(BYTEAOID, -1, InvalidOid),
									  int4_const(i++), makeNullConst(type, -1, collation));

		append_target(release,
					  (Node *) makeFuncExpr(extension_oid(DP_FUNC_OUTPUT, InvalidOid),
											type, args, collation,
											InvalidOid, COERCE_EXPLICIT_CALL),
					  "output", false);
	}
}
