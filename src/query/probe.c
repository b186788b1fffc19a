/*
 * probe.c
 *		What fails because of constants is told before any row is read.
 *
 * Below a release a call that fails is NULL, so date_trunc('monht', t) would be
 * NULL for every row, silently.  A call with constants only is computed at plan
 * time.  One with some is tried with a few typical values in the place of its other
 * arguments: if it fails with all of them, the constants are to blame, and the
 * query is refused with the function's own message.  No data are involved, so
 * neither the refusal nor the message tells about any.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "core/refusals.h"
#include "query/guarded.h"
#include "query/level.h"
#include "query/probe.h"

#define PROBES 5

/* Typical values of types, as text. */
static const struct
{
	Oid			type;
	const char *values[PROBES];
}			typical[] =
{
	{BOOLOID, {"t", "f", "t", "f", "t"}},
	{INT2OID, {"1", "0", "-1", "12", "2000"}},
	{INT4OID, {"1", "0", "-1", "12", "2000"}},
	{INT8OID, {"1", "0", "-1", "12", "2000"}},
	{FLOAT4OID, {"1", "0", "-1", "0.5", "2000"}},
	{FLOAT8OID, {"1", "0", "-1", "0.5", "2000"}},
	{NUMERICOID, {"1", "0", "-1", "0.5", "2000"}},
	{TEXTOID, {"", "a", "1", "2001-02-03", "ab cd"}},
	{VARCHAROID, {"", "a", "1", "2001-02-03", "ab cd"}},
	{BPCHAROID, {"", "a", "1", "2001-02-03", "ab cd"}},
	{NAMEOID, {"", "a", "1", "2001-02-03", "ab cd"}},
	{DATEOID, {"2001-02-03", "2001-12-31", "1970-01-01", "2000-02-29", "1900-01-01"}},
	{TIMEOID, {"12:34:56", "00:00", "23:59", "01:02:03.5", "12:00"}},
	{TIMETZOID, {"12:34:56+00", "00:00+00", "23:59+00", "01:02:03.5+00", "12:00+00"}},
	{TIMESTAMPOID, {"2001-02-03 04:05:06", "2001-12-31", "1970-01-01", "2000-02-29", "1900-01-01"}},
	{TIMESTAMPTZOID, {"2001-02-03 04:05:06+00", "2001-12-31 00:00+00", "1970-01-01 00:00+00",
	"2000-02-29 00:00+00", "1900-01-01 00:00+00"}},
	{INTERVALOID, {"1 day", "0", "1 month", "01:02:03", "-1 day"}},
	{JSONOID, {"{\"a\": 1}", "[1, 2]", "1", "\"a\"", "null"}},
	{JSONBOID, {"{\"a\": 1}", "[1, 2]", "1", "\"a\"", "null"}},
	{INETOID, {"10.0.0.1", "10.0.0.0/8", "::1", "192.168.1.5/24", "0.0.0.0/0"}},
	{BYTEAOID, {"", "a", "1", "abc", "ab cd"}}
};

/* A typical value of the type; NULL where none is known. */
static Const *
typical_value(Oid type, int32 typmod, Oid collation, int i)
{
	Oid			base = getBaseType(type);

	for (int t = 0; t < (int) lengthof(typical); t++)
	{
		Oid			input;
		Oid			ioparam;
		int16		length;
		bool		byval;

		if (typical[t].type != base)
			continue;
		getTypeInputInfo(base, &input, &ioparam);
		get_typlenbyval(base, &length, &byval);
		return makeConst(base, -1, collation, length,
						 OidInputFunctionCall(input, unconstify(char *, typical[t].values[i]),
											  ioparam, -1), false, byval);
	}
	return NULL;
}

/*
 * The value of a call with constants; NULL where it raises a data exception, with
 * its message.
 */
static Const *
evaluate(FuncExpr *call, char **message)
{
	MemoryContext context = CurrentMemoryContext;
	uint32		holdoff = InterruptHoldoffCount;
	uint32		cancel_holdoff = QueryCancelHoldoffCount;
	Const	   *volatile result = NULL;

	PG_TRY();
	{
		result = castNode(Const, evaluate_expr((Expr *) call, call->funcresulttype, -1,
											   call->funccollid));
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		*message = CopyErrorData()->message;
		forgive_error(context, holdoff, cancel_holdoff);
	}
	PG_END_TRY();
	return result;
}

/* The value of a call with constants only, or ERRCODE_DP_QUERY_REFUSED. */
Const *
evaluate_or_refuse(RewriteContext *context, FuncExpr *call, int location)
{
	char	   *message = NULL;
	Const	   *result = evaluate(call, &message);

	if (result == NULL)
		refuse_failing(message, context->source, location);
	return result;
}

/*
 * Refuses a call that fails for all typical values of the arguments that are not
 * constants (ERRCODE_DP_QUERY_REFUSED).  A call with an
 * argument of a type that has no typical values passes.
 */
void
probe_call(RewriteContext *context, FuncExpr *call, int location)
{
	char	   *message = NULL;

	for (int i = 0; i < PROBES; i++)
	{
		FuncExpr   *probe = copyObject(call);
		ListCell   *lc;

		foreach(lc, probe->args)
		{
			Node	   *arg = lfirst(lc);

			if (!IsA(arg, Const))
				arg = (Node *) typical_value(exprType(arg), exprTypmod(arg),
											 exprCollation(arg), i);
			if (arg == NULL)
				return;
			lfirst(lc) = arg;
		}
		if (evaluate(probe, &message) != NULL)
			return;
	}
	refuse_failing(message, context->source, location);
}
