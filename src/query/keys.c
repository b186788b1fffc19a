/*
 * keys.c
 *		Group keys as they are shown.
 *
 * Equal values of some types can look different: 1.0 and 1.00, 0 and -0, '1 mon'
 * and '30 days'.  PostgreSQL shows the first of a group that it meets, which
 * is one person's spelling.  A key is therefore replaced by a form that stands for
 * all values equal to it; types for which there is none cannot be keys.
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "policy/extension.h"
#include "query/query.h"

static Expr *
call(Oid function, Oid type, List *args)
{
	return (Expr *) makeFuncExpr(function, type, args, InvalidOid, InvalidOid,
								 COERCE_EXPLICIT_CALL);
}

/* Do equal values of the type always look the same? */
static bool
is_spelled_uniquely(Oid type)
{
	Oid			element = get_element_type(type);

	if (OidIsValid(element))
		return is_spelled_uniquely(getBaseType(element));
	switch (type)
	{
		case BOOLOID:
		case CHAROID:
		case NAMEOID:
		case TEXTOID:
		case VARCHAROID:
		case BYTEAOID:
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case OIDOID:
		case DATEOID:
		case TIMEOID:
		case TIMETZOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
		case UUIDOID:
		case INETOID:
		case CIDROID:
		case MACADDROID:
		case MACADDR8OID:
		case MONEYOID:
		case BITOID:
		case VARBITOID:
			return true;
		default:
			return type_is_enum(type);
	}
}

/* The text of a blank-padded string, through total() for it may be wide. */
static Expr *
text_of_bpchar(Expr *key)
{
	Oid			collation = exprCollation((Node *) key);
	List	   *args = list_make3(makeConst(INTERNALOID, -1, InvalidOid, sizeof(Datum),
											ObjectIdGetDatum(F_TEXT_BPCHAR), false, true),
								  makeNullConst(TEXTOID, -1, collation), key);

	return (Expr *) makeFuncExpr(extension_oid(DP_FUNC_TOTAL, InvalidOid), TEXTOID, args,
								 collation, collation, COERCE_EXPLICIT_CALL);
}

/*
 * The key in the form that is shown.  Refuses types without one
 * (ERRCODE_DP_QUERY_REFUSED).
 */
Node *
canonical_key(RewriteContext *context, Node *key)
{
	Oid			type = exprType(key);
	Oid			base = getBaseType(type);
	Expr	   *arg = (Expr *) key;
	Expr	   *result = arg;

	check_compared(context, key);
	if (is_spelled_uniquely(base))
		return key;
	switch (base)
	{
		case NUMERICOID:
			if (exprTypmod(key) >= 0)
				return key;		/* one scale for all */
			result = call(F_TRIM_SCALE, NUMERICOID, list_make1(arg));
			break;
		case FLOAT4OID:			/* -0 + 0 = 0 */
			result = call(F_FLOAT4PL, FLOAT4OID,
						  list_make2(arg, makeConst(FLOAT4OID, -1, InvalidOid, sizeof(float4),
													Float4GetDatum(0), false, true)));
			break;
		case FLOAT8OID:
			result = call(F_FLOAT8PL, FLOAT8OID, list_make2(arg, float8_const(0)));
			break;
		case INTERVALOID:
			result = call(extension_oid(DP_FUNC_TAME, INTERVALOID), INTERVALOID, list_make1(arg));
			break;
		case BPCHAROID:
			if (exprTypmod(key) >= 0)
				return key;		/* one length for all */
			result = text_of_bpchar(arg);
			break;
		default:
			refuse(REFUSE_TYPE, context->source, exprLocation(key));
	}
	if (exprType((Node *) result) != type)
		result = (Expr *) makeRelabelType(result, type, exprTypmod(key), exprCollation(key),
										  COERCE_IMPLICIT_CAST);
	return (Node *) result;
}
