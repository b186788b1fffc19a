/*
 * constants.c
 *		Constants: those that the rewriter makes, and below a release those that the
 *		query itself brings, literals and the time.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"

#include "core/refusals.h"
#include "policy/allowed.h"
#include "query/checks.h"
#include "query/constants.h"
#include "query/level.h"

/* A constant of type double precision. */
Node *
float8_const(double value)
{
	return (Node *) makeConst(FLOAT8OID, -1, InvalidOid, sizeof(float8),
							  Float8GetDatum(value), false, FLOAT8PASSBYVAL);
}

/* A constant of type integer. */
Node *
int4_const(int32 value)
{
	return (Node *) makeConst(INT4OID, -1, InvalidOid, sizeof(int32), Int32GetDatum(value),
							  false, true);
}

/* The text of a literal without a type, as it stands where any type will do. */
static Const *
text_of_unknown(Const *value)
{
	Const	   *text = makeConst(TEXTOID, -1, DEFAULT_COLLATION_OID, -1, (Datum) 0, true, false);

	if (!value->constisnull)
	{
		text->constvalue = CStringGetTextDatum(DatumGetCString(value->constvalue));
		text->constisnull = false;
	}
	text->location = value->location;
	return text;
}

/*
 * A literal, as a copy.  Raises ERRCODE_DP_QUERY_REFUSED for a type that is not allowed, and for
 * a value wider than GUARDED_WIDEST.  A jsonpath is judged where it is used (calls.c).
 */
Node *
guard_const(RewriteContext *context, Const *value)
{
	if (value->consttype == UNKNOWNOID)
		value = text_of_unknown(value);
	if (value->consttype != INTERNALOID && value->consttype != JSONPATHOID)
		check_type(context, (Node *) value);
	if (!value->constisnull && value->constlen == -1 &&
		toast_raw_datum_size(value->constvalue) > GUARDED_WIDEST)
		refuse(REFUSE_EXPRESSION, context->source, value->location);
	return copyObject((Node *) value);
}

/*
 * CURRENT_TIMESTAMP and the like are the time of the transaction.  Others, as CURRENT_USER, fail
 * if the role is gone, and are refused (ERRCODE_DP_QUERY_REFUSED) where they are not computed before
 * the release (session_values.c).
 */
void
check_sql_value(RewriteContext *context, SQLValueFunction *value)
{
	switch (value->op)
	{
		case SVFOP_CURRENT_DATE:
		case SVFOP_CURRENT_TIME:
		case SVFOP_CURRENT_TIME_N:
		case SVFOP_CURRENT_TIMESTAMP:
		case SVFOP_CURRENT_TIMESTAMP_N:
		case SVFOP_LOCALTIME:
		case SVFOP_LOCALTIME_N:
		case SVFOP_LOCALTIMESTAMP:
		case SVFOP_LOCALTIMESTAMP_N:
			break;
		default:
			refuse(REFUSE_EXPRESSION, context->source, exprLocation((Node *) value));
	}
}
